//! Runs a session in bash.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;
use tempfile::TempDir;

use super::events;
use super::programs::Programs;
use super::session::{Session, echo};
use crate::timeline::Timeline;
use gethostname::gethostname;

const PRELUDE: &str = include_str!("prelude.bash");

/// A session that takes longer hangs.
const LIMIT: Duration = Duration::from_mins(3);

/// The folder of the session, as the book shows it.
const FOLDER: &str = "~/essai";

/// The name of the machine, as the book shows it.
const HOST: &str = "tilleul";

/// A process number, as the book shows it.
const PROCESS: &str = "12345";

/// What bash itself says of its jobs, which differs between machines:
/// `[1] 12345`, `[1]+  Done …`, `…: line 12: 12345 Killed …`.
static JOB: LazyLock<Regex> = LazyLock::new(|| {
    let states = "Done|Exit|Killed|Terminated|Interrupt|Hangup|Running|Stopped|Aborted|Quit";
    let pattern = format!(
        r"^(?:\[\d+\] \d+|\[\d+\][ +-]+(?:{states})\b.*|\S*session: line \d+: +(?:\[\d+\][ +-]*)?\d+ (?:{states})\b.*)$"
    );
    Regex::new(&pattern).expect("the pattern is a constant")
});

/// Runs the commands of `session` and returns what a terminal would show, and what was done when.
pub fn run(session: &Session, programs: &Programs) -> Result<(String, Timeline)> {
    let tools = tempfile::tempdir()?;
    let here = tempfile::tempdir()?;
    let script = tools.path().join("session");
    fs::write(&script, text(session)?)?;

    let mut child = bash(&script, &here, &tools, programs)
        .spawn()
        .context("can't run bash")?;
    let raw = read(&mut child)?;
    child.wait()?;

    let unknown = read_tool(&tools, "unknown");
    ensure!(
        unknown.is_empty(),
        "only `cargo run -q -p PACKAGE [--example NAME] [-- ARGUMENTS]` is known here, not: {unknown}"
    );
    let output = String::from_utf8_lossy(&raw);
    let timeline = events::timeline(&read_tool(&tools, "notes"), |log| match log {
        "-" => Some(output.clone().into_owned()),
        file => fs::read_to_string(file).ok(),
    })?;
    let output = complaints(&output, &script);
    let output = clean(&output, here.path(), &read_tool(&tools, "processes"));
    Ok((output, timeline))
}

/// The script: each command is shown, then run, then its jobs are noted.
fn text(session: &Session) -> Result<String, std::fmt::Error> {
    let mut text = String::from(PRELUDE);
    for command in &session.commands {
        let shown = echo(command).replace('\'', r"'\''");
        writeln!(text, "printf '%s\\n' '{shown}'")?;
        // `$?` is the status of the previous command, not of what is written between the two.
        writeln!(text, "(exit \"${{book_status:-0}}\")")?;
        writeln!(text, "{command}")?;
        writeln!(text, "book_status=$?")?;
        writeln!(text, "jobs -p >>\"$BOOK_PROCESSES\"")?;
    }
    Ok(text)
}

fn bash(script: &Path, here: &TempDir, tools: &TempDir, programs: &Programs) -> Command {
    let mut command = Command::new("bash");
    // Both streams into one pipe, in the order in which they are written.
    command
        .args(["-c", "exec bash \"$0\" 2>&1"])
        .arg(script)
        .current_dir(here)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .env("BOOK_PROGRAMS", &programs.folder)
        .env("BOOK_WORKSPACE", &programs.workspace)
        .env("BOOK_UNKNOWN", tools.path().join("unknown"))
        .env("BOOK_NOTES", tools.path().join("notes"))
        .env("BOOK_PROCESSES", tools.path().join("processes"))
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("TERM", "dumb");
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy().starts_with("TASK_ENGINE_");
        if ours
            || ["NO_COLOR", "RUST_LOG", "RUST_BACKTRACE"]
                .iter()
                .any(|other| name == **other)
        {
            command.env_remove(name);
        }
    }
    command
}

