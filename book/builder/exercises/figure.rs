//! `{{#solution NAME}}`: the patch of an exercise, folded.

use std::fmt::Write as _;

use anyhow::Result;

use super::Solution;
use crate::html;
use crate::page::Page;

/// The patch, coloured as a diff, file by file.
pub fn figure(page: &Page, name: &str) -> Result<String> {
    let solution = Solution::read(page.library, super::FOLDER, name)?;
    let mut figures = String::new();
    for file in &solution.patch.files {
        let mut caption = page.source_link(solution.step, &file.path, &file.path);
        if file.is_new {
            caption.push_str(" <span class=\"where\">nouveau fichier</span>");
        }
        let body = body(&file.path, &file.hunks());
        figures.push_str(&html::figure("listing", &caption, &body));
    }
    Ok(format!(
        "<details class=\"solution\"><summary>Solution</summary>{figures}</details>"
    ))
}

/// Some hunks of a patch. `ins` and `del` tell even those who don't see colours.
pub fn body(path: &str, hunks: &[Vec<&str>]) -> String {
    let mut runs = Vec::new();
    for hunk in hunks {
        let mut run = String::new();
        for line in hunk {
            let (tag, class, text) = match (line.strip_prefix('+'), line.strip_prefix('-')) {
                (Some(text), _) => ("ins", "add", text),
                (_, Some(text)) => ("del", "del", text),
                _ => ("span", "same", line.get(1..).unwrap_or_default()),
            };
            let _ = write!(
                run,
                "<{tag} class=\"{class}\">{}&#10;</{tag}>",
                html::escape(text)
            );
        }
        runs.push(run);
    }
    let code = runs.join("<span class=\"gap\">⋯&#10;</span>");
    html::pre("diff", html::language(path), &code)
}
