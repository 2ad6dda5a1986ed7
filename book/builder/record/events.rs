//! What the programs of a session did, and when: from what the shell has noted and from their logs.

use std::sync::LazyLock;

use anyhow::Result;
use jiff::Timestamp;
use regex::Regex;

use super::notes::{Millis, Notes, Run};
use crate::timeline::{Ending, Engine, Execution, Outcome, Timeline};

static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^(\d{4}-\S+Z) +(?:INFO|WARN|ERROR) (?:execution\{.*?\}: )?(.*)$")
        .expect("the pattern is a constant")
});
/// A line of a log.
#[derive(Clone, Copy)]
struct Line<'a> {
    at: Millis,
    text: &'a str,
}

/// The timeline of a session; `read` gives the text of a log.
pub fn timeline(notes: &str, read: impl Fn(&str) -> Option<String>) -> Result<Timeline> {
    let Notes {
        runs,
        commands,
        last,
    } = Notes::parse(notes)?;
    let mut engines = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let Some(log) = read(run.log) else { continue };
        let mut later = runs[index + 1..].iter();
        let until = later
            .find(|other| other.log == run.log)
            .map_or(Millis::MAX, |other| other.at);
        let lines = lines(&log)?;
        let lines = lines
            .into_iter()
            .filter(|line| (run.at..until).contains(&line.at));
        engines.push(engine(run, &lines.collect::<Vec<_>>(), last));
    }
    Ok(from_first_event(Timeline {
        commands,
        engines,
        end: last,
    }))
}

fn lines(log: &str) -> Result<Vec<Line<'_>>> {
    let found = LINE.captures_iter(log).map(|found| {
        let (_, [at, text]) = found.extract();
        let at: Timestamp = at.parse()?;
        Ok(Line {
            at: at.as_millisecond().try_into()?,
            text,
        })
    });
    found.collect()
}

/// What a run has told; `last` is when the session ended.
fn engine(run: &Run, lines: &[Line], last: Millis) -> Engine {
    let find = |start: &str| lines.iter().find(|line| line.text.starts_with(start));
    let started = find("engine started");
    let stopped = find("engine stopped").map(|line| line.at);
    let killed = run.signals.last().map(|signal| signal.at);
    let ending = match (run.exit, stopped) {
        (Some((_, false)), _) if lines.is_empty() => Ending::Refused,
        (Some((_, false)), _) => Ending::Failed,
        (Some(_), _) | (_, Some(_)) => Ending::Stopped,
        _ if killed.is_some() => Ending::Killed,
        _ => Ending::Running,
    };
    let end = stopped
        .or(run.exit.map(|(at, _)| at))
        .or(killed)
        .unwrap_or(last);
    Engine {
        name: (!run.instance.is_empty()).then(|| run.instance.to_owned()),
        workers: started.and_then(|line| number(line.text, "workers")),
        start: lines.first().map_or(run.at, |line| line.at),
        end,
        ending,
        signals: run.signals.clone(),
        executions: executions(lines, end),
    }
}

fn executions(lines: &[Line], end: Millis) -> Vec<Execution> {
    let mut executions = Vec::<Execution>::new();
    for &Line { at, text } in lines {
        let worker = number(text, "worker").unwrap_or(0);
        if text.starts_with("task started") {
            executions.extend(number(text, "task").map(|task| Execution {
                worker,
                task,
                start: at,
                end,
                outcome: Outcome::Cut,
            }));
        } else if let Some(outcome) = outcome(text)
            && let Some(open) = executions.iter_mut().rfind(|open| open.worker == worker)
        {
            (open.end, open.outcome) = (at, outcome);
        }
    }
    executions
}

fn outcome(text: &str) -> Option<Outcome> {
    let starts = |start| text.starts_with(start);
    Some(match text {
        _ if starts("task finished") => Outcome::Success,
        _ if starts("task failed") && text.contains(" next=RetryAt") => Outcome::Retry,
        _ if starts("task failed") || starts("task can't be executed") => Outcome::Failure,
        _ if starts("task put back worker=") => Outcome::PutBack,
        _ if starts("task lost") || starts("task can't be ended") => Outcome::Lost,
        // Not the one that whoever takes over has told.
        _ if starts("task cancelled worker=") => Outcome::Cancelled,
        _ => return None,
    })
}

/// The value of a field of a line, without its quotes.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut words = text.split(' ');
    let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim_matches('"'))
}

fn number<T: std::str::FromStr>(text: &str, name: &str) -> Option<T> {
    field(text, name)?.parse().ok()
}

/// Counts the time from the first thing that there is to see.
fn from_first_event(mut timeline: Timeline) -> Timeline {
    let commands = timeline.commands.iter().map(|command| command.at);
    let engines = timeline.engines.iter().map(|engine| engine.start);
    let first = commands.chain(engines).min().unwrap_or(0);
    let marks = timeline
        .engines
        .iter_mut()
        .flat_map(|engine| &mut engine.signals);
    marks
        .chain(&mut timeline.commands)
        .for_each(|mark| mark.at -= first);
    for engine in &mut timeline.engines {
        engine.start -= first;
        engine.end -= first;
        for execution in &mut engine.executions {
            execution.start -= first;
            execution.end -= first;
        }
    }
    timeline.end -= first;
    timeline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_attempt_tells_a_retry_from_a_failure() {
        assert_eq!(
            outcome("task cancelled worker=0 task=1"),
            Some(Outcome::Cancelled)
        );
        assert_eq!(outcome("task cancelled task=1 engine=1"), None);
        let failed = "task failed worker=0 task=1 elapsed_ms=0 error=\"no\"";
        assert_eq!(outcome(failed), Some(Outcome::Failure));
        assert_eq!(
            outcome(&format!("{failed} next=Failed")),
            Some(Outcome::Failure)
        );
        assert_eq!(
            outcome(&format!("{failed} next=RetryAt(x)")),
            Some(Outcome::Retry)
        );
        assert_eq!(outcome("task acquired worker=0 task=1"), None);
    }

    #[test]
    fn a_task_is_put_back_by_its_worker_or_by_another_engine() {
        let by_its_worker = "task put back worker=0 task=1 elapsed_ms=0 error=\"no\"";
        assert_eq!(outcome(by_its_worker), Some(Outcome::PutBack));
        let by_another = "task put back: its engine is dead task=1 engine=1";
        assert_eq!(outcome(by_another), None);
    }

    #[test]
    fn a_log_belongs_to_the_last_run_that_writes_there() {
        let notes = "1.000000\trun\t7\ta.txt\tone\tp\t--\tstart\n\
                     3.000000\tkill\t7\t-9\n\
                     4.000000\trun\t-\ta.txt\ttwo\tp\t--\tstart\n\
                     6.000000\texit\t0\n";
        let log = "1970-01-01T00:00:02Z  INFO task started worker=0 task=1\n\
                   1970-01-01T00:00:05Z  INFO task started worker=0 task=2\n";
        let timeline = timeline(notes, |_| Some(log.to_owned())).unwrap();
        let told = timeline.engines.iter().map(|engine| {
            let tasks = engine.executions.iter().map(|it| (it.task, it.end));
            (engine.name.as_deref(), engine.ending, tasks.collect())
        });
        let expected = [
            (Some("one"), Ending::Killed, vec![(1, 1000)]),
            (Some("two"), Ending::Stopped, vec![(2, 4000)]),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