fn read(child: &mut Child) -> Result<Vec<u8>> {
    let mut pipe = child.stdout.take().context("bash has no output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let result = pipe.read_to_end(&mut bytes).map(|_| bytes);
        // Nobody waits any more when the session took too long.
        let _ = sender.send(result);
    });
    if let Ok(bytes) = receiver.recv_timeout(LIMIT) {
        return Ok(bytes?);
    }
    stop(child.id())?;
    bail!("the session takes more than {} s", LIMIT.as_secs())
}

/// Kills a process and its descendants: with job control, each job of bash is
/// a group of its own.
fn stop(process: u32) -> Result<()> {
    let list = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid="])
        .output()?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let pairs: Vec<(u32, u32)> = list
        .lines()
        .filter_map(|line| {
            let (process, parent) = line.trim().split_once(' ')?;
            Some((process.parse().ok()?, parent.trim().parse().ok()?))
        })
        .collect();
    let mut family = vec![process];
    let mut index = 0;
    while index < family.len() {
        let parent = family[index];
        let children = pairs.iter().filter(|(_, of)| *of == parent);
        family.extend(children.map(|(process, _)| *process));
        index += 1;
    }
    let processes = family.iter().map(u32::to_string);
    Command::new("kill").arg("-9").args(processes).status()?;
    Ok(())
}

/// An error of bash, less the script that the reader never sees.
fn complaints(output: &str, script: &Path) -> String {
    let script = regex::escape(&script.display().to_string());
    let pattern = Regex::new(&format!(r"(?m)^{script}: line (\d+): ( *\d+ )?"));
    let pattern = pattern.expect("an escaped path is a pattern");
    let shown = pattern.replace_all(output, |found: &regex::Captures| match found.get(2) {
        Some(_) => found[0].to_owned(), // what it says of a job is left out as a whole
        None => "bash: ".to_owned(),
    });
    shown.into_owned()
}

/// Leaves out what belongs to this machine and this moment.
fn clean(output: &str, here: &Path, processes: &str) -> String {
    let mut text = String::new();
    for line in output.lines().filter(|line| !JOB.is_match(line)) {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let real = here.canonicalize().unwrap_or_else(|_| here.to_owned());
    for path in [real.as_path(), here] {
        text = text.replace(&path.display().to_string(), FOLDER);
    }
    let numbers: Vec<&str> = processes.lines().collect();
    if let Ok(pattern) = Regex::new(&format!(r"\b(?:{})\b", numbers.join("|")))
        && !numbers.is_empty()
    {
        text = pattern.replace_all(&text, PROCESS).into_owned();
    }
    // Where an engine says that its process is.
    let host = gethostname().to_string_lossy().into_owned();
    text.replace(&format!(" {host}:{PROCESS}"), &format!(" {HOST}:{PROCESS}"))
}

fn read_tool(tools: &TempDir, name: &str) -> String {
    let text = fs::read_to_string(tools.path().join(name)).unwrap_or_default();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_says_of_its_jobs_is_left_out() {
        for line in [
            "[1] 4242",
            "[1]+  Done                    sleep 1",
            "/tmp/x/session: line 40: 4242 Killed                  cargo run",
            "[1]+  Exit 1                  cargo run",
        ] {
            assert!(JOB.is_match(line), "{line}");
        }
        assert!(!JOB.is_match("worker 1: task 3 Done"));
    }

    #[test]
    fn the_folder_and_the_processes_do_not_leak() {
        let text = clean("at /tmp/abc/x.db by 77, 770\n", Path::new("/tmp/abc"), "77");
        assert_eq!(text, "at ~/essai/x.db by 12345, 770\n");
        let host = gethostname().to_string_lossy().into_owned();
        let text = clean(&format!("on {host}:77\n"), Path::new("/tmp/abc"), "77");
        assert_eq!(text, "on tilleul:12345\n");
    }
}
