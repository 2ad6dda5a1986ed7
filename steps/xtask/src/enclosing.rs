//! Which item a hunk is in, for its header.

use crate::hunk::{Line, Tag};

/// The first line of the innermost Rust item around the first changed line of a hunk that starts at
/// line `start` (from 0) of `old`; none if the hunk shows this line itself.
pub(crate) fn enclosing_item(old: &[&str], start: usize, lines: &[Line]) -> Option<String> {
    let first_change = lines
        .iter()
        .position(|line| line.tag != Tag::Kept && !line.text.trim().is_empty())?;
    let shown = lines[..first_change].iter().rev();
    let shown = shown.map(|line| (true, line.text.as_str()));
    let hidden = old[..start].iter().rev().map(|line| (false, *line));
    let mut depth = indent(&lines[first_change].text);
    for (in_view, line) in shown.chain(hidden) {
        let line = line.trim_end();
        if line.is_empty() || indent(line) >= depth || goes_on(line) {
            continue;
        }
        if is_item(line) {
            return (!in_view).then(|| line.to_owned());
        }
        depth = indent(line);
    }
    None
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether a line is the end of what an item's first line began, which spans several.
fn goes_on(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with([')', '{']) || line.starts_with("where")
}

fn is_item(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| {
        word.starts_with("pub") || matches!(*word, "async" | "const" | "unsafe")
    });
    let keyword = words.next().unwrap_or_default();
    let keyword = keyword.split('<').next().unwrap_or_default();
    matches!(keyword, "enum" | "fn" | "impl" | "mod" | "struct" | "trait") && !line.ends_with(';')
}
