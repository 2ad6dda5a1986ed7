//! `{{#tables}}`: the tables and the indexes, and the step that brings each column.

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use crate::html;
use crate::page::Page;
use crate::schema::{self, Kind, Name};
use crate::since::{Entry, History};

/// The tables, then the indexes.
///
/// # Errors
/// When the migrations of a step can't be applied, or when no step has any.
pub fn tables(page: &Page) -> Result<String> {
    let mut columns = History::new();
    let mut indexes = History::new();
    for step in page.library.steps().iter() {
        if let Some(schema) = schema::read(page.library, step)? {
            columns.record(step, schema.columns);
            let schema_indexes = schema.indexes.into_iter().map(|index| (index, ()));
            indexes.record(step, schema_indexes.collect());
        }
    }
    ensure!(
        !columns.entries().is_empty(),
        "no step has migrations that make a table"
    );
    Ok(column_tables(page, &columns) + &index_table(page, &indexes))
}

fn column_tables(page: &Page, columns: &History<Name, Kind>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for entry in columns.entries() {
        if !names.contains(&entry.key.table.as_str()) {
            names.push(&entry.key.table);
        }
    }
    let tables = names.into_iter().map(|name| {
        let entries = columns.entries().iter();
        let rows = entries
            .filter(|entry| entry.key.table == name)
            .map(|entry| column_row(page, entry));
        let name = html::escape(name);
        table(
            &format!("La table <code>{name}</code>"),
            &["Colonne", "Type", "Contrainte", "Étape"],
            &rows.collect::<String>(),
        )
    });
    tables.collect()
}

fn column_row(page: &Page, entry: &Entry<Name, Kind>) -> String {
    let kind = &entry.value;
    let constraint = match (kind.primary_key, kind.not_null) {
        (true, _) => "<code>PRIMARY KEY</code>",
        (false, true) => "<code>NOT NULL</code>",
        (false, false) => "",
    };
    row(
        page,
        entry,
        &[
            format!("<code>{}</code>", html::escape(&entry.key.column)),
            format!("<code>{}</code>", html::escape(&kind.sql_type)),
            constraint.to_owned(),
        ],
    )
}

fn index_table(page: &Page, indexes: &History<String, ()>) -> String {
    if indexes.entries().is_empty() {
        return String::new();
    }
    let rows = indexes.entries().iter().map(|entry| {
        let definition = format!("<code>{}</code>", html::escape(&entry.key));
        row(page, entry, &[definition])
    });
    table(
        "Les index",
        &["Définition", "Étape"],
        &rows.collect::<String>(),
    )
}

fn table(title: &str, headings: &[&str], rows: &str) -> String {
    let mut head = String::new();
    for heading in headings {
        let _ = write!(head, "<th scope=\"col\">{heading}</th>");
    }
    format!(
        "<h2>{title}</h2><div class=\"wide\" tabindex=\"0\"><table class=\"schema\">\
         <thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// The first cell names the row, and says what has become of it; the last one says since when.
fn row<K, V>(page: &Page, entry: &Entry<K, V>, cells: &[String]) -> String {
    let class = match entry.removed {
        Some(_) => " class=\"removed\"",
        None => "",
    };
    let mut row = format!("<tr{class}>");
    for (index, cell) in cells.iter().enumerate() {
        let _ = match index {
            0 => write!(row, "<th scope=\"row\">{cell}{}</th>", notes(page, entry)),
            _ => write!(row, "<td>{cell}</td>"),
        };
    }
    let since = page.number_link(entry.since);
    row + &format!("<td class=\"number\">{since}</td></tr>")
}

fn notes<K, V>(page: &Page, entry: &Entry<K, V>) -> String {
    let changed = entry.changed.iter().map(|step| ("changement", *step));
    let removed = entry.removed.map(|step| ("suppression", step));
    let notes = changed.chain(removed).map(|(what, step)| {
        let number = page.number_link(step);
        format!("<span class=\"note\">{what} à l’étape\u{a0}{number}</span>")
    });
    notes.collect()
}
