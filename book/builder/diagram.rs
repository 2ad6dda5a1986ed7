//! `{{#diagram NAME TITLE…}}`: a pikchr drawing, as SVG inside the page.

use std::sync::LazyLock;

use anyhow::{Result, anyhow, ensure};
use pikchr::{Pikchr, PikchrFlags};
use regex::Regex;

use crate::directive::Directive;
use crate::html;
use crate::page::Page;

/// The colours of the drawings and the variables of the style sheet that
/// replace them, so that a drawing follows the theme.
const COLOURS: [(&str, &str); 5] = [
    ("rgb(0,0,0)", "currentColor"),
    ("rgb(255,255,255)", "var(--bg)"),
    // lightblue, lightgray, lightgreen
    ("rgb(173,216,230)", "var(--diagram-blue)"),
    ("rgb(211,211,211)", "var(--diagram-gray)"),
    ("rgb(144,238,144)", "var(--diagram-green)"),
];

static COLOUR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"rgb\(\d+,\d+,\d+\)").expect("the pattern is a constant"));

/// The figure of a drawing.
///
/// # Errors
/// When the drawing doesn't exist, can't be drawn, uses a colour that no theme
/// knows, or has no title.
pub fn directive(page: &mut Page, directive: &Directive) -> Result<String> {
    let name = directive.word(0, "name")?;
    let title = directive.rest(1);
    ensure!(!title.is_empty(), "{{{{#diagram}}}} misses its title");
    let source = page.library.read(&format!("book/diagrams/{name}.pikchr"))?;
    let svg =
        draw(&source).map_err(|error| error.context(format!("book/diagrams/{name}.pikchr")))?;
    let label = format!("<svg role=\"img\" aria-label=\"{}\"", html::plain(&title));
    let svg = svg.replacen("<svg", &label, 1);
    Ok(format!(
        "<figure class=\"diagram\"><div class=\"wide\">{svg}</div><figcaption>{}</figcaption></figure>",
        html::inline(&title)
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
            "{} has no variable in the themes: use lightblue, lightgray, lightgreen, black or white",
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
