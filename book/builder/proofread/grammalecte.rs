//! Runs grammalecte.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::prose::Paragraph;

/// Debian's command line of grammalecte.
pub const PROGRAM: &str = "grammalecte-cli";

#[derive(Deserialize)]
struct Answer {
    data: Vec<Report>,
}

/// What grammalecte says of a paragraph.
#[derive(Deserialize)]
pub struct Report {
    #[serde(rename = "iParagraph")]
    /// The paragraph, from 1.
    pub paragraph: usize,
    #[serde(rename = "lGrammarErrors")]
    /// Grammar and typography.
    pub grammar: Vec<GrammarError>,
    #[serde(rename = "lSpellingErrors")]
    /// Words that its dictionary doesn't have.
    pub spelling: Vec<Word>,
}

/// A fault of grammar or of typography.
#[derive(Deserialize)]
pub struct GrammarError {
    #[serde(rename = "nStart")]
    /// The character where it begins.
    pub start: usize,
    #[serde(rename = "sRuleId")]
    rule: String,
    #[serde(rename = "sMessage")]
    message: String,
    #[serde(rename = "sUnderlined")]
    underlined: String,
    #[serde(rename = "aSuggestions")]
    suggestions: Vec<String>,
}

impl GrammarError {
    /// What is wrong, and what could be right.
    pub fn message(&self) -> String {
        let suggestions = match self.suggestions.as_slice() {
            [] => String::new(),
            several => format!(" ({})", several.join(", ")),
        };
        format!(
            "«{}»: {}{suggestions} [{}]",
            self.underlined, self.message, self.rule
        )
    }
}

/// A word, known or not.
#[derive(Deserialize)]
pub struct Word {
    #[serde(rename = "sType")]
    /// `WORD` for a word that is unknown.
    pub kind: String,
    #[serde(rename = "sValue")]
    /// The word.
    pub value: String,
    #[serde(rename = "nStart")]
    /// The character where it begins.
    pub start: usize,
}

/// One line a paragraph in, one report a paragraph out; its exit status is
/// always 0, so an answer that isn't JSON is the only sign of a failure.
pub fn run(file: &str, paragraphs: &[Paragraph]) -> Result<Vec<Report>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("chapter.txt");
    let texts: Vec<&str> = paragraphs
        .iter()
        .map(|paragraph| paragraph.text.as_str())
        .collect();
    fs::write(&path, texts.join("\n") + "\n")?;
    let output = Command::new(PROGRAM)
        .args(["-j", "-ctx", "-owe", "-f"])
        .arg(&path)
        .output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(
                "{PROGRAM} is missing: `apt-get install grammalecte-cli`, or pass --no-proofreading"
            )
        }
        output => output.with_context(|| format!("can't run {PROGRAM}"))?,
    };
    let text = String::from_utf8(output.stdout)?;
    let answer: Answer = serde_json::from_str(&text).with_context(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("{PROGRAM} failed on {file}: {errors}")
    })?;
    Ok(answer.data)
}
