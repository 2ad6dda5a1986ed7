//! A task that launches a program.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use serde::{Deserialize, Serialize};
use signal_hook::low_level::signal_name;
use task_engine::{Task, TaskError, TaskHandler};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How much of each output is kept: its end, where the reason of a failure is.
const LIMIT: usize = 64 * 1024;

/// How much of the error output goes into the message of an error.
const MESSAGE_LIMIT: usize = 1000;

/// Launches a program, without a shell, and waits until it has ended and all those that write on
/// its outputs, such as programs that it has left behind, have closed them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandTask {
    /// A path, or a name that is looked for in `PATH`.
    program: String,
    #[serde(default)]
    arguments: Vec<String>,
    /// Where it runs: where the engine does, by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory: Option<PathBuf>,
    /// Is added to the environment of the engine.
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

/// What the program has left.
#[derive(Serialize)]
pub struct CommandResult {
    exit_status: i32,
    stdout: String,
    stderr: String,
    /// Whether only the end of an output was kept.
    truncated: bool,
}

#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// It is retried: the program may be installed later, the disk mounted again.
    #[error("can't launch \"{program}\"{}: {reason}", place(directory.as_ref()))]
    Launch {
        program: String,
        directory: Option<PathBuf>,
        reason: io::Error,
    },
    #[error("can't follow \"{program}\": {reason}")]
    Follow { program: String, reason: io::Error },
    #[error("\"{program}\" {}{}", how(*status), quote(stderr))]
    Failed {
        program: String,
        status: ExitStatus,
        stderr: String,
    },
}

impl TaskHandler for CommandTask {
    const KIND: &'static str = "command";
    type Output = CommandResult;

    async fn execute(self, _task: &Task) -> Result<CommandResult, TaskError> {
        let child = self.launch()?;
        Ok(follow(self.program, child).await?)
    }
}

impl CommandTask {
    fn launch(&self) -> Result<Child, CommandError> {
        Command::new(&self.program)
            .args(&self.arguments)
            .envs(&self.environment)
            .current_dir(self.directory.as_deref().unwrap_or(".".as_ref()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl+C asks the engine to stop, and lets its programs end.
            .process_group(0)
            .spawn()
            .map_err(|reason| CommandError::Launch {
                program: self.program.clone(),
                directory: self.directory.clone(),
                reason,
            })
    }
}

async fn follow(program: String, mut child: Child) -> Result<CommandResult, CommandError> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // All at once: a program that writes much on one output waits for somebody to read it.
    let (status, stdout, stderr) =
        match tokio::try_join!(child.wait(), end_of(stdout), end_of(stderr)) {
            Ok(followed) => followed,
            Err(reason) => return Err(CommandError::Follow { program, reason }),
        };
    if !status.success() {
        return Err(CommandError::Failed {
            program,
            status,
            stderr: stderr.text(),
        });
    }
    Ok(CommandResult {
        exit_status: 0,
        truncated: stdout.truncated || stderr.truncated,
        stdout: stdout.text(),
        stderr: stderr.text(),
    })
}

/// The end of an output.
#[derive(Default)]
struct Captured {
    bytes: Vec<u8>,
    truncated: bool,
}

impl Captured {
    fn keep_end(&mut self) {
        let excess = self.bytes.len().saturating_sub(LIMIT);
        self.bytes.drain(..excess);
        self.truncated |= excess > 0;
    }

    /// What is not UTF-8 becomes U+FFFD.
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

async fn end_of(output: Option<impl AsyncRead + Unpin>) -> io::Result<Captured> {
    let mut captured = Captured::default();
    let Some(mut output) = output else {
        return Ok(captured);
    };
    while output.read_buf(&mut captured.bytes).await? > 0 {
        // Not at each read: what is kept has to move.
        if captured.bytes.len() > 16 * LIMIT {
            captured.keep_end();
        }
    }
    captured.keep_end();
    Ok(captured)
}

fn place(directory: Option<&PathBuf>) -> String {
    directory.map_or_else(String::new, |directory| {
        format!(" in \"{}\"", directory.display())
    })
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit status {code}"),
        (None, Some(number)) => {
            let name = signal_name(number).unwrap_or("a signal");
            format!("was ended by {name} ({number})")
        }
        (None, None) => status.to_string(),
    }
}

/// The last words, from the beginning of a line if possible.
fn quote(stderr: &str) -> String {
    let text = stderr.trim();
    if text.is_empty() {
        return String::new();
    }
    let start = text.floor_char_boundary(text.len().saturating_sub(MESSAGE_LIMIT));
    let end = &text[start..];
    let lines = end.split_once('\n').map(|(_, lines)| lines);
    let quoted = if start > 0 { lines.unwrap_or(end) } else { end };
    format!(": {quoted}")
}
