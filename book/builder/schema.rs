//! The schema of a step's database, once the migrations are applied.

use anyhow::{Context as _, Result};
use rusqlite::{Connection, Row};
use xtask::Step;

use crate::library::Library;

const MIGRATIONS: &str = "migrations/";

/// In the order of creation, without the tables that the database makes for itself; `hidden = 1` are
/// columns that virtual tables don't show either.
const COLUMNS: &str = r"
    SELECT tables.name, columns.name, columns.type, columns.pk, columns.[notnull]
    FROM pragma_table_list AS tables
    JOIN sqlite_schema ON sqlite_schema.type = 'table' AND sqlite_schema.name = tables.name
    JOIN pragma_table_xinfo(tables.name) AS columns
    WHERE tables.schema = 'main' AND tables.name NOT LIKE 'sqlite\_%' ESCAPE '\'
        AND columns.hidden <> 1
    ORDER BY sqlite_schema.rowid, columns.cid";

/// Those that the database makes by itself, for `UNIQUE`, have no text.
const INDEXES: &str = "
    SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid";

/// The schema of a step.
pub struct Schema {
    /// The columns of all tables, each with its kind.
    pub columns: Vec<(Name, Kind)>,
    /// The indexes, as `INDEX name ON table (columns)`.
    pub indexes: Vec<String>,
}

/// What a column is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    /// Its table.
    pub table: String,
    /// Its name in the table.
    pub column: String,
}

/// What a column can hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Kind {
    /// Its type, as the migration writes it.
    pub sql_type: String,
    /// Whether it is a part of the primary key.
    pub primary_key: bool,
    /// Whether it is declared as `NOT NULL`.
    pub not_null: bool,
}

/// The schema of a step, or nothing if the step has no migrations.
///
/// # Errors
/// When a migration can't be applied after those before it.
pub fn read(library: &Library, step: &Step) -> Result<Option<Schema>> {
    let mut migrations = library
        .files(step)
        .filter(|path| path.starts_with(MIGRATIONS))
        .peekable();
    if migrations.peek().is_none() {
        return Ok(None);
    }
    let database = Connection::open_in_memory()?;
    for path in migrations {
        database
            .execute_batch(library.source(step, path)?)
            .with_context(|| format!("{path} of {} can't be applied", step.package))?;
    }
    Ok(Some(Schema {
        columns: rows(&database, COLUMNS, column)?,
        indexes: rows(&database, INDEXES, index)?,
    }))
}

fn rows<T>(
    database: &Connection,
    query: &str,
    read: fn(&Row) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut statement = database.prepare(query)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn column(row: &Row) -> rusqlite::Result<(Name, Kind)> {
    let name = Name {
        table: row.get(0)?,
        column: row.get(1)?,
    };
    let kind = Kind {
        sql_type: row.get(2)?,
        primary_key: row.get::<_, u32>(3)? > 0,
        not_null: row.get(4)?,
    };
    Ok((name, kind))
}

fn index(row: &Row) -> rusqlite::Result<String> {
    let sql: String = row.get(0)?;
    let words: Vec<_> = sql.split_whitespace().collect();
    let text = words.join(" ");
    Ok(text.strip_prefix("CREATE ").unwrap_or(&text).to_owned())
}
