//! The tables of a `Cargo.toml`.

use super::{Place, with_comments};

/// The tables whose header is `[name]`.
pub fn find(text: &str, name: &str) -> Vec<Place> {
    let lines: Vec<&str> = text.lines().collect();
    let header = format!("[{name}]");
    let mut places = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.trim() != header {
            continue;
        }
        let body = lines[index + 1..]
            .iter()
            .take_while(|line| !line.starts_with('['))
            .count();
        let mut end = index + 1 + body;
        while lines[end - 1].trim().is_empty() {
            end -= 1;
        }
        let start = with_comments(text, index + 1, |line| line.starts_with('#'));
        places.push(Place::top(start..=end));
    }
    places
}

/// The table that each line stands in.
pub fn scopes(text: &str, lines: &[usize]) -> Vec<Vec<String>> {
    let header = |line: &usize| {
        let before = text.lines().take(line - 1);
        before.filter(|line| line.starts_with('[')).last()
    };
    let scopes = lines.iter().map(header);
    scopes
        .map(|header| header.map(str::to_owned).into_iter().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_ends_before_the_next() {
        let text = "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n\n[lints]\n";
        assert_eq!(find(text, "dependencies"), [Place::top(4..=5)]);
        assert_eq!(find(text, "depend"), []);
        assert_eq!(
            scopes(text, &[1, 2, 4, 5]),
            [
                vec![],
                vec!["[package]"],
                vec!["[package]"],
                vec!["[dependencies]"]
            ]
        );
    }
}
