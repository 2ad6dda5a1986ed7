//! Where a block of lines could be said to start at several places, chooses the most readable.
//!
//! Inserting a function between two others can be shown as the lines of the function, or as the
//! closing brace of the one before and everything but its own: both are true, one is readable.

use std::cmp::Reverse;
use std::ops::Range;

use similar::{DiffOp, DiffTag};

/// Moves each pure insertion or deletion up or down, among equal lines, to its best place.
pub(crate) fn slide(ops: &[DiffOp], old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut ops = pad(ops);
    // Padded, the operations alternate: equal lines, a change, equal lines, a change …
    for index in (1..ops.len()).step_by(2) {
        let (before, after) = (
            ops[index - 1].old_range().len(),
            ops[index + 1].old_range().len(),
        );
        let shift = match ops[index].tag() {
            DiffTag::Insert => best_shift(new, &ops[index].new_range(), before, after),
            DiffTag::Delete => best_shift(old, &ops[index].old_range(), before, after),
            DiffTag::Equal | DiffTag::Replace => 0,
        };
        shift_op(&mut ops, index, shift);
    }
    ops.retain(|op| !matches!(op, DiffOp::Equal { len: 0, .. }));
    ops
}

/// Puts equal lines, possibly none, on both sides of every change.
fn pad(ops: &[DiffOp]) -> Vec<DiffOp> {
    let mut padded = Vec::new();
    let mut equal_is_last = false;
    let (mut old_end, mut new_end) = (0, 0);
    for op in ops {
        let is_equal = op.tag() == DiffTag::Equal;
        if !is_equal && !equal_is_last {
            padded.push(nothing(old_end, new_end));
        }
        padded.push(*op);
        equal_is_last = is_equal;
        (old_end, new_end) = (op.old_range().end, op.new_range().end);
    }
    if !equal_is_last {
        padded.push(nothing(old_end, new_end));
    }
    padded
}

fn nothing(old_index: usize, new_index: usize) -> DiffOp {
    DiffOp::Equal {
        old_index,
        new_index,
        len: 0,
    }
}

/// How far to move a block of `lines`: at most `before` lines up, `after` lines down.
fn best_shift(lines: &[&str], block: &Range<usize>, before: usize, after: usize) -> isize {
    let up = (1..=before)
        .take_while(|by| lines[block.start - by] == lines[block.end - by])
        .count();
    let down = (0..after)
        .take_while(|by| lines[block.start + by] == lines[block.end + by])
        .count();
    let places = (block.start - up)..=(block.start + down);
    let best = places.min_by_key(|place| cost(lines, *place, block.len()));
    best.unwrap_or(block.start).cast_signed() - block.start.cast_signed()
}

/// A block reads best when it and what follows it open something at the margin, and a blank line
/// comes before it; then, as far down as possible.
fn cost(lines: &[&str], start: usize, len: usize) -> (usize, bool, Reverse<usize>) {
    let after_blank = start == 0 || lines[start - 1].trim().is_empty();
    (
        depth(lines, start) + depth(lines, start + len),
        !after_blank,
        Reverse(start),
    )
}

/// How deep the first line at or after `index` that isn't blank is; worse if it closes something.
fn depth(lines: &[&str], index: usize) -> usize {
    let line = lines[index..].iter().find(|line| !line.trim().is_empty());
    line.map_or(0, |line| {
        let text = line.trim_start();
        let closing = if text.starts_with(['}', ')', ']']) {
            4
        } else {
            0
        };
        line.len() - text.len() + closing
    })
}

/// Moves one change by `shift` lines, the equal lines around it making room.
fn shift_op(ops: &mut [DiffOp], index: usize, shift: isize) {
    let move_by = |value: &mut usize| *value = value.saturating_add_signed(shift);
    if let DiffOp::Equal { len, .. } = &mut ops[index - 1] {
        move_by(len);
    }
    if let DiffOp::Insert {
        old_index,
        new_index,
        ..
    }
    | DiffOp::Delete {
        old_index,
        new_index,
        ..
    } = &mut ops[index]
    {
        move_by(old_index);
        move_by(new_index);
    }
    if let DiffOp::Equal {
        old_index,
        new_index,
        len,
    } = &mut ops[index + 1]
    {
        move_by(old_index);
        move_by(new_index);
        *len = len.saturating_add_signed(-shift);
    }
}
