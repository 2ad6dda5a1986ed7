use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::sandbox::{Load, Sandbox};

const TASKS: u32 = 500;

/// With a savepoint, what each page was is kept, for each statement: beyond 64 kB, in a file.
/// <https://sqlite.org/tempfiles.html#statement_journal_files>
pub fn what_is_written_is_copied_nowhere(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(TASKS, Load::waiting(0.0))?;
    sandbox
        .database()?
        .execute_batch("UPDATE tasks SET status = 'running', instance = 'before'")?;
    let size = sandbox.database_path().metadata()?.len();

    // Of the shell, and of those that it has waited for.
    let script = r#""$@" > /dev/null && cat /proc/$$/io"#;
    let retry = sandbox.command(&["retry", "--stranded", "before", "--yes"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(sandbox.program());
    shell.args(retry.get_args()).current_dir(sandbox.folder());
    for (name, value) in retry.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let shell = shell.output()?;
    let told = String::from_utf8(shell.stdout)?;
    let written = told.lines().find_map(|line| line.strip_prefix("wchar: "));
    let written: u64 = written.context("nothing is counted")?.parse()?;
    ensure!(
        sandbox.count("waiting")? == i64::from(TASKS),
        "not all tasks wait again"
    );
    // To the log, then to the database, and what is said.
    ensure!(
        written < size * 6,
        "{written} bytes were written, for a database of {size}"
    );
    Ok(())
}
