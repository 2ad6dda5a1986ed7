//! The database of every step, opened by the program of the last one: an application that keeps
//! its own things in the file, or beside the tasks, loses none of them.

mod programs;

use anyhow::{Context, Result, ensure};
use programs::{build_if_stale, program, workspace};
use rusqlite::Connection;
use rusqlite::types::Value;
use tests::{Load, Program, Sandbox};
use xtask::{Step, Steps};

/// What an application may do with a database that it shares with the engine. Nobody has asked
/// it to, and nobody has told it not to.
const APPLICATION: &str = "
    PRAGMA user_version = 42;
    PRAGMA application_id = 7;
    CREATE TABLE history (task INTEGER, old TEXT, new TEXT);
    CREATE TABLE follows (name TEXT, task INTEGER REFERENCES tasks (id));
    CREATE TABLE dies_with (name TEXT, task INTEGER REFERENCES tasks (id) ON DELETE CASCADE);
    CREATE TABLE forgets (name TEXT, task INTEGER REFERENCES tasks (id) ON DELETE SET NULL);
    INSERT INTO follows SELECT 'order ' || id, id FROM tasks;
    INSERT INTO dies_with SELECT 'invoice ' || id, id FROM tasks;
    INSERT INTO forgets SELECT 'notice ' || id, id FROM tasks;
    ALTER TABLE tasks ADD COLUMN note TEXT;
    UPDATE tasks SET note = 'note ' || id;
    CREATE INDEX notes ON tasks (note);
    CREATE VIEW noted AS SELECT id, note, status FROM tasks WHERE note IS NOT NULL;
    CREATE TRIGGER historian AFTER UPDATE OF status ON tasks BEGIN
        INSERT INTO history VALUES (old.id, old.status, new.status);
    END;";

/// The same, beside what each task has become.
const AUDITS: &str = "
    CREATE TABLE audits (execution INTEGER REFERENCES task_executions (id) ON DELETE CASCADE);
    INSERT INTO audits SELECT id FROM task_executions;
    CREATE TRIGGER auditor AFTER INSERT ON task_executions BEGIN
        INSERT INTO audits VALUES (new.id);
    END;";

/// All that must be the same before and after, each row as a text.
const KEPT: [&str; 10] = [
    "SELECT user_version FROM pragma_user_version",
    "SELECT application_id FROM pragma_application_id",
    "SELECT type, name, tbl_name, sql FROM sqlite_schema
     WHERE name IN ('follows', 'dies_with', 'forgets', 'history', 'notes', 'noted', 'historian', 'audits', 'auditor')
     ORDER BY name",
    "SELECT * FROM history",
    "SELECT * FROM follows ORDER BY rowid",
    "SELECT * FROM dies_with ORDER BY rowid",
    "SELECT * FROM forgets ORDER BY rowid",
    "SELECT * FROM noted ORDER BY id",
    "SELECT id, note, status, created_at FROM tasks WHERE note IS NOT NULL ORDER BY id",
    "SELECT * FROM pragma_foreign_key_check",
];

/// What the engine itself relies on: its tables, and how each is made.
const OWN: &str = "
    SELECT tables.name, columns.name, columns.type, columns.\"notnull\", columns.dflt_value
    FROM sqlite_schema AS tables, pragma_table_xinfo(tables.name) AS columns
    WHERE tables.name IN ('task_engine', 'tasks', 'task_executions') AND columns.name <> 'note'
    ORDER BY 1, columns.name";

