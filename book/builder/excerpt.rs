//! What is shown of a difference: its place, its lines, its changed words.

use std::fmt::Write as _;

use xtask::{Change, Line, Tag, hunks};

use crate::html;
use crate::item;
use crate::words::{self, Words};

/// What is shown of a change: lines that matter, in their context.
pub struct Excerpt<'a> {
    change: &'a Change,
    hunks: Vec<Vec<&'a Line>>,
    /// What all the hunks stand in.
    within: Option<String>,
    /// What each hunk stands in besides.
    scopes: Vec<Option<String>>,
    /// What each hunk comes after, if it has no line of context to tell.
    after: Vec<Option<String>>,
}

impl<'a> Excerpt<'a> {
    /// The lines that matter, in their context as far as it is `shown`.
    pub fn new(
        change: &'a Change,
        shown: impl Fn(&Line) -> bool,
        matters: impl Fn(&Line) -> bool,
    ) -> Self {
        let hunks = hunks(&change.lines, shown, matters);
        let changed = |hunk: &Vec<&Line>| -> Vec<usize> {
            let added = hunk.iter().filter(|line| line.tag == Tag::Added);
            let lines: Vec<usize> = added.filter_map(|line| line.new).collect();
            let kept = || hunk.iter().find_map(|line| line.new).into_iter().collect();
            if lines.is_empty() { kept() } else { lines }
        };
        let end = |line: Option<&usize>| line.copied().unwrap_or(1);
        let changed: Vec<_> = hunks.iter().map(changed).collect();
        let lines: Vec<usize> = changed.iter().map(|lines| end(lines.first())).collect();
        let last: Vec<usize> = changed.iter().map(|lines| end(lines.last())).collect();
        let new = change.new.as_deref().unwrap_or_default();
        let mut scopes = item::scopes(&change.path, new, &lines);
        let last = item::scopes(&change.path, new, &last);
        for (scope, last) in scopes.iter_mut().zip(&last) {
            let common = scope
                .iter()
                .zip(last)
                .take_while(|(one, other)| one == other);
            scope.truncate(common.count());
        }
        let mut after = item::predecessors(&change.path, new, &lines);
        for (after, hunk) in after.iter_mut().zip(&hunks) {
            let is_alone = hunk.iter().all(|line| line.tag == Tag::Added);
            after.take_if(|_| change.old.is_none() || !is_alone);
        }
        let outer = scopes.first().cloned().unwrap_or_default();
        let shared = |depth: &usize| {
            scopes
                .iter()
                .all(|scope| scope.get(*depth) == outer.get(*depth))
        };
        let depth = (0..outer.len()).take_while(shared).count();
        Self {
            change,
            hunks,
            within: depth.checked_sub(1).map(|last| scopes[0][last].clone()),
            scopes: scopes
                .into_iter()
                .map(|mut scope| scope.drain(depth..).next_back())
                .collect(),
            after,
        }
    }

    /// Where it is, and how many lines come and go: `impl Store · +14 −13`.
    pub fn place(&self) -> String {
        let within = self.within.as_deref().map(html::within);
        let fate = match (&self.change.old, &self.change.new) {
            (None, _) => Some("nouveau fichier".to_owned()),
            (_, None) => Some("fichier supprimé".to_owned()),
            _ => None,
        };
        let count = |tag| {
            self.hunks
                .iter()
                .flatten()
                .filter(|line| line.tag == tag)
                .count()
        };
        let size = html::size((count(Tag::Added), count(Tag::Deleted)));
        let parts: Vec<String> = [fate, within, Some(size)].into_iter().flatten().collect();
        format!(" <span class=\"where\">{}</span>", parts.join(" · "))
    }

    /// The lines between a hunk and the one before it.
    fn skipped_before(&self, index: usize) -> &'a [Line] {
        let lines = &self.change.lines;
        let place = |line: Option<&&Line>| {
            let line = *line?;
            lines.iter().position(|other| std::ptr::eq(other, line))
        };
        let before = index.checked_sub(1).map(|index| &self.hunks[index]);
        let last = before.and_then(|hunk| place(hunk.last()));
        let first = place(self.hunks[index].first());
        last.zip(first)
            .map_or(&[], |(last, first)| &lines[last + 1..first])
    }

    /// Its lines: coloured as a diff by the page, as code by highlight.js.
    pub fn body(&self) -> String {
        let mut code = String::new();
        let places = self.scopes.iter().zip(&self.after);
        for (index, (hunk, (scope, after))) in self.hunks.iter().zip(places).enumerate() {
            let after = after.as_ref().map(|item| format!("après {item}"));
            let skipped = self.skipped_before(index);
            let says_where = index == 0 && (scope.is_some() || after.is_some());
            if says_where || skipped.iter().any(|line| !line.text.trim().is_empty()) {
                let place = [scope.clone(), after].into_iter().flatten();
                let place = html::escape(&place.collect::<Vec<_>>().join(", "));
                let _ = write!(code, "<span class=\"gap\">⋯ {place}&#10;</span>");
            } else {
                for line in skipped {
                    code.push_str(&marked(line, &Words::default()));
                }
            }
            for (line, words) in hunk.iter().zip(words::changed(hunk)) {
                code.push_str(&marked(line, &words));
            }
        }
        html::pre("diff", html::language(&self.change.path), &code)
    }
}

