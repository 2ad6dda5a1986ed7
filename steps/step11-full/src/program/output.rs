//! How the commands write.

use std::env;
use std::io::Write;

use comfy_table::{Cell, Color, ContentArrangement, Row, Table, presets};
use serde::Serialize;

use super::Failure;

/// Writes a text on the standard output; its colours only go to a terminal, without `NO_COLOR`.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut output = anstream::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(Failure::Output)
}

/// A JSON document, on several lines.
pub fn json(value: &impl Serialize) -> String {
    let json = serde_json::to_string_pretty(value);
    json.expect("what is shown has text keys only") + "\n"
}

/// A table as wide as the terminal, or as `COLUMNS` says; as wide as it needs to be elsewhere.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Row>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        // Whether they are wanted is known where they are printed.
        .enforce_styling()
        .set_truncation_indicator("…");
    // So that the spaces at the end of a line are bare, and go.
    table.style_text_only();
    let titles = header.iter().map(|title| Cell::new(title).fg(Color::Blue));
    table.set_header(titles);
    table.add_rows(rows);
    if let Some(columns) = columns() {
        table.set_width(columns);
    }
    let last = header.len() - 1;
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == last { 0 } else { 2 }));
    }
    let lines: Vec<_> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

/// The width that the user has chosen.
fn columns() -> Option<u16> {
    env::var("COLUMNS").ok()?.parse().ok()
}

/// What fits in a line, with no character that would move the cursor.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
