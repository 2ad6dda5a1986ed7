//! The pages of a PDF, as they are on paper.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::problem::Problem;
use crate::tool;

/// More is too long to be printed, and to be read.
const MOST: usize = 250;
/// A page with fewer lines has been left nearly empty.
const LEAST: usize = 5;
/// The running title, and the number of the page.
const MARGINS: usize = 2;

/// How many lines there are on each page of a file.
pub fn read(file: &Path) -> Result<Vec<usize>> {
    let arguments = ["-layout".as_ref(), file.as_os_str(), "-".as_ref()];
    let output = tool::run("pdftotext", "poppler-utils", arguments)?;
    ensure!(
        output.status.success(),
        "pdftotext can't read what chromium printed"
    );
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// Each page ends in a form feed.
fn parse(text: &str) -> Vec<usize> {
    let lines = |page: &str| page.lines().filter(|line| !line.trim().is_empty()).count();
    let pages = text.split_terminator('\x0c').map(lines);
    pages.map(|lines| lines.saturating_sub(MARGINS)).collect()
}

/// The numbers of the pages, after the cover, that have next to nothing on them.
pub fn nearly_empty(sheets: &[usize]) -> impl Iterator<Item = usize> {
    let numbered = sheets.iter().zip(1..).skip(1);
    numbered
        .filter(|(lines, _)| **lines < LEAST)
        .map(|(_, number)| number)
}

/// What a reader would suffer from.
pub fn check(sheets: &[usize]) -> Vec<Problem> {
    let problem = |message| Problem::of("the PDF", message);
    let long = (sheets.len() > MOST).then(|| format!("has more than {MOST} pages"));
    let empty = nearly_empty(sheets).map(|number| {
        let lines = sheets[number - 1];
        format!("page {number} is nearly empty: it has {lines} lines")
    });
    long.into_iter().chain(empty).map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margins_are_no_lines() {
        assert_eq!(parse("Titre\n\nun\ndeux\n\n1\n\x0cTitre\n2\n\x0c"), [2, 0]);
    }

    #[test]
    fn what_is_wrong_is_found() {
        assert!(check(&[LEAST; MOST]).is_empty());
        let mut sheets = [LEAST; MOST + 1];
        sheets[0] = 0;
        sheets[2] = LEAST - 1;
        let problems: Vec<_> = check(&sheets).iter().map(ToString::to_string).collect();
        let expected = [
            "the PDF: has more than 250 pages",
            "the PDF: page 3 is nearly empty: it has 4 lines",
        ];
        assert_eq!(problems, expected);
    }
}
