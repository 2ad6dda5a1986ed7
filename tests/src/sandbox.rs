use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use rusqlite::Connection;
use tempfile::TempDir;
use xtask::{Step, Steps};

use crate::program::DEADLINE;
use crate::{Finished, Program};

/// A program under check, with a folder of its own.
///
/// It knows how the command line changes from step to step, so that the checks needn't.
#[derive(Debug)]
pub struct Sandbox<'a> {
    program: &'a Path,
    steps: &'a Steps,
    step: &'a Step,
    folder: TempDir,
    engines: Cell<u32>,
}

impl<'a> Sandbox<'a> {
    /// Makes a fresh folder for this program, which claims to be at this step.
    ///
    /// # Errors
    /// If the folder can't be made.
    pub fn new(program: &'a Path, steps: &'a Steps, step: &'a Step) -> Result<Self> {
        Ok(Self {
            program,
            steps,
            step,
            folder: fresh_folder()?,
            engines: Cell::new(0),
        })
    }

    /// Makes another fresh folder, for the same program.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn another(&self) -> Result<Self> {
        Self::new(self.program, self.steps, self.step)
    }

    /// The program under check.
    pub fn program(&self) -> &Path {
        self.program
    }

    /// The folder, where the program runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file of the database.
    pub fn database_path(&self) -> PathBuf {
        self.folder().join("task_engine.db")
    }

    /// The database, as another program sees it.
    ///
    /// # Errors
    /// If there is none.
    pub fn database(&self) -> Result<Connection> {
        let path = self.database_path();
        ensure!(path.exists(), "there is no database at {}", path.display());
        Ok(Connection::open(path)?)
    }

    /// How many tasks have this status in the database.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn count(&self, status: &str) -> Result<i64> {
        let count = "SELECT count(*) FROM tasks WHERE status = ?1";
        Ok(self
            .database()?
            .query_one(count, [status], |row| row.get(0))?)
    }

    /// The numbers of the tasks that have this status in the database.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn ids(&self, status: &str) -> Result<Vec<i64>> {
        let database = self.database()?;
        let mut ids = database.prepare("SELECT id FROM tasks WHERE status = ?1 ORDER BY id")?;
        let ids = ids.query_map([status], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// A command of the program, in its folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_remove("NO_COLOR")
            .env_remove("RUST_BACKTRACE")
            .env("TASK_ENGINE_DATABASE", self.database_path());
        command
    }

    /// Runs a command of the program to its end.
    ///
    /// # Errors
    /// If it can't start, or doesn't end.
    pub fn run(&self, arguments: &[&str]) -> Result<Finished> {
        Program::start(self.command(arguments))?.finish()
    }

    /// Creates tasks, each of which waits so many seconds, and starts an engine.
    ///
    /// # Errors
    /// If a command fails.
    pub fn engine_with_tasks(&self, count: u32, load: Load) -> Result<Program> {
        Program::start(self.engine_with_tasks_command(count, load)?)
    }

    /// Creates tasks, each of which waits so many seconds, and gives the command that starts an
    /// engine on them.
    ///
    /// # Errors
    /// If a command fails.
    pub fn engine_with_tasks_command(&self, count: u32, load: Load) -> Result<Command> {
        if self.is_before("persistence") {
            let mut command = self.engine_command(load);
            command.arg("--tasks").arg(count.to_string());
            return Ok(command);
        }
        self.create_tasks(count, load)?;
        Ok(self.engine_command(load))
    }

    /// Makes the program create its database, with no task.
    ///
    /// # Errors
    /// If the command fails.
    pub fn create_database(&self) -> Result<()> {
        let engine = self.start_engine(Load::waiting(0.0))?;
        self.drain(engine)?.success()?;
        Ok(())
    }

    /// Creates tasks in the database.
    ///
    /// # Errors
    /// If the command fails.
    pub fn create_tasks(&self, count: u32, load: Load) -> Result<()> {
        Program::start(self.create_tasks_command(count, load))?
            .finish()?
            .success()
            .context("creating tasks")?;
        Ok(())
    }

    /// The command that creates so many tasks that wait.
    pub fn create_tasks_command(&self, count: u32, load: Load) -> Command {
        let mut command = self.command(&["create", "--count", &count.to_string()]);
        if !self.is_before("kinds") {
            let parameters = format!(r#"{{"waiting_time": {}}}"#, load.waiting_time);
            command.arg("waiting").arg(parameters);
        }
        command
    }

    /// Creates a task of any kind, with these arguments, or tries to.
    ///
    /// # Errors
    /// If the command can't start, or doesn't end.
    pub fn create(&self, arguments: &[&str]) -> Result<Finished> {
        self.run(&[&["create"], arguments].concat())
    }

    /// Shows a task, or tries to.
    ///
    /// # Errors
    /// If the command can't start, or doesn't end.
    pub fn show(&self, id: &str) -> Result<Finished> {
        self.run(&["show", id])
    }

    /// Lists tasks, or tries to.
    ///
    /// # Errors
    /// If the command can't start, or doesn't end.
    pub fn list(&self, arguments: &[&str]) -> Result<Finished> {
        self.run(&[&["list"], arguments].concat())
    }

    /// Starts an engine on the tasks of the database, under a name of its own.
    ///
    /// # Errors
    /// If it can't start.
    pub fn start_engine(&self, load: Load) -> Result<Program> {
        Program::start(self.engine_command(load))
    }

    /// Starts an engine on the tasks of the database, under this name.
    ///
    /// # Errors
    /// If it can't start.
    pub fn start_engine_named(&self, name: &str, load: Load) -> Result<Program> {
        Program::start(self.named_engine_command(name, load))
    }

    /// The command that starts an engine under a name of its own.
    pub fn engine_command(&self, load: Load) -> Command {
        let number = self.engines.get() + 1;
        self.engines.set(number);
        self.named_engine_command(&format!("engine_{number}"), load)
    }

    /// The command that starts an engine under this name, from the step on where it has one.
    pub fn named_engine_command(&self, name: &str, load: Load) -> Command {
        let mut command = self.command(&["start"]);
        command.env("TASK_ENGINE_INSTANCE", name);
        if let Some(workers) = load.workers {
            command.arg("--workers").arg(workers.to_string());
        }
        if self.is_before("kinds") {
            command
                .arg("--waiting-time")
                .arg(load.waiting_time.to_string());
        }
        command
    }

    /// The command that starts an engine under this name, which is taken for dead after so long,
    /// from the step on where it may be.
    pub fn leased_engine_command(&self, name: &str, load: Load, lease: &str) -> Command {
        let mut command = self.named_engine_command(name, load);
        if !self.is_before("heartbeat") {
            command.args(["--lease", lease]);
        }
        command
    }

    /// Lets an engine execute all that waits, and waits for its end.
    ///
    /// # Errors
    /// If it doesn't end.
    pub fn drain(&self, mut engine: Program) -> Result<Finished> {
        if !self.is_before("notifications") {
            // Until then, the signal would kill it.
            engine.wait_for("engine started", 1)?;
            self.until(|| Ok(self.count("waiting")? == 0 || engine.has_ended()?))?;
            if !engine.has_ended()? {
                engine.signal(Signal::SIGTERM)?;
            }
        }
        engine.finish()
    }

    /// Waits until no task waits, and none runs.
    ///
    /// # Errors
    /// If it doesn't come to that.
    pub fn until_nothing_is_left(&self) -> Result<()> {
        // At one instant: what is put back in between would be seen in neither.
        let left = "SELECT count(*) FROM tasks WHERE status IN ('waiting', 'running')";
        self.until(|| {
            let left: i64 = self.database()?.query_one(left, [], |row| row.get(0))?;
            Ok(left == 0)
        })
    }

    fn until(&self, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        while !done()? {
            ensure!(Instant::now() < deadline, "tasks are left");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Whether the program is at an earlier step than this one, which may not exist yet.
    pub fn is_before(&self, slug: &str) -> bool {
        let step = self.steps.iter().find(|step| step.slug == slug);
        step.is_none_or(|step| self.step.number < step.number)
    }
}

/// In memory, if the system has such a place: the disk is slow, and not what is checked.
fn fresh_folder() -> io::Result<TempDir> {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new())
}

/// What an engine has to do.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How long each task waits, in seconds.
    pub waiting_time: f64,
    /// How many workers; the program's own number if there is none.
    pub workers: Option<u32>,
}

impl Load {
    /// Tasks that wait so many seconds.
    pub fn waiting(waiting_time: f64) -> Self {
        Self {
            waiting_time,
            workers: None,
        }
    }
}
