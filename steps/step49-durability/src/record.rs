use std::collections::{BTreeMap, HashSet, VecDeque};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::TaskStatus;

/// What the database says of a task.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskRecord {
    /// Its number.
    pub id: i64,
    /// How far it has come: `waiting`, `running`, `stopped`, `failed` or `cancelled`.
    pub status: String,
    /// Which code executes it.
    pub kind: String,
    /// What it works on: an object.
    pub parameters: Value,
    /// How many times it was retried.
    pub retries: u32,
    /// What it belongs to, as in [`Task::correlation`](crate::Task::correlation).
    pub correlation: String,
    /// The number of the task that has created it.
    pub parent: Option<i64>,
    /// How long an execution may last, as in [`Task::timeout`](crate::Task::timeout), in
    /// milliseconds.
    pub timeout_ms: Option<u64>,
    /// Whether it comes before others: `high`, `normal` or `low`.
    pub priority: String,
    /// What no other task of its kind has while this one waits or runs.
    pub unique_key: Option<String>,
    /// What it works for, or on: a tenant, a remote host.
    pub concurrency_key: Option<String>,
    /// Whether it waits until another task of its kind and key has ended.
    pub held: bool,
    /// The engine that runs it, or has run it.
    pub instance: Option<String>,
    /// From when on it may be executed.
    pub scheduled_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What the database says of one execution of a task.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskExecution {
    /// Its number.
    pub id: i64,
    /// How it has ended, if it has: `running`, `success` or `failure`.
    pub status: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` as long as it runs, and for ever if its engine is killed.
    pub stopped_at: Option<Timestamp>,
    /// What the task returned.
    pub result: Option<Value>,
    /// What went wrong: [`TaskError::report`](crate::TaskError::report).
    pub error: Option<Value>,
}

/// A task among those that belong together.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TracedTask {
    /// How many ancestors it has among them.
    pub depth: usize,
    /// The task.
    #[serde(flatten)]
    pub task: TaskRecord,
    /// Its executions, in their order.
    pub executions: Vec<TaskExecution>,
}

impl TracedTask {
    /// Puts these tasks in the order of a tree: each after its parent, before the next one of the
    /// same generation.
    pub(crate) fn in_order(tasks: Vec<Self>) -> Vec<Self> {
        let known: HashSet<_> = tasks.iter().map(|traced| traced.task.id).collect();
        let mut children: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
        for traced in tasks {
            // A parent that was deleted, or belongs to something else, is none.
            let parent = traced.task.parent.filter(|parent| known.contains(parent));
            children.entry(parent).or_default().push_back(traced);
        }
        let mut ordered = Vec::new();
        // In a list, not by calls in calls: nobody knows how deep it is.
        let mut next = Vec::from(children.remove(&None).unwrap_or_default());
        next.reverse();
        loop {
            while let Some(traced) = next.pop() {
                let born = children.remove(&Some(traced.task.id)).unwrap_or_default();
                next.extend(born.into_iter().rev().map(|child| Self {
                    depth: traced.depth + 1,
                    ..child
                }));
                ordered.push(traced);
            }
            // What is left goes round in circles, which somebody has made: each is cut somewhere.
            let Some((_, mut circle)) = children.pop_first() else {
                return ordered;
            };
            next.extend(circle.pop_front());
            if let Some(traced) = circle.front() {
                children.insert(traced.task.parent, circle);
            }
        }
    }
}

/// What the database says of one start of an engine.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EngineRecord {
    /// Its number, which no other start has.
    pub id: i64,
    /// The name of the engine.
    pub name: String,
    /// Whether it is `alive`, `stopped`, or `dead`: silent for longer than its lease.
    pub status: String,
    /// The machine, or the container, where it runs.
    pub host: String,
    /// The number of its process there.
    pub pid: i64,
    /// That of the program.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it has said for the last time that it is alive.
    pub heartbeat_at: Timestamp,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
    /// The numbers of the tasks that it runs: ten at most.
    pub running: Vec<i64>,
}

/// What the database says of a kind of task.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct KindRecord {
    /// Its name.
    pub kind: String,
    /// Whether the registry has its code.
    pub known: bool,
    /// Since when none of its tasks starts, if it is paused.
    pub paused_at: Option<Timestamp>,
    /// How many of its tasks may wait, if it is bounded.
    pub max_waiting: Option<u32>,
    /// How many of its tasks wait, those for later included; [`KindRecord::COUNTED`] stands for
    /// more, too.
    pub waiting: u32,
    /// Since when the first of those that wait is due, or from when on, if all are for later.
    pub oldest_since: Option<Timestamp>,
    /// How many of its tasks may run at once, if it is limited.
    pub max_running: Option<u32>,
    /// How many of its tasks may run at once for each key, if it is limited so.
    pub max_per_key: Option<u32>,
    /// How many of its tasks may start in a period, if it has a rate.
    pub max_starts: Option<u32>,
    /// How long this period is, in milliseconds.
    pub period_ms: Option<i64>,
    /// How many of its tasks run.
    pub running: u32,
}

impl KindRecord {
    /// Counting stops there.
    pub const COUNTED: u32 = 10_000;
}

/// What the database says of a schedule.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScheduleRecord {
    /// Its name.
    pub name: String,
    /// The kind of its tasks.
    pub kind: String,
    /// The parameters of its tasks: an object.
    pub parameters: Value,
    /// When it ticks, as cron says it.
    pub expression: String,
    /// The place whose clocks it goes by.
    pub time_zone: String,
    /// Why nobody can tell when it ticks, if the expression or the time zone can't be read.
    pub wrong: Option<String>,
    /// Since when no tick of it has a task, if it is paused.
    pub paused_at: Option<Timestamp>,
    /// The next tick that has its task, if there is one: none while it is paused.
    pub next_at: Option<Timestamp>,
    /// The number of the task of its last tick, among those that are still there.
    pub last_task: Option<i64>,
}

/// Which tasks are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    All,
    /// Those that have this status.
    Status(TaskStatus),
    /// Those that have failed and wait for a retry.
    Retrying,
}
