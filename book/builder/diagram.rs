//! `{{#diagram NAME TITLE…}}`: a pikchr drawing, as SVG inside the page.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow};
use pikchr::{Pikchr, PikchrFlags};
use regex::Regex;

use crate::html;
use crate::library::Library;

/// The colours of the drawings and the variables of the style sheet that
/// replace them, so that a drawing follows the theme.
const COLOURS: [(&str, &str); 6] = [
    ("rgb(0,0,0)", "currentColor"),
    ("rgb(255,255,255)", "var(--bg)"),
    // lightblue, lightgray, lightgreen, lightpink
    ("rgb(173,216,230)", "var(--diagram-blue)"),
    ("rgb(211,211,211)", "var(--diagram-gray)"),
    ("rgb(144,238,144)", "var(--diagram-green)"),
    ("rgb(255,182,193)", "var(--diagram-red)"),
];

static COLOUR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"rgb\(\d+,\d+,\d+\)").expect("the pattern is a constant"));

/// The figure of a drawing.
pub fn file(library: &Library, name: &str, title: &str) -> Result<String> {
    let path = format!("book/diagrams/{name}.pikchr");
    figure(&library.read(&path)?, title, &html::inline(title)).context(path)
}

/// The figure of a drawing given by its text in pikchr; `label` is for those who can't see it.
pub fn figure(source: &str, label: &str, caption: &str) -> Result<String> {
    let label = format!("<svg role=\"img\" aria-label=\"{}\"", html::plain(label));
    let svg = draw(source)?.replacen("<svg", &label, 1);
    Ok(format!(
        "<figure class=\"diagram\"><div class=\"wide\">{svg}</div><figcaption>{caption}</figcaption></figure>"
    ))
}

/// The drawing on one line, in the colours of the theme, at its own size.
fn draw(source: &str) -> Result<String> {
    let mut flags = PikchrFlags::default();
    flags.generate_plain_errors();
    let drawing = Pikchr::render(source, None, flags).map_err(|error| anyhow!("{error}"))?;
    let mut svg = drawing.rendered().replace('\n', " ");
    for (colour, variable) in COLOURS {
        svg = svg.replace(colour, variable);
    }
    if let Some(unknown) = COLOUR.find(&svg) {
        return Err(anyhow!(
            "{} has no variable in the themes: use lightblue, lightgray, lightgreen, lightpink, black or white",
            unknown.as_str()
        ));
    }
    let size = format!(
        "<svg width=\"{}\" height=\"{}\"",
        drawing.width(),
        drawing.height()
    );
    Ok(svg.replacen("<svg", &size, 1))
}
