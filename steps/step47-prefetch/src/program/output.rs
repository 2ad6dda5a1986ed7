//! How the commands write.

use std::io::{self, Write};

use anyhow::Result;

/// Writes these lines on the standard output, where no character moves the cursor: anybody may
/// have written them in the database.
pub fn print(lines: &[String]) -> Result<()> {
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    let text = text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}");
    Ok(write!(io::stdout(), "{text}")?)
}
