//! `{{#tables}}`: the tables and the indexes, and the step that brings each column.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use rusqlite::Connection;
use xtask::Step;

use crate::html;
use crate::library::Library;
use crate::page::Page;

/// In the order of creation, without what the database makes for itself; `hidden = 1` are columns that
/// virtual tables don't show either. An index is its own name, and belongs to no table here.
const ROWS: &str = r"
    SELECT tables.name, columns.name, columns.type, CASE
        WHEN columns.pk > 0 THEN 'PRIMARY KEY' WHEN columns.[notnull] THEN 'NOT NULL' ELSE ''
    END, sqlite_schema.rowid, columns.cid
    FROM pragma_table_list AS tables
    JOIN sqlite_schema ON sqlite_schema.type = 'table' AND sqlite_schema.name = tables.name
    JOIN pragma_table_xinfo(tables.name) AS columns
    WHERE tables.schema = 'main' AND tables.name NOT LIKE 'sqlite\_%' ESCAPE '\'
        AND columns.hidden <> 1
    UNION ALL
    SELECT '', sql, '', '', rowid, 0 FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
    ORDER BY 5, 6";

/// A column, or an index, which has no table.
struct Row {
    table: String,
    name: String,
    /// Its type and its constraint.
    value: [String; 2],
}

/// A row, and the steps that have made it what it is.
struct Entry<'a> {
    row: Row,
    since: &'a Step,
    changed: Vec<&'a Step>,
    removed: Option<&'a Step>,
}

/// The tables, then the indexes.
pub fn tables(page: &Page) -> Result<String> {
    let mut entries = Vec::new();
    for step in page.library.steps().iter() {
        record(&mut entries, step, rows(page.library, step)?);
    }
    ensure!(
        !entries.is_empty(),
        "no step has migrations that make a table"
    );
    let mut names: Vec<&str> = Vec::new();
    for entry in &entries {
        if !names.contains(&entry.row.table.as_str()) {
            names.push(&entry.row.table);
        }
    }
    names.sort_by_key(|name| name.is_empty());
    Ok(names
        .iter()
        .map(|name| table(page, name, &entries))
        .collect())
}

/// What the database of a step holds; nothing if the step has no migrations.
fn rows(library: &Library, step: &Step) -> Result<Vec<Row>> {
    let database = Connection::open_in_memory()?;
    let files = library.files(step);
    for path in files.filter(|path| path.starts_with("migrations/")) {
        database
            .execute_batch(library.source(step, path)?)
            .with_context(|| format!("{path} of {} can't be applied", step.package))?;
    }
    let mut statement = database.prepare(ROWS)?;
    let rows = statement.query_map([], |row| {
        let name: String = row.get(1)?;
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Row {
            table: row.get(0)?,
            name: name.trim_start_matches("CREATE ").to_owned(),
            value: [row.get(2)?, row.get(3)?],
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Takes note of all that exists at a step, which comes after those recorded before.
fn record<'a>(entries: &mut Vec<Entry<'a>>, step: &'a Step, mut rows: Vec<Row>) {
    for entry in entries.iter_mut().filter(|entry| entry.removed.is_none()) {
        let is_same = |row: &Row| row.table == entry.row.table && row.name == entry.row.name;
        let Some(found) = rows.iter().position(is_same) else {
            entry.removed = Some(step);
            continue;
        };
        let row = rows.remove(found);
        if row.value != entry.row.value {
            entry.row = row;
            entry.changed.push(step);
        }
    }
    entries.extend(rows.into_iter().map(|row| Entry {
        row,
        since: step,
        changed: Vec::new(),
        removed: None,
    }));
}

fn table(page: &Page, name: &str, entries: &[Entry]) -> String {
    let (title, headings) = if name.is_empty() {
        ("Les index".to_owned(), ["Définition", "Étape"].as_slice())
    } else {
        (
            format!("La table `{name}`"),
            ["Colonne", "Type", "Contrainte", "Étape"].as_slice(),
        )
    };
    let mut head = String::new();
    for heading in headings {
        let _ = write!(head, "<th scope=\"col\">{heading}</th>");
    }
    let rows = entries.iter().filter(|entry| entry.row.table == name);
    let rows: String = rows.map(|entry| row(page, entry)).collect();
    // A heading in Markdown has an anchor, and is found.
    format!(
        "\n\n## {title}\n\n<div class=\"wide\"><table class=\"schema\">\
         <thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// The first cell names the row, and says what has become of it; the last one says since when.
fn row(
    page: &Page,
    Entry {
        row,
        since,
        changed,
        removed,
    }: &Entry,
) -> String {
    let class = removed.map_or("", |_| " class=\"removed\"");
    let code = |text: &str| match text {
        "" => String::new(),
        text => format!("<code>{}</code>", html::escape(text)),
    };
    let changed = changed.iter().map(|step| ("changement", *step));
    let notes = changed.chain(removed.map(|step| ("suppression", step)));
    let notes: Vec<String> = notes
        .map(|(what, step)| {
            let number = page.number_link(step);
            format!("<span class=\"note\">{what} à l’étape\u{a0}{number}</span>")
        })
        .collect();
    let [sql_type, constraint] = row.value.each_ref().map(|cell| code(cell));
    let cells = match row.table.as_str() {
        "" => String::new(),
        _ => format!("<td>{sql_type}</td><td>{constraint}</td>"),
    };
    format!(
        "<tr{class}><th scope=\"row\">{}{}</th>{cells}<td class=\"number\">{}</td></tr>",
        code(&row.name),
        notes.concat(),
        page.number_link(since),
    )
}
