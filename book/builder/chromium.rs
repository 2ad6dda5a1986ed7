//! Runs Chromium without a window.

use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, Result, ensure};
use scraper::{Html, Selector};

use crate::tool;

const OPTIONS: [&str; 6] = [
    "--headless",
    "--no-sandbox", // which root doesn't have; the pages are our own
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--allow-file-access-from-files",
];

/// Prints a page as PDF, with the titles as its outline.
///
/// # Errors
/// When Chromium is missing, and when it writes nothing.
pub fn print(page: &Path, pdf: &Path) -> Result<()> {
    let to = format!("--print-to-pdf={}", pdf.display());
    let options = [
        "--no-pdf-header-footer",
        "--generate-pdf-document-outline",
        &to,
    ];
    let output = run(page, &options)?;
    ensure!(
        output.status.success() && pdf.is_file(),
        "chromium printed nothing:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// The text that the scripts of a page leave on it.
///
/// # Errors
/// When Chromium is missing or fails.
pub fn text(page: &Path) -> Result<String> {
    let output = run(page, &["--dump-dom"])?;
    let html = Html::parse_document(&String::from_utf8_lossy(&output.stdout));
    let body = Selector::parse("body").expect("the selector is a constant");
    let text = html.select(&body).next().map(|body| body.text().collect());
    text.filter(|_| output.status.success()).with_context(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("chromium read nothing:\n{errors}")
    })
}

fn run(page: &Path, options: &[&str]) -> Result<Output> {
    let profile = tempfile::tempdir()?;
    let profile = format!("--user-data-dir={}", profile.path().display());
    let address = format!("file://{}", page.display());
    let all = OPTIONS.iter().chain(options).copied();
    tool::run("chromium", "chromium", all.chain([&*profile, &*address]))
}
