//! Engines are killed at random, for as long as tasks are created.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::mem;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use nix::sys::signal::Signal;

use super::common::{numbers, soon, tasks_of};
use super::recovery::LEASE;
use crate::sandbox::{Load, Sandbox};
use crate::{Event, Program};

const ENGINES: usize = 4;
/// Of each of them, as nobody says otherwise.
const WORKERS: usize = 5;
/// Each round creates tasks and kills an engine: some seconds, and 500 tasks in all.
const USUAL_ROUNDS: u32 = 5;
const ROUND: Duration = Duration::from_millis(500);
const TASKS_OF_A_ROUND: u32 = 100;

/// Long enough to keep the workers busy most of the time.
const LOAD: Load = Load {
    waiting_time: 0.1,
    workers: None,
};

/// How many times a task is put back: chance may have its engine killed once more, then it has failed.
const CRASHES: usize = 3;

/// Names the number that repeats a draw, though not the race between the processes.
const SEED: &str = "CHAOS_SEED";

/// Names the number of rounds, for those who have more time.
const ROUNDS: &str = "CHAOS_ROUNDS";

/// Somebody puts the tasks of the killed engines back.
pub fn chaos(sandbox: &Sandbox) -> Result<()> {
    run(sandbox, true)
}

/// Nobody does.
pub fn chaos_without_help(sandbox: &Sandbox) -> Result<()> {
    run(sandbox, false)
}

fn run(sandbox: &Sandbox, by_hand: bool) -> Result<()> {
    let seed = match env::var(SEED) {
        Ok(seed) => seed.parse().context(SEED)?,
        Err(_) => fastrand::u64(..),
    };
    let rounds = env::var(ROUNDS)
        .ok()
        .map(|rounds| rounds.parse())
        .transpose();
    let rounds = rounds.context(ROUNDS)?.unwrap_or(USUAL_ROUNDS);
    let mut chaos = Chaos {
        sandbox,
        by_hand,
        rounds,
        random: Rng::with_seed(seed),
        engines: Vec::new(),
        started: 0,
        put_back: BTreeMap::new(),
        finished: Vec::new(),
    };
    chaos.run().with_context(|| format!("{SEED}={seed}"))
}

struct Chaos<'a> {
    sandbox: &'a Sandbox<'a>,
    by_hand: bool,
    rounds: u32,
    random: Rng,
    engines: Vec<Engine>,
    /// How many engines have been started.
    started: u32,
    /// How many times each task was put back, since its engine had been killed.
    put_back: BTreeMap<i64, usize>,
    /// The tasks that the engines say they have finished.
    finished: Vec<i64>,
}

struct Engine {
    name: String,
    program: Program,
}

