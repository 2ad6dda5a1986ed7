//! `{{#timeline SESSION TITLE…}}`: what the workers of a recorded session did, and when.

mod bar;
mod draw;
mod marks;
mod scale;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::html;
use crate::library::Library;

/// What happened in a session; times are milliseconds from its first event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// What else was done in the terminal, in order.
    pub commands: Vec<Command>,
    /// The engines, in the order of their starts.
    pub engines: Vec<Engine>,
    /// When the session ended.
    pub end: u64,
}

/// A command that changes the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub at: u64,
    pub label: String,
}

/// One run of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// Its instance.
    pub name: Option<String>,
    /// None if it has one worker without a number.
    pub workers: Option<u16>,
    pub start: u64,
    pub end: u64,
    pub ending: Ending,
    /// The signals that it was sent.
    pub signals: Vec<Command>,
    #[serde(skip)]
    pub executions: Vec<Execution>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    Stopped,
    Killed,
    /// It hadn't, when the session did.
    Running,
    /// It stopped by an error, after it had started.
    Failed,
    /// It stopped by an error, before it had started.
    Refused,
}

/// One execution of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    pub worker: u16,
    pub task: u64,
    pub start: u64,
    pub end: u64,
    pub outcome: Outcome,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Success,
    Failure,
    /// It failed, and is to be executed again.
    Retry,
    /// Its engine stopped, and it is to be executed again as if it hadn't been.
    PutBack,
    /// Its task wasn't the engine's any more.
    Lost,
    /// It hadn't ended when the engine did.
    Cut,
    /// Somebody has cancelled its task.
    Cancelled,
}

/// A line of the file: an engine is followed by its executions.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Entry {
    Command(Command),
    Engine(Engine),
    Execution(Execution),
    End(u64),
}

/// Where the timeline of a session is, from the root.
pub fn path(session: &str) -> String {
    format!("book/transcripts/{session}.timeline.jsonl")
}

/// The figure of a session.
pub fn figure(library: &Library, session: &str, title: &str) -> Result<String> {
    let path = path(session);
    let text = library.read(&path).with_context(|| {
        format!("no timeline of this session: run cargo run -p book -- record {session}")
    })?;
    let timeline = Timeline::parse(&text).with_context(|| path.clone())?;
    ensure!(
        timeline.executions().next().is_some(),
        "{path} has no execution: nothing to draw"
    );
    let label = html::plain(title);
    let (described, told) = (format!("timeline-{session}"), tell::tell(&timeline));
    Ok(format!(
        "<figure class=\"timeline\"><div class=\"wide\" tabindex=\"0\">{}</div>\
         <figcaption>{}</figcaption></figure>",
        draw::draw(&timeline, &described, &label, &html::escape(&told)),
        html::inline(title),
    ))
}

impl Timeline {
    /// Reads the file of a session.
    pub fn parse(text: &str) -> Result<Self> {
        let mut timeline = Self::default();
        for line in text.lines() {
            match serde_json::from_str(line)? {
                Entry::Command(command) => timeline.commands.push(command),
                Entry::End(at) => timeline.end = at,
                Entry::Engine(engine) => timeline.engines.push(engine),
                Entry::Execution(execution) => {
                    let engine = timeline.engines.last_mut();
                    let engine = engine.context("an execution comes before its engine")?;
                    engine.executions.push(execution);
                }
            }
        }
        Ok(timeline)
    }

    /// The text of the file.
    pub fn text(&self) -> Result<String> {
        let mut entries: Vec<Entry> = Vec::new();
        entries.extend(self.commands.iter().cloned().map(Entry::Command));
        for engine in &self.engines {
            entries.push(Entry::Engine(engine.clone()));
            entries.extend(engine.executions.iter().cloned().map(Entry::Execution));
        }
        entries.push(Entry::End(self.end));
        let lines = entries.iter().map(serde_json::to_string);
        Ok(lines.collect::<Result<Vec<_>, _>>()?.join("\n") + "\n")
    }

    /// All the executions.
    pub fn executions(&self) -> impl Iterator<Item = &Execution> {
        self.engines.iter().flat_map(|engine| &engine.executions)
    }

    /// What two recordings of a session have in common; which worker of which engine executes what,
    /// and how fast, is nobody's promise.
    pub fn shape(&self) -> BTreeSet<String> {
        let commands = self.commands.iter().enumerate();
        let commands = commands.map(|(index, it)| format!("command {index}: {}", it.label));
        let engines = self.engines.iter().enumerate().map(|(index, engine)| {
            let Engine {
                name,
                workers,
                ending,
                ..
            } = engine;
            let signals: Vec<_> = engine.signals.iter().map(|signal| &signal.label).collect();
            format!(
                "engine {index}: {name:?}, workers {workers:?}, {ending:?}, signals {signals:?}"
            )
        });
        let mut tasks = BTreeMap::<u64, Vec<Outcome>>::new();
        for execution in self.executions() {
            tasks
                .entry(execution.task)
                .or_default()
                .push(execution.outcome);
        }
        let tasks = tasks.into_iter();
        let tasks = tasks.map(|(task, outcomes)| format!("task {task}: {outcomes:?}"));
        commands.chain(engines).chain(tasks).collect()
    }
}