#[test]
fn what_the_application_has_made_survives_every_upgrade() {
    let steps = Steps::load(&workspace()).unwrap();
    build_if_stale(&steps);

    let failures: Vec<_> = older_steps(&steps)
        .filter_map(|step| {
            let outcome = upgrade(&steps, step);
            let failure = outcome.with_context(|| format!("from {}", step.package));
            Some(format!("{:#}", failure.err()?))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Those that have a database, with the last one, whose database needs no upgrade.
fn older_steps(steps: &Steps) -> impl Iterator<Item = &Step> {
    let first = steps.find("persistence").unwrap().number;
    steps.iter().filter(move |step| step.number >= first)
}

fn upgrade(steps: &Steps, step: &Step) -> Result<()> {
    let (older, last) = (program(step), steps.last().context("there is no step")?);
    let newest = program(last);
    let older = Sandbox::new(&older, steps, step)?;
    let newer = Sandbox::new(&newest, steps, last)?;
    // One that is executed, one that is running when its engine is killed, one that waits.
    older.create_tasks(1, Load::waiting(0.0))?;
    let engine = older.start_engine(Load::waiting(0.0))?;
    older.drain(engine)?.success()?;
    older.create_tasks(2, Load::waiting(3600.0))?;
    let one_worker = Load {
        workers: Some(1),
        ..Load::waiting(3600.0)
    };
    let mut engine = older.start_engine_named("killed", one_worker)?;
    engine.wait_for("task is waiting", 1)?;
    drop(engine);
    let database = older.database()?;
    database.execute_batch(APPLICATION)?;
    if database.table_exists(None, "task_executions")? {
        database.execute_batch(AUDITS)?;
    }
    let before = kept(&database)?;
    drop(database);

    let mut create = newer.create_tasks_command(1, Load::waiting(0.0));
    create.env("TASK_ENGINE_DATABASE", older.database_path());
    Program::start(create)?.finish()?.success()?;

    let database = older.database()?;
    ensure!(
        kept(&database)? == before,
        "before:\n{before:#?}\nafter:\n{:#?}",
        kept(&database)?
    );
    newer.create_tasks(1, Load::waiting(0.0))?;
    ensure!(
        rows(&database, OWN)? == rows(&newer.database()?, OWN)?,
        "the tables aren't those of a new database:\n{:#?}",
        rows(&database, OWN)?
    );
    works(&newer, &older)
}

/// The trigger of the application sees what the engine does with the new task.
fn works(newer: &Sandbox, older: &Sandbox) -> Result<()> {
    let mut start = newer.engine_command(Load::waiting(0.0));
    start.env("TASK_ENGINE_DATABASE", older.database_path());
    let mut engine = Program::start(start)?;
    engine.wait_for("task finished", 1)?;
    drop(engine);
    let database = older.database()?;
    let integrity = rows(&database, "PRAGMA integrity_check")?;
    ensure!(integrity == [r#"[Text("ok")]"#], "{integrity:?}");
    let seen = "SELECT count(*) FROM history WHERE old = 'waiting' AND new = 'running'";
    let seen: i64 = database.query_one(seen, [], |row| row.get(0))?;
    ensure!(seen > 0, "the trigger has seen no task start");
    Ok(())
}

fn kept(database: &Connection) -> Result<Vec<Vec<String>>> {
    let mut kept: Vec<_> = KEPT
        .iter()
        .map(|select| rows(database, select))
        .collect::<Result<_>>()?;
    if database.table_exists(None, "audits")? {
        kept.push(rows(database, "SELECT * FROM audits ORDER BY execution")?);
    }
    Ok(kept)
}

fn rows(database: &Connection, select: &str) -> Result<Vec<String>> {
    let mut statement = database.prepare(select)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let values: rusqlite::Result<Vec<Value>> =
            (0..columns).map(|column| row.get(column)).collect();
        Ok(format!("{:?}", values?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A schema that a program doesn't know is none that it may write in.
#[test]
fn the_database_of_the_last_step_is_refused_by_older_programs() {
    let steps = Steps::load(&workspace()).unwrap();
    build_if_stale(&steps);
    let first = steps.find("opening").unwrap().number;
    let last = steps.last().unwrap();
    let program_of_last = program(last);
    let newer = Sandbox::new(&program_of_last, &steps, last).unwrap();
    newer.create_tasks(1, Load::waiting(0.0)).unwrap();
    let newest = schema_version(&newer);

    for step in steps.iter().filter(|step| step.number >= first) {
        let program = program(step);
        let older = Sandbox::new(&program, &steps, step).unwrap();
        older.create_tasks(1, Load::waiting(0.0)).unwrap();
        if schema_version(&older) == newest {
            continue;
        }
        let mut create = older.create_tasks_command(1, Load::waiting(0.0));
        create.env("TASK_ENGINE_DATABASE", newer.database_path());
        let refused = Program::start(create).unwrap().finish().unwrap();
        let refused = refused.exited(1).unwrap().text();
        assert!(
            refused.contains("newer version"),
            "{}: {refused}",
            step.package
        );
    }
    assert_eq!(newer.ids("waiting").unwrap(), [1]);
    assert_eq!(schema_version(&newer), newest);
}

/// Who looks at the tasks of an older program changes nothing under it.
#[test]
fn older_databases_are_not_upgraded_by_who_only_looks_at_them() {
    let steps = Steps::load(&workspace()).unwrap();
    build_if_stale(&steps);
    let last = steps.last().unwrap();
    let newest = program(last);
    let newer = Sandbox::new(&newest, &steps, last).unwrap();
    if newer.is_before("listing") {
        return;
    }
    newer.create_tasks(1, Load::waiting(0.0)).unwrap();

    for step in older_steps(&steps) {
        let program = program(step);
        let older = Sandbox::new(&program, &steps, step).unwrap();
        older.create_tasks(1, Load::waiting(0.0)).unwrap();
        let version = schema_version(&older);
        if version == schema_version(&newer) {
            continue;
        }
        for arguments in [&["list"][..], &["show", "1"]] {
            let mut look = newer.command(arguments);
            look.env("TASK_ENGINE_DATABASE", older.database_path());
            let refused = Program::start(look).unwrap().finish().unwrap();
            let text = refused.exited(1).unwrap().text();
            assert!(text.contains("earlier version"), "{}: {text}", step.package);
            assert_eq!(schema_version(&older), version, "{}", step.package);
        }
        older.create_tasks(1, Load::waiting(0.0)).unwrap();
        assert_eq!(older.ids("waiting").unwrap(), [1, 2], "{}", step.package);
    }
}

fn schema_version(sandbox: &Sandbox) -> i64 {
    let select = "SELECT schema_version FROM task_engine";
    let database = sandbox.database().unwrap();
    database.query_one(select, [], |row| row.get(0)).unwrap()
}
