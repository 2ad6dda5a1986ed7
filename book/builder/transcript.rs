//! `{{#transcript NAME}}`: a recorded terminal session.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::html;
use crate::library::Library;
use crate::record;

/// The figure of a session.
pub fn figure(library: &Library, name: &str) -> Result<String> {
    let path = format!("book/transcripts/{name}.console");
    let text = library.read(&path)?;
    let session = record::parse(&text).with_context(|| path.clone())?;
    let mut code = String::new();
    for (command, output) in session.commands.iter().zip(&session.outputs) {
        let command = html::escape(command).replace("&#10;", "</b>&#10;<i>&gt; </i><b>");
        let _ = write!(code, "<i>$ </i><b>{command}</b>&#10;");
        for line in output {
            let _ = write!(code, "{}&#10;", html::escape(line));
        }
    }
    let body = html::pre("session", "plaintext session", &code);
    Ok(html::figure("listing transcript", "Terminal", &body))
}