/// A line with its changed words. `ins` and `del` tell even those who don't see colours.
fn marked(line: &Line, words: &Words) -> String {
    let (tag, class) = match line.tag {
        Tag::Kept => ("span", "same"),
        Tag::Deleted => ("del", "del"),
        Tag::Added => ("ins", "add"),
    };
    let text = line.text.trim_end_matches('\n');
    let mut marked = String::new();
    let mut end = 0;
    for word in words {
        let (before, word_text) = (&text[end..word.start], &text[word.clone()]);
        let _ = write!(
            marked,
            "{}<b>{}</b>",
            html::escape(before),
            html::escape(word_text)
        );
        end = word.end;
    }
    let rest = html::escape(&text[end..]);
    format!("<{tag} class=\"{class}\">{marked}{rest}&#10;</{tag}>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::{matters, within};

    fn change(old: &str, new: &str) -> Change {
        Change::new("src/a.rs", Some(old.to_owned()), Some(new.to_owned()))
    }

    #[test]
    fn lines_between_two_items_are_a_gap() {
        let change = change(
            "fn a() {}\nfn b() {}\nfn c() {}\n",
            "fn a() { 1 }\nfn b() {}\nfn c() { 1 }\n",
        );
        let lines = within(&change, &["a".to_owned(), "c".to_owned()]).unwrap();
        let body = Excerpt::new(&change, |line| lines.contains(&line), matters).body();
        assert_eq!(body.matches("class=\"gap\"").count(), 1, "{body}");
    }

    #[test]
    fn neighbours_are_not_told_apart() {
        let change = change("fn a() {}\n\nfn b() {}\n", "fn a() { 1 }\n\nfn b() { 1 }\n");
        let lines = within(&change, &["a".to_owned(), "b".to_owned()]).unwrap();
        let body = Excerpt::new(&change, |line| lines.contains(&line), matters).body();
        assert!(!body.contains('⋯'), "{body}");
        assert!(body.contains("<span class=\"same\">&#10;</span>"), "{body}");
    }

    #[test]
    fn what_is_new_comes_after_something() {
        let old = "impl A {\n    fn a() {}\n}\n";
        let new = "impl A {\n    fn a() {}\n\n    fn b() {}\n}\n";
        let change = change(old, new);
        let lines = within(&change, &["A::b".to_owned()]).unwrap();
        let body = Excerpt::new(&change, |line| lines.contains(&line), matters).body();
        assert!(body.contains("⋯ après A::a&#10;"), "{body}");
        let body = Excerpt::new(&change, |_| true, matters).body();
        assert!(!body.contains("après"), "{body}");
    }

    #[test]
    fn it_is_where_all_that_changes_is_and_not_where_its_context_is() {
        let old = "fn a() {\n    1\n}\n\nfn b() {\n    1\n}\n";
        let place = |new| Excerpt::new(&change(old, new), |_| true, matters).place();
        let added = place("fn a() {\n    1\n}\n\nfn c() {}\n\nfn b() {\n    1\n}\n");
        assert!(!added.contains("dans"), "{added}");
        let one = place("fn a() {\n    1\n}\n\nfn b() {\n    2\n}\n");
        assert!(one.contains("dans <em>b</em>"), "{one}");
        let both = place("fn a() {\n    2\n}\n\nfn b() {\n    2\n}\n");
        assert!(!both.contains("dans"), "{both}");
    }

    #[test]
    fn an_excerpt_says_where_it_is() {
        let body = |sum: &str| -> String {
            let lines: Vec<String> = (0..9)
                .map(|n| format!("        let a{n} = {n};\n"))
                .collect();
            format!("    fn add() {{\n{}        {sum}\n    }}\n", lines.concat())
        };
        let text = |one: &str, two: &str| {
            format!(
                "impl A {{\n{}{}}}\n",
                body(one),
                body(two).replace("add", "sub")
            )
        };
        let (old, new) = (text("1", "1"), text("1", "2"));
        let one = change(&old, &new);
        let excerpt = Excerpt::new(&one, |_| true, matters);
        let size = "<span class=\"add\">+1</span> <span class=\"del\">−1</span>";
        assert_eq!(
            excerpt.place(),
            format!(" <span class=\"where\">dans <em>A::sub</em> · {size}</span>")
        );
        assert!(!excerpt.body().contains('⋯'), "{}", excerpt.body());

        let new = text("2", "2");
        let both = change(&old, &new);
        let excerpt = Excerpt::new(&both, |_| true, matters);
        assert!(
            excerpt.place().contains("dans <em>impl A</em>"),
            "{}",
            excerpt.place()
        );
        assert!(
            excerpt.body().contains("⋯ A::add&#10;"),
            "{}",
            excerpt.body()
        );
        assert!(
            excerpt.body().contains("⋯ A::sub&#10;"),
            "{}",
            excerpt.body()
        );
    }
}
