//! Which item a hunk is in, for its header.

use crate::hunk::{Line, Tag};

/// The first line of the innermost Rust item around the first changed line of a hunk that starts at
/// line `start` (from 0) of `old`; none if the hunk shows this line itself.
pub(crate) fn enclosing_item(old: &[&str], start: usize, lines: &[Line]) -> Option<String> {
    let first_change = lines
        .iter()
        .position(|line| line.tag != Tag::Kept && !line.text.trim().is_empty())?;
    let mut depth = indent(&lines[first_change].text);
    let shown = lines[..first_change].iter();
    let shown = shown.filter(|line| line.tag != Tag::Added);
    for line in shown.rev() {
        if indent(&line.text) < depth && is_item(&line.text) {
            return None;
        }
        depth = depth.min(closing_depth(&line.text).unwrap_or(depth));
    }
    old[..start]
        .iter()
        .rev()
        .find(|line| indent(line) < depth && is_item(line))
        .map(|line| line.trim_end().to_owned())
}

/// An item that closes above the change can't be around it, nor can anything as deep.
fn closing_depth(line: &str) -> Option<usize> {
    line.trim_start().starts_with('}').then(|| indent(line))
}

fn indent(line: &str) -> usize {
    let line = line.trim_end();
    line.len() - line.trim_start().len()
}

fn is_item(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| {
        word.starts_with("pub") || matches!(*word, "async" | "const" | "unsafe")
    });
    let keyword = words.next().unwrap_or_default();
    let keyword = keyword.split('<').next().unwrap_or_default();
    matches!(keyword, "enum" | "fn" | "impl" | "mod" | "struct" | "trait")
        && !line.trim_end().ends_with(';')
}
