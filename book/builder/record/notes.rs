//! What the shell has noted of a session: runs of engines, signals, and what else changes the database.

use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use regex::Regex;

use crate::timeline::Command;

static CHANGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:INSERT|UPDATE|DELETE|ROLLBACK)\b").expect("the pattern is a constant")
});

/// Milliseconds since the Unix epoch.
pub type Millis = u64;

/// A run of an engine, as noted.
pub struct Run<'a> {
    pub at: Millis,
    /// Its number; `-` in the foreground.
    process: &'a str,
    /// Where its log goes; `-` for the terminal.
    pub log: &'a str,
    pub instance: &'a str,
    pub signals: Vec<Command>,
    /// When it ended in the foreground, and whether it succeeded.
    pub exit: Option<(Millis, bool)>,
}

/// What the shell has noted.
#[derive(Default)]
pub struct Notes<'a> {
    pub runs: Vec<Run<'a>>,
    pub commands: Vec<Command>,
    /// When the session ended.
    pub last: Millis,
}

impl Run<'_> {
    /// The number of its process: none in the foreground.
    fn number(&self) -> Option<u32> {
        self.process.parse().ok()
    }
}

impl<'a> Notes<'a> {
    pub fn parse(text: &'a str) -> Result<Self> {
        let mut notes = Self::default();
        for line in text.lines() {
            let (at, words) = line.split_once('\t').context("a note has no time")?;
            notes.add(time(at)?, &words.split('\t').collect::<Vec<_>>());
        }
        Ok(notes)
    }

    fn add(&mut self, at: Millis, words: &[&'a str]) {
        self.last = at;
        match words {
            ["run", process, log, instance, _, rest @ ..]
                if matches!(rest, ["--example", ..] | ["--", "start" | "demo", ..]) =>
            {
                let mut names = rest.iter().skip_while(|word| **word != "--instance");
                let instance = names.nth(1).unwrap_or(instance);
                let run = Run {
                    at,
                    process,
                    log,
                    instance,
                    signals: Vec::new(),
                    exit: None,
                };
                // Those that begin together note it in any order: their numbers tell.
                let is_later = |other: &&Run| {
                    let numbers = other.number().zip(run.number());
                    numbers.is_some_and(|(other, own)| other > own)
                };
                let later = self.runs.iter().rev().take_while(is_later).count();
                self.runs.insert(self.runs.len() - later, run);
            }
            ["run", _, _, _, _, "--", arguments @ ..] => self.command(at, label(arguments)),
            ["exit", status] => {
                if let Some(run) = self.runs.last_mut().filter(|run| run.process == "-") {
                    run.exit.get_or_insert((at, *status == "0"));
                }
            }
            ["kill", process, signal] if *signal != "-0" => {
                let mut runs = self.runs.iter_mut();
                if let Some(run) = runs.find(|run| run.process == *process) {
                    let label = signal_name(signal);
                    run.signals.push(Command { at, label });
                }
            }
            ["sqlite3", arguments @ ..] => {
                let words = arguments.join(" ");
                let words: Vec<_> = CHANGE.find_iter(&words).map(|word| word.as_str()).collect();
                self.command(at, (!words.is_empty()).then(|| words.join(" … ")));
            }
            _ => {}
        }
    }

    fn command(&mut self, at: Millis, label: Option<String>) {
        self.commands
            .extend(label.map(|label| Command { at, label }));
    }
}

/// The time of a note, given by the shell in seconds.
fn time(seconds: &str) -> Result<Millis> {
    let digits: String = seconds.chars().filter(char::is_ascii_digit).collect();
    let micros: u64 = digits.parse().context("the time of a note is no number")?;
    Ok(micros / 1000)
}

/// What to call a command of the program: itself and its options, if it changes anything.
fn label(arguments: &[&str]) -> Option<String> {
    let (command, rest) = arguments.split_first()?;
    if ["list", "show", "help"].contains(command) {
        return None;
    }
    let mut label = (*command).to_owned();
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--count" => label.extend(rest.next().map(|count| format!(" ×{count}"))),
            "--in" | "--at" => {
                let date = rest.next().and_then(|date| date.split('T').next());
                label.extend(date.map(|date| format!(" {word} {date}")));
            }
            _ => {}
        }
    }
    Some(label)
}

/// The name of a signal, given as `-9`, `-INT` or the like.
fn signal_name(signal: &str) -> String {
    match signal.trim_start_matches('-') {
        "9" => "SIGKILL".to_owned(),
        name => format!("SIG{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_that_begin_together_are_in_the_order_of_their_numbers() {
        let run = |at, process, name| {
            format!("{at}.000000\trun\t{process}\t{name}.txt\t{name}\tp\t--\tstart\n")
        };
        let notes = [
            run(1, "-", "first"),
            run(2, "8", "two"),
            run(2, "7", "one"),
            run(3, "-", "last"),
        ];
        let notes = notes.concat();
        let notes = Notes::parse(&notes).unwrap();
        let names: Vec<_> = notes.runs.iter().map(|run| run.instance).collect();
        assert_eq!(names, ["first", "one", "two", "last"]);
    }
}
