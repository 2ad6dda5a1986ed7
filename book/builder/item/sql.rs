//! The statements of a migration.

use std::sync::LazyLock;

use regex::Regex;

use super::Place;

static SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?ix) ^\s* (?:
            create \s+ (?:unique \s+)? (?:table|index|trigger|view) \s+ (?:if \s+ not \s+ exists \s+)?
            | alter \s+ table \s+
        ) ["\[`]? (\w+)"#,
    )
    .expect("the pattern is a constant")
});

/// A statement: its lines, and its words without comments.
struct Statement {
    place: Place,
    words: String,
}

/// The statements that create `name`; failing that, those that alter it.
pub fn find(text: &str, name: &str) -> Vec<Place> {
    let about: Vec<Statement> = statements(text)
        .into_iter()
        .filter(|statement| subject(&statement.words) == Some(name))
        .collect();
    let is_creation = |statement: &&Statement| {
        let words = statement.words.trim_start();
        words
            .get(..6)
            .is_some_and(|verb| verb.eq_ignore_ascii_case("create"))
    };
    let creations: Vec<Place> = about
        .iter()
        .filter(is_creation)
        .map(|statement| statement.place.clone())
        .collect();
    if creations.is_empty() {
        about.into_iter().map(|statement| statement.place).collect()
    } else {
        creations
    }
}

fn subject(words: &str) -> Option<&str> {
    let found = SUBJECT.captures(words)?;
    found.get(1).map(|name| name.as_str())
}

/// Cuts at the semicolons that end a line, which is how migrations are
/// written; a trigger goes on to its `END`.
fn statements(text: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut start = None;
    let mut words = String::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split("--").next().unwrap_or_default().trim_end();
        if line.trim().is_empty() && words.trim().is_empty() {
            // A comment followed by a blank line belongs to no statement.
            start = None;
            continue;
        }
        let first = *start.get_or_insert(index + 1);
        words.push_str(code);
        words.push('\n');
        if code.ends_with(';') && !inside_trigger(&words) {
            statements.push(Statement {
                place: Place::top(first..=index + 1),
                words: std::mem::take(&mut words),
            });
            start = None;
        }
    }
    statements
}

fn inside_trigger(words: &str) -> bool {
    let words = words.trim().to_lowercase();
    words.starts_with("create trigger") && !words.ends_with("end;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
-- About the file.

-- About the tasks.
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY -- not reused;
) STRICT;

CREATE INDEX tasks_status ON tasks (status);
ALTER TABLE tasks ADD COLUMN instance TEXT;
ALTER TABLE other ADD COLUMN instance TEXT;
";

    #[test]
    fn a_statement_is_found_by_what_it_creates() {
        assert_eq!(find(TEXT, "tasks"), [Place::top(3..=6)]);
        assert_eq!(find(TEXT, "tasks_status"), [Place::top(8..=8)]);
        assert_eq!(find(TEXT, "other"), [Place::top(10..=10)]);
        assert_eq!(find(TEXT, "task"), []);
    }
}
