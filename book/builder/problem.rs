//! What is wrong with the book, and where.

use std::fmt;
use std::path::Path;

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the root of the repository.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What is wrong and, where it can be told, what to do.
    pub message: String,
}

impl Problem {
    /// A problem at a known line.
    pub fn at(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: Some(line),
            message: message.into(),
        }
    }

    /// A problem at a known line of a chapter, given by its path in `book/src`.
    pub fn in_chapter(chapter: &Path, line: usize, message: impl Into<String>) -> Self {
        Self::at(format!("book/src/{}", chapter.display()), line, message)
    }

    /// A problem of a whole file.
    pub fn of(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// All that was found: writers mend faster when they see everything at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// An error that lists them, unless there are none.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        write!(f, "{} to mend", self.0.len())
    }
}

impl std::error::Error for Problems {}
