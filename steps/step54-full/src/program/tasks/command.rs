//! A task that launches a program.

use std::collections::BTreeMap;
use std::future::pending;
use std::io::{self, PipeReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signal_hook::low_level::signal_name;
use task_engine::{Context, TaskError, TaskHandler};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::Command;

use super::group::Group;

/// How much of each output is kept: its end, where the reason of a failure is.
const LIMIT: usize = 64 * 1024;

/// More than a pipe can hold, unless an administrator has asked for more.
const PIPE: u64 = 1024 * 1024;

/// How much of its last line goes into the message of an error.
const MESSAGE: usize = 300;

/// Launches a program, without a shell, and waits until it ends. What that program leaves behind
/// goes on, and is not waited for; nobody reads its outputs any more. But asked to stop, they all
/// are, and waited for; cut short, they are killed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandTask {
    /// A path, or a name that is looked for in `PATH`.
    program: Name,
    #[serde(default)]
    arguments: Vec<Text>,
    /// Where it runs: where the engine does, by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory: Option<Name>,
    /// Is added to the environment of the engine.
    #[serde(default)]
    environment: BTreeMap<Name, Text>,
}

/// What can be handed to a program.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Text(String);

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.contains('\0') {
            return Err("no program can be given a NUL character");
        }
        Ok(Self(text))
    }
}

/// A text that isn't empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Text")]
struct Name(String);

impl TryFrom<Text> for Name {
    type Error = &'static str;

    fn try_from(Text(text): Text) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Err("it is empty");
        }
        Ok(Self(text))
    }
}

#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// It is retried: the program may be installed later, the disk mounted again.
    #[error("can't launch \"{0}\"")]
    Launch(String, #[source] io::Error),
    #[error("\"{0}\" {1}")]
    Failed(String, String),
}

impl TaskHandler for CommandTask {
    const KIND: &'static str = "command";
    type Output = Value;

    async fn execute(self, context: &Context) -> Result<Value, TaskError> {
        if self.environment.keys().any(|name| name.0.contains('=')) {
            return Err(TaskError::permanent(
                "no variable can have \"=\" in its name",
            ));
        }
        let (mut group, stdout, stderr) = self
            .launch()
            .map_err(|error| CommandError::Launch(self.program.0.clone(), error))?;
        let (status, stdout, stderr) = follow(&mut group, context, stdout, stderr).await?;
        let details = json!({
            "exit_status": status.code(),
            "stdout": stdout.text(),
            "stderr": stderr.text(),
            "truncated": stdout.truncated || stderr.truncated,
        });
        if status.success() && !group.was_asked() {
            return Ok(details);
        }
        let how = how(status) + &stderr.last_words();
        let error = CommandError::Failed(self.program.0, how);
        Err(TaskError::from(error).with_details(details))
    }
}

impl CommandTask {
    fn launch(&self) -> io::Result<(Group, Output, Output)> {
        let (stdout, stdout_end) = Output::new()?;
        let (stderr, stderr_end) = Output::new()?;
        let environment = self.environment.iter();
        let mut command = Command::new(&self.program.0);
        command
            .args(self.arguments.iter().map(|argument| &argument.0))
            .envs(environment.map(|(name, value)| (&name.0, &value.0)))
            .stdin(Stdio::null())
            .stdout(stdout_end)
            .stderr(stderr_end)
            // A group of its own: Ctrl+C asks the engine to stop, and lets its programs end.
            .process_group(0);
        if let Some(Name(directory)) = &self.directory {
            command.current_dir(directory);
        }
        let leader = command.kill_on_drop(true).spawn()?;
        Ok((Group::of(leader), stdout, stderr))
    }
}

/// Reads both outputs at once: a program that writes much on one waits for somebody to read it.
async fn follow(
    group: &mut Group,
    context: &Context,
    mut stdout: Output,
    mut stderr: Output,
) -> io::Result<(ExitStatus, Output, Output)> {
    let ended = async {
        tokio::select! {
            status = group.wait() => status,
            () = context.cancelled() => group.stop().await,
        }
    };
    let status = tokio::select! {
        status = ended => status?,
        never = async { tokio::join!(stdout.read(), stderr.read()); pending().await } => never,
    };
    stdout.read_rest();
    stderr.read_rest();
    Ok((status, stdout, stderr))
}

/// What a program writes.
struct Output {
    pipe: Receiver,
    /// The same pipe, to look what is left in it without waiting.
    rest: PipeReader,
    bytes: Vec<u8>,
    truncated: bool,
}

impl Output {
    /// And the end of the pipe that is the program's.
    fn new() -> io::Result<(Self, Stdio)> {
        let (reader, writer) = io::pipe()?;
        let output = Self {
            rest: reader.try_clone()?,
            pipe: Receiver::from_owned_fd(reader.into())?,
            bytes: Vec::new(),
            truncated: false,
        };
        Ok((output, writer.into()))
    }

    /// Reads until nobody can write any more: a daemon can, long after the end of the program.
    async fn read(&mut self) {
        while self.pipe.read_buf(&mut self.bytes).await.unwrap_or(0) > 0 {
            // Not at each read: what is kept has to move.
            if self.bytes.len() > 16 * LIMIT {
                self.keep_end();
            }
        }
    }

    /// Once the program has ended, all that it has written is in the pipe: reads until that would
    /// wait, which is an error here, or until a daemon has written too much.
    fn read_rest(&mut self) {
        let _ = (&self.rest).take(PIPE).read_to_end(&mut self.bytes);
        self.keep_end();
    }

    fn keep_end(&mut self) {
        let excess = self.bytes.len().saturating_sub(LIMIT);
        self.bytes.drain(..excess);
        self.truncated |= excess > 0;
    }

    /// What is not UTF-8 becomes U+FFFD.
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn last_words(&self) -> String {
        let text = self.text();
        let line = text.trim_end().lines().next_back();
        line.map_or_else(String::new, |line| format!(": {line:.MESSAGE$}"))
    }
}

fn how(status: ExitStatus) -> String {
    let Some(number) = status.signal() else {
        return format!("ended with {status}").replace(": ", " ");
    };
    format!("was ended by {}", signal_name(number).unwrap_or("a signal"))
}
