//! The difference that a step makes in one file, or in some of its items.

use anyhow::{Result, bail};
use xtask::{Change, Line, Tag};

use crate::item::{self, Lines};

/// Whether a reader must see a line: it changes, and says something.
pub fn matters(line: &Line) -> bool {
    line.tag != Tag::Kept && !line.text.trim().is_empty()
}

/// The parts of a change that lie in the named items of the old or of the new text.
pub fn within<'a>(change: &'a Change, names: &[String]) -> Result<Vec<&'a Line>> {
    let mut places = Vec::new();
    for name in names {
        let (old, new) = places_of(change, name)?;
        let is_inside = move |line: &Line| {
            let inside = |lines: &Option<Lines>, number: Option<usize>| {
                lines
                    .as_ref()
                    .zip(number)
                    .is_some_and(|(lines, number)| lines.contains(&number))
            };
            inside(&old, line.old) || inside(&new, line.new)
        };
        let mut lines = change.lines.iter().filter(|line| is_inside(line));
        if lines.all(|line| line.tag == Tag::Kept) {
            bail!("`{name}` of {} doesn't change at this step", change.path);
        }
        places.push(is_inside);
    }
    let lines = change.lines.iter();
    Ok(lines
        .filter(|line| places.iter().any(|is_inside| is_inside(line)))
        .collect())
}

/// Where an item is in the old and in the new text.
fn places_of(change: &Change, name: &str) -> Result<(Option<Lines>, Option<Lines>)> {
    let find = |text: &Option<String>| match text {
        Some(text) => item::find(&change.path, text, name).map(|place| place.lines),
        None => bail!("the file isn't there"),
    };
    match (find(&change.old), find(&change.new)) {
        (Err(_), Err(error)) => Err(error),
        (old, new) => Ok((old.ok(), new.ok())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(old: &str, new: &str) -> Change {
        Change::new("src/a.rs", Some(old.to_owned()), Some(new.to_owned()))
    }

    #[test]
    fn only_the_named_item_is_kept() {
        let change = change(
            "fn a() {\n}\nfn b() {\n}\n",
            "fn a() {\n    1\n}\nfn b() {\n    2\n}\n",
        );
        let lines = within(&change, &["b".to_owned()]).unwrap();
        let changed: Vec<_> = lines.into_iter().filter(|line| matters(line)).collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].text, "    2\n");
    }

    #[test]
    fn an_item_that_does_not_change_is_an_error() {
        let change = change("fn a() {}\nfn b() {}\n", "fn a() {}\nfn b() { 1 }\n");
        let error = within(&change, &["a".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "`a` of src/a.rs doesn't change at this step");
    }
}