impl Chaos<'_> {
    fn run(&mut self) -> Result<()> {
        self.sandbox.create_database()?;
        for _ in 0..ENGINES {
            self.start()?;
        }
        let killed = self.create_and_kill()?;
        if !self.by_hand {
            self.recovered(&killed)?;
        }
        for mut engine in mem::take(&mut self.engines) {
            // Until then, the signal would kill it.
            engine.program.wait_for("engine started", 1)?;
            engine.program.signal(Signal::SIGTERM)?;
            let events = engine.program.finish()?.success()?.events();
            let started = tasks_of(&events, "task started").len();
            let name = engine.name;
            // On a busy machine a lease may be lost: what its workers ran is cut short, and recovered.
            let lost = |event: &&Event| event.message.starts_with("lease lost");
            let cut_short = events.iter().filter(lost).count() * WORKERS;
            let ended = self.note(&events);
            ensure!(
                (ended..=ended + cut_short).contains(&started),
                "{name} has left tasks: it has started {started}, and ended {ended}"
            );
        }
        if self.by_hand {
            for name in killed {
                self.put_back(&name)?;
            }
        }
        let last = self.sandbox.start_engine_named("last", LOAD)?;
        let events = self.sandbox.drain(last)?.success()?.events();
        self.note(&events);
        self.verify()
    }

    /// Waits until the others have put back the tasks of these engines, and executed all that waits.
    /// What was executed again was left by one of them.
    fn recovered(&mut self, killed: &[String]) -> Result<()> {
        let names = serde_json::to_string(killed)?;
        let database = self.sandbox.database()?;
        soon("the tasks of the killed engines put back", || {
            let left = "SELECT count(*) FROM tasks WHERE status = 'running'
                        AND instance IN (SELECT value FROM json_each(?1))";
            Ok(0 == database.query_one(left, [&names], |row| row.get::<_, i64>(0))?)
        })?;
        self.sandbox.until_nothing_is_left()?;
        // On a busy machine, an engine that lives may lose its lease: it says so.
        let crashed = "SELECT task_id FROM task_executions, json_each(?1)
                       WHERE error ->> 'message' LIKE 'engine %, \"' || value || '\", died%'
                       UNION ALL
                       SELECT task_id FROM task_executions
                       WHERE error ->> 'message' LIKE 'engine % lost its lease%'";
        let mut crashed = database.prepare(crashed)?;
        for task in crashed.query_map([names], |row| row.get(0))? {
            *self.put_back.entry(task?).or_default() += 1;
        }
        Ok(())
    }

    /// Gives the names of the killed engines whose tasks may still be stranded.
    fn create_and_kill(&mut self) -> Result<Vec<String>> {
        let beginning = Instant::now();
        let mut creations = Vec::new();
        let mut killed = Vec::new();
        for round in 1..=self.rounds {
            let create = self.sandbox.create_tasks_command(TASKS_OF_A_ROUND, LOAD);
            creations.push(Program::start(create)?);
            sleep(ROUND.mul_f64(self.random.f64()));
            let name = self.kill()?;
            self.start()?;
            // Somebody looks after some of them at once, while the other engines are at work; so
            // it is in the first rounds, where a program that can't fails without delay.
            if self.by_hand && (round <= 3 || self.random.bool()) {
                self.put_back(&name)?;
            } else {
                killed.push(name);
            }
            sleep((ROUND * round).saturating_sub(beginning.elapsed()));
        }
        for creation in creations {
            creation.finish()?.success().context("creating tasks")?;
        }
        Ok(killed)
    }

    fn start(&mut self) -> Result<()> {
        self.started += 1;
        let name = format!("chaos_{}", self.started);
        let command = self.sandbox.leased_engine_command(&name, LOAD, LEASE);
        let program = Program::start(command)?;
        self.engines.push(Engine { name, program });
        Ok(())
    }

    fn kill(&mut self) -> Result<String> {
        let victim = self.random.usize(..self.engines.len());
        let Engine { name, program } = self.engines.swap_remove(victim);
        program.signal(Signal::SIGKILL)?;
        let finished = program.finish()?;
        ensure!(
            finished.status.code().is_none(),
            "{name} has ended before it was killed: {:?}",
            finished.lines.last()
        );
        self.note(&finished.events());
        Ok(name)
    }

    /// Notes which tasks are finished by these events, and how many.
    fn note(&mut self, events: &[Event]) -> usize {
        let finished = tasks_of(events, "task finished");
        self.finished.extend(&finished);
        finished.len()
    }

    fn put_back(&mut self, name: &str) -> Result<()> {
        let database = self.sandbox.database()?;
        let select = "SELECT id FROM tasks WHERE status = 'running' AND instance = ?1 ORDER BY id";
        let mut stranded = database.prepare(select)?;
        let stranded = stranded.query_map([name], |row| row.get(0))?;
        let stranded: Vec<i64> = stranded.collect::<rusqlite::Result<_>>()?;
        if stranded.is_empty() {
            return Ok(());
        }
        let retry = ["retry", "--stranded", name, "--yes"];
        let put_back = self.sandbox.run(&retry)?.success()?;
        let named = numbers(&put_back);
        ensure!(
            stranded.iter().all(|task| named.contains(task)),
            "{stranded:?} were running under the name {name}, but it puts back: {}",
            put_back.text()
        );
        for task in stranded {
            *self.put_back.entry(task).or_default() += 1;
        }
        Ok(())
    }

    fn verify(&self) -> Result<()> {
        ensure!(!self.put_back.is_empty(), "no kill has interrupted a task");
        let database = self.sandbox.database()?;
        let check = "PRAGMA integrity_check";
        let verdict: String = database.query_one(check, [], |row| row.get(0))?;
        ensure!(verdict == "ok", "the database is damaged: {verdict}");

        let mut tasks = database.prepare(
            "SELECT tasks.id, tasks.status,
                 (SELECT group_concat(status, ' ' ORDER BY id) FROM task_executions
                  WHERE task_id = tasks.id)
             FROM tasks ORDER BY tasks.id",
        )?;
        let mut rows = tasks.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let (task, status, runs): (i64, String, Option<String>) = row.try_into()?;
            let kills = self.put_back.get(&task).copied().unwrap_or_default();
            let (end, last) = if kills > CRASHES {
                ("failed", "")
            } else {
                ("stopped", "success")
            };
            let expected = "failure ".repeat(kills) + last;
            if status == end && runs.as_deref() == Some(expected.trim_end()) {
                count += 1;
                continue;
            }
            let errors = "SELECT coalesce(group_concat(error ->> 'message', '; '), 'no error')
                          FROM task_executions WHERE task_id = ?1";
            let errors: String = database.query_one(errors, [task], |row| row.get(0))?;
            bail!(
                "task {task} is {status} after {kills} kills, its executions are {runs:?}: {errors}"
            );
        }
        let created = self.rounds * TASKS_OF_A_ROUND;
        ensure!(count == created, "{count} tasks are left of {created}");
        let mut finished = BTreeSet::new();
        let twice = self.finished.iter().find(|task| !finished.insert(*task));
        ensure!(twice.is_none(), "task {twice:?} was finished twice");
        Ok(())
    }
}
