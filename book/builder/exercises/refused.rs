//! What the compiler refuses: patches of `book/refused`, and what it says of them.
//!
//! `SLUG-NAME.patch` is written as a solution is; `SLUG-NAME.txt`, beside it, is an error of the
//! step so changed, as it was recorded. Its stamp holds both, and what was compiled: no message is
//! typed by hand.

use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use regex::Regex;
use serde_json::Value;

use super::figure::body as difference;
use super::project::Project;
use super::stamps::Stamps;
use super::{Solution, names, path, stamp, tried};
use crate::directive;
use crate::files::write;
use crate::html;
use crate::library::Library;
use crate::page::Page;
use crate::problem::Problem;

const FOLDER: &str = "book/refused";

/// A place in someone else's code, and its lines: they depend on the machine.
static ELSEWHERE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^( *)(?:-->|:::) /.*\n(?: *\d* \|.*\n|\.\.\.\n)*")
        .expect("the pattern is a constant")
});
static CODE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^error\[(E\d+)\]").expect("the pattern is a constant"));

fn message_path(name: &str) -> String {
    format!("{FOLDER}/{name}.txt")
}

/// A patch, with a stamp of what was compiled and of what is written beside it.
fn read<'a>(library: &'a Library, name: &str) -> Result<Solution<'a>> {
    let mut refused = Solution::read(library, FOLDER, name)?;
    let patch = library.read(&path(FOLDER, name))?;
    let message = library.read(&message_path(name)).unwrap_or_default();
    let compiled = library
        .normalised_files(refused.step)
        .filter(|(path, _)| refused.patch.touches(path) || path.starts_with("src/"));
    let written = [("patch", patch.as_str()), ("message", message.as_str())];
    refused.stamp = stamp(compiled.chain(written));
    Ok(refused)
}

/// Applies the named patches of the repository at `root`, or all those that have changed since they
/// were, and writes down what the compiler says.
///
/// # Errors
/// Lists the patches that don't apply, and those that compile.
pub fn record(root: &Path, target: &Path, asked: &[String]) -> Result<()> {
    tried(root, FOLDER, asked, read, |refused| {
        let message = Project::new(root, target, refused)?.refusal()?;
        write(&root.join(message_path(&refused.name)), &message)
    })
}

/// What is wrong with the patches, as far as it can be told without compiling them.
///
/// # Errors
/// When something can't be read.
pub fn check(root: &Path) -> Result<Vec<Problem>> {
    let library = Library::load(root)?;
    let names = names(root, FOLDER)?;
    let stamps = Stamps::load(root, FOLDER, &names)?;
    let shown = directive::first_words(root, "refused")?;
    let mut problems = Vec::new();
    for name in &names {
        let stale = "isn't what the compiler was seen to refuse: run cargo run -p book -- refused";
        let message = match read(&library, name) {
            Err(error) => format!("{error:#}"),
            Ok(refused) if !stamps.is_fresh(&refused) => format!("{stale} {name}"),
            Ok(_) if !shown.contains(name) => format!("no chapter has {{{{#refused {name}}}}}"),
            Ok(_) => continue,
        };
        problems.push(Problem::of(path(FOLDER, name), message));
    }
    Ok(problems)
}

/// The errors in what cargo writes as JSON, as one reads them.
pub(super) fn errors(json: &str) -> Result<Vec<String>> {
    let mut errors = Vec::new();
    for line in json.lines() {
        let line: Value = serde_json::from_str(line).context("cargo writes no JSON")?;
        if line["message"]["level"] == "error" {
            errors.extend(line["message"]["rendered"].as_str().map(str::to_owned));
        }
    }
    Ok(errors)
}

/// The first of these errors that has a code, or else the first, the same on every machine and
/// whatever the number of the step; what is left out leaves an ellipsis.
pub(super) fn told(errors: &[String], package: &str) -> String {
    let coded = errors.iter().position(|error| CODE.is_match(error));
    let chosen = coded.unwrap_or_default();
    let left_out = |is: bool| if is { "…\n" } else { "" };
    let error = errors.get(chosen).map_or("", |error| error.trim_end());
    let error = error.replace(&format!("{package}/"), "") + "\n";
    let error = ELSEWHERE.replace_all(&error, "$1…\n");
    let error = error.replace(&package.replace('-', "_"), "{crate}");
    let error = error.replace(package, "{package}");
    left_out(chosen > 0).to_owned() + &error + left_out(chosen + 1 < errors.len())
}

/// `{{#refused NAME}}`: what one would try, and what the compiler answers.
pub(crate) fn figure(page: &Page, name: &str) -> Result<String> {
    let refused = read(page.library, name)?;
    let step = refused.step;
    let message = page.library.read(&message_path(name))?;
    let message = message
        .replace("{package}", &step.package)
        .replace("{crate}", &page.library.crate_name(step)?);
    let mut figures = String::new();
    for file in &refused.patch.files {
        let place = format!("steps/{}/{}", step.package, file.path);
        let caption = format!(
            "<span class=\"hidden-text\">Diff\u{a0}: </span>{} <span class=\"where\">essai, refusé ci-dessous</span>",
            page.source_link(step, &file.path, &place)
        );
        let mut hunks = file.hunks();
        hunks.retain(|hunk| hunk.iter().any(|line| says_something(line)));
        let body = difference(&file.path, &hunks);
        figures += &html::figure("listing refused", &caption, &body);
    }
    let code = CODE.captures(&message).map(|found| found[1].to_owned());
    let code = code.map_or(String::new(), |code| {
        format!("\u{a0}: <a href=\"https://doc.rust-lang.org/error_codes/{code}.html\">{code}</a>")
    });
    let caption = format!("<span>Le compilateur refuse{code}</span>");
    let body = html::pre("plain", "plaintext", &html::escape(&message));
    Ok(figures + &html::figure("listing refused", &caption, &body))
}

/// Whether a line of a hunk changes more than what is imported.
fn says_something(line: &str) -> bool {
    let text = line.strip_prefix(['+', '-']).unwrap_or_default();
    !text.trim().is_empty() && !text.starts_with("use ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_depends_on_the_machine_or_on_the_number_is_left_out() {
        let message = "\
error: no
 --> step02-two/src/lib.rs:7:5
  |
7 |     step02_two::no()
  |     ^^
  |
note: required here
 --> /home/ada/.cargo/registry/src/no-1.0/lib.rs:1:1
  |
1 | fn no() {}
  |    ^^
...
9 | fn yes() {}
  = note: of step02-two

";
        let expected = "\
error: no
 --> src/lib.rs:7:5
  |
7 |     {crate}::no()
  |     ^^
  |
note: required here
 …
  = note: of {package}
";
        let mut errors = vec![message.to_owned()];
        assert_eq!(told(&errors, "step02-two"), expected);
        errors.push("error: yes\n".to_owned());
        assert_eq!(told(&errors, "step02-two"), format!("{expected}…\n"));
        errors.push("error[E0001]: maybe\n".to_owned());
        assert_eq!(told(&errors, "step02-two"), "…\nerror[E0001]: maybe\n");
    }
}
