//! The text of a session: commands and what they show.

use anyhow::{Result, bail, ensure};

/// A session in a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The commands; those that take several lines keep their line feeds.
    pub commands: Vec<String>,
    /// What each command shows, line by line.
    pub outputs: Vec<Vec<String>>,
}

/// A command as a terminal shows it.
pub fn echo(command: &str) -> String {
    format!("$ {}", command.replace('\n', "\n> "))
}

/// Reads a session: `$ ` opens a command, `> ` continues it, the rest is output.
pub fn parse(text: &str) -> Result<Session> {
    let mut session = Session::default();
    let mut in_command = false;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            session.commands.push(command.to_owned());
            session.outputs.push(Vec::new());
            in_command = true;
        } else if let (true, Some(more), Some(command)) = (
            in_command,
            line.strip_prefix("> "),
            session.commands.last_mut(),
        ) {
            command.push('\n');
            command.push_str(more);
        } else if let Some(output) = session.outputs.last_mut() {
            output.push(line.to_owned());
            in_command = false;
        } else {
            bail!("output before the first command: {line:?}");
        }
    }
    ensure!(!session.commands.is_empty(), "no line begins with «$ »");
    Ok(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_outputs_are_told_apart() {
        let session = parse("$ a \\\n>   b\nout\n> not a command\n$ c\n").unwrap();
        assert_eq!(session.commands, ["a \\\n  b", "c"]);
        assert_eq!(session.outputs[0], ["out", "> not a command"]);
        assert_eq!(echo(&session.commands[0]), "$ a \\\n>   b");
    }
}
