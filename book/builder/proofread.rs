//! Proofreading: grammar, typography and words by grammalecte, and the words
//! that the style of this book leaves out.

mod grammalecte;

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;
use xtask::Steps;

use crate::files::{files, read};
use crate::problem::Problem;
use crate::prose::{self, Paragraph};

const WORDS: &str = "book/words.txt";
const CHECKS: &str = "book/checks.toml";

/// What the book doesn't say, and why.
static BANNED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        (r"(?i)\bsimplement\b", "«simplement» is left out"),
        (
            r"(?i)\bil suffi(?:t|ra|sait) (?:de\b|d[’'])",
            "«il suffit de» is left out",
        ),
        (r"(?i)\bbien sûr\b", "«bien sûr» is left out"),
        (r"!", "no exclamation mark in prose"),
        ("\"", "straight double quotes: use « and »"),
        (r"\p{Emoji_Presentation}", "no emoji"),
    ];
    patterns
        .map(|(pattern, why)| (Regex::new(pattern).expect("the pattern is a constant"), why))
        .into()
});

/// A chapter to proofread.
struct Chapter {
    /// Its path from the root of the repository.
    file: String,
    paragraphs: Vec<Paragraph>,
}

/// What the style of the book refuses in the chapters of the repository at `root`.
///
/// # Errors
/// When a chapter can't be read.
pub fn style(root: &Path) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for chapter in chapters(root)? {
        for paragraph in &chapter.paragraphs {
            for (pattern, why) in BANNED.iter() {
                for found in pattern.find_iter(&paragraph.text) {
                    let index = paragraph.text[..found.start()].chars().count();
                    problems.push(Problem::at(&chapter.file, paragraph.line(index), *why));
                }
            }
        }
    }
    Ok(problems)
}

/// What grammalecte finds in the chapters of the repository at `root`. Words
/// listed in `book/words.txt` are known.
///
/// # Errors
/// When grammalecte is missing or fails.
pub fn grammar(root: &Path) -> Result<Vec<Problem>> {
    let known = list(root, WORDS)?;
    let mut problems = Vec::new();
    for chapter in chapters(root)? {
        for report in grammalecte::run(&chapter.file, &chapter.paragraphs)? {
            let Some(paragraph) = chapter.paragraphs.get(report.paragraph - 1) else {
                bail!(
                    "grammalecte reports a paragraph that {} doesn't have",
                    chapter.file
                );
            };
            let at = |start, message| Problem::at(&chapter.file, paragraph.line(start), message);
            let errors = report.grammar.iter();
            problems.extend(errors.map(|error| at(error.start, error.message())));
            let words = report.spelling.iter();
            let unknown =
                words.filter(|word| word.kind == "WORD" && !is_known(&known, &word.value));
            problems.extend(unknown.map(|word| {
                at(
                    word.start,
                    format!(
                        "unknown word «{}»: mend it, or add it to {WORDS}",
                        word.value
                    ),
                )
            }));
        }
    }
    Ok(problems)
}

/// A sentence may begin with a word that is listed in lower case.
fn is_known(known: &BTreeSet<String>, word: &str) -> bool {
    let mut letters = word.chars();
    let lower = letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect::<String>());
    known.contains(word) || lower.is_some_and(|lower| known.contains(&lower))
}

/// All the French that the book prints: chapters, sentences of the checks,
/// titles of the steps.
fn chapters(root: &Path) -> Result<Vec<Chapter>> {
    let mut chapters = Vec::new();
    for path in files(&root.join("book/src"))? {
        if path.extension().is_some_and(|end| end == "md") {
            let text = read(&path)?;
            chapters.push(Chapter {
                file: path.strip_prefix(root)?.display().to_string(),
                paragraphs: prose::paragraphs(&text),
            });
        }
    }
    ensure!(!chapters.is_empty(), "book/src has no chapter");
    if root.join(CHECKS).exists() {
        chapters.push(values(root, CHECKS, |_| true)?);
    }
    for step in Steps::load(root)?.iter() {
        let file = format!("steps/{}/Cargo.toml", step.package);
        chapters.push(values(root, &file, |key| key == "title")?);
    }
    Ok(chapters)
}

/// The texts of a TOML file under the keys that `wanted` accepts.
fn values(root: &Path, file: &str, wanted: fn(&str) -> bool) -> Result<Chapter> {
    let text = read(&root.join(file))?;
    let mut paragraphs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Ok(entry) = line.parse::<toml::Table>() else {
            continue; // only whole entries on one line hold a sentence
        };
        for (key, value) in &entry {
            if let (true, Some(sentence)) = (wanted(key), value.as_str()) {
                paragraphs.extend(prose::sentence(sentence, index + 1));
            }
        }
    }
    Ok(Chapter {
        file: file.to_owned(),
        paragraphs,
    })
}

/// The entries of a list, one a line; what follows `#` is a comment. A list
/// that doesn't exist is empty.
fn list(root: &Path, path: &str) -> Result<BTreeSet<String>> {
    let text = match fs::read_to_string(root.join(path)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        text => text.with_context(|| format!("can't read {path}"))?,
    };
    let entries = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(entries
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect())
}
