//! A timeline in words, for those who can't see it.

use super::{Ending, Engine, Execution, Outcome, Timeline};

/// More executions of one worker than these are summed up.
const TOLD: usize = 8;

/// What happened, in French.
pub fn tell(timeline: &Timeline) -> String {
    let mut told = Vec::new();
    if !timeline.commands.is_empty() {
        let commands = timeline.commands.iter();
        let commands =
            commands.map(|command| format!("{} à {}", command.label, seconds(command.at)));
        told.push(format!(
            "Terminal\u{a0}: {}.",
            commands.collect::<Vec<_>>().join(", ")
        ));
    }
    for (index, engine) in timeline.engines.iter().enumerate() {
        told.push(format!("{}, {}.", title(timeline, index), life(engine)));
        if engine.ending != Ending::Refused {
            told.extend(
                rows(engine)
                    .iter()
                    .map(|(name, executions)| format!("{name}\u{a0}: {}.", work(executions))),
            );
        }
    }
    told.join(" ")
}

/// What to call an engine.
pub fn title(timeline: &Timeline, index: usize) -> String {
    match &timeline.engines[index].name {
        Some(name) => format!("Moteur {name}"),
        None if timeline.engines.len() == 1 => "Moteur".to_owned(),
        None => format!("Moteur {}", index + 1),
    }
}

/// The rows of an engine: each worker, and what it executed.
pub fn rows(engine: &Engine) -> Vec<(String, Vec<&Execution>)> {
    let of = |worker| {
        engine
            .executions
            .iter()
            .filter(move |it| it.worker == worker)
    };
    match engine.workers {
        None => vec![("Worker".to_owned(), of(0).collect())],
        Some(workers) => (0..workers)
            .map(|worker| (format!("Worker {worker}"), of(worker).collect()))
            .collect(),
    }
}

/// How an execution ended, in one word that agrees with «exécution».
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "terminée",
        Outcome::Failure => "échouée",
        Outcome::Retry => "échouée, à réessayer",
        Outcome::PutBack => "remise en file",
        Outcome::Lost => "perdue",
        Outcome::Cut => "coupée",
        Outcome::Cancelled => "annulée",
    }
}

/// An execution, as in «tâche 1 de 0,02 à 1,02 s, terminée».
pub fn execution(it: &Execution) -> String {
    let (start, end) = (hundredths(it.start), seconds(it.end));
    format!(
        "tâche {} de {start} à {end}, {}",
        it.task,
        outcome(it.outcome)
    )
}

fn life(engine: &Engine) -> String {
    let end = seconds(engine.end);
    let (start, ending) = match engine.ending {
        Ending::Refused => (None, "refuse de démarrer"),
        Ending::Stopped => (Some(engine.start), "arrêté"),
        Ending::Killed => (Some(engine.start), "tué"),
        Ending::Running => (Some(engine.start), "encore en marche"),
        Ending::Failed => (Some(engine.start), "arrêté par une erreur"),
    };
    let mut life: Vec<String> = Vec::new();
    life.extend(start.map(|start| format!("démarré à {}", seconds(start))));
    let signals = engine.signals.iter();
    life.extend(signals.map(|signal| format!("{} à {}", signal.label, seconds(signal.at))));
    life.push(format!("{ending} à {end}"));
    life.join(", ")
}

fn work(executions: &[&Execution]) -> String {
    match executions {
        [] => "aucune tâche".to_owned(),
        [first, .., last] if executions.len() > TOLD => format!(
            "{} tâches de {} à {}",
            executions.len(),
            hundredths(first.start),
            seconds(last.end)
        ),
        _ => executions
            .iter()
            .map(|it| execution(it))
            .collect::<Vec<_>>()
            .join("\u{a0}; "),
    }
}

fn seconds(millis: u64) -> String {
    format!("{}\u{a0}s", hundredths(millis))
}

fn hundredths(millis: u64) -> String {
    format!("{},{:02}", millis / 1000, millis % 1000 / 10)
}

/// A round time, as in «0,5».
pub fn short(millis: u64) -> String {
    let text = hundredths(millis);
    text.trim_end_matches('0').trim_end_matches(',').to_owned()
}
