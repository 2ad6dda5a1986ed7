//! How the commands write.

use std::env;
use std::io::{ErrorKind, Write};

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use comfy_table::{Cell, Color, ContentArrangement, Row, Table, presets};
use serde::Serialize;

/// Writes these lines on the standard output, where no character moves the cursor: anybody may
/// have written them in the database.
pub fn print(lines: &[String]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    write(&clean(&lines.join("\n")))
}

/// Writes a text that is clean but for its colours, which only go to a terminal, and only if there
/// is no `NO_COLOR`.
pub fn write(text: &str) -> Result<()> {
    let mut output = anstream::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        // `list | head`: the reader has had what it wanted.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("can't write"),
    }
}

pub fn clean(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

pub fn one_line(text: &str) -> String {
    clean(&text.replace('\n', " "))
}

/// A JSON document, on several lines, with no control character that JSON leaves as it is.
pub fn json(value: &impl Serialize) -> Result<String> {
    let mut json = serde_json::to_string_pretty(value)?;
    for c in '\u{7f}'..='\u{9f}' {
        json = json.replace(c, &format!("\\u{:04x}", u32::from(c)));
    }
    Ok(json)
}

/// A table as wide as the terminal, or as `COLUMNS` says; as wide as it needs to be elsewhere.
pub fn table(titles: &[&str], rows: impl IntoIterator<Item = Row>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_truncation_indicator("…")
        // Whether the colours are wanted is known where they are written.
        .enforce_styling()
        .set_header(titles.iter().map(|title| Cell::new(title).fg(Color::Blue)))
        .add_rows(rows);
    // So that the spaces at the end of a line are bare, and go.
    table.style_text_only();
    let asked = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    // A terminal of no columns is one that doesn't know.
    if let Some(columns) = asked.or(table.width()).filter(|columns| *columns > 0) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(columns);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// How far a task has come, in its colour: in a table, and elsewhere.
const COLORS: [(&str, Color, AnsiColor); 4] = [
    ("waiting", Color::DarkYellow, AnsiColor::Yellow),
    ("running", Color::DarkCyan, AnsiColor::Cyan),
    ("stopped", Color::DarkGreen, AnsiColor::Green),
    ("failed", Color::DarkRed, AnsiColor::Red),
];

pub fn status_cell(status: &str) -> Cell {
    let found = COLORS.iter().find(|(word, ..)| *word == status);
    Cell::new(one_line(status)).fg(found.map_or(Color::Reset, |found| found.1))
}

pub fn status_style(status: &str) -> Style {
    let found = COLORS.iter().find(|(word, ..)| *word == status);
    found.map_or(Style::new(), |found| found.2.on_default())
}
