//! Turns a page of the site into the XHTML of an EPUB or of a PDF: without scripts, unfolded, coloured.

use std::fmt::Write as _;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use regex::{Captures, Regex};
use scraper::node::Element;
use scraper::{ElementRef, Node, Selector};

use crate::colours::{self, Line, Mark};
use crate::edition::{Chapter, Edition, Target};

static MAIN: LazyLock<Selector> = LazyLock::new(|| selector("main"));
static LISTING: LazyLock<Selector> = LazyLock::new(|| selector("figure.listing"));
static DESCRIPTION: LazyLock<Selector> = LazyLock::new(|| selector("desc"));
static SUMMARY: LazyLock<Selector> = LazyLock::new(|| selector("summary"));

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("the selector is a constant")
}

/// Elements that have no end.
const VOID: [&str; 6] = ["br", "col", "hr", "img", "input", "wbr"];

/// Where the colours of the drawings are, as variables.
const THEME: &str = include_str!("../theme/book.css");

/// What a page is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A file a chapter, drawings in files of their own, everything unfolded.
    Epub,
    /// All chapters and drawings on one page, less the rest of the differences.
    Pdf,
}

impl Medium {
    /// The identifier of an element of a chapter.
    fn id(self, chapter: &str, id: &str) -> String {
        match self {
            Self::Epub => id.to_owned(),
            Self::Pdf => format!("{chapter}--{id}"),
        }
    }

    /// The address of a chapter, or of an element of it.
    pub fn address(self, chapter: &str, id: Option<&str>) -> String {
        match (self, id) {
            (Self::Epub, None) => format!("{chapter}.xhtml"),
            (Self::Epub, Some(id)) => format!("{chapter}.xhtml#{id}"),
            (Self::Pdf, None) => format!("#{chapter}"),
            (Self::Pdf, Some(id)) => format!("#{}", self.id(chapter, id)),
        }
    }
}

/// A chapter, ready for its medium.
pub struct Xhtml {
    /// Its content.
    pub text: String,
    /// The SVG of the drawings that an EPUB keeps beside it.
    pub drawings: Vec<String>,
}

/// Writes a chapter.
pub fn chapter(edition: &Edition, chapter: &Chapter, medium: Medium) -> Result<Xhtml> {
    let mut writer = Writer {
        edition,
        chapter,
        medium,
        text: String::new(),
        drawings: Vec::new(),
    };
    let main = chapter.html.select(&MAIN).next();
    writer.children(main.context("the page has no <main>")?)?;
    Ok(Xhtml {
        text: writer.text,
        drawings: writer.drawings,
    })
}

/// `text` where XHTML expects text or the value of an attribute.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

struct Writer<'a> {
    edition: &'a Edition,
    chapter: &'a Chapter,
    medium: Medium,
    text: String,
    drawings: Vec<String>,
}

impl Writer<'_> {
    fn children(&mut self, parent: ElementRef) -> Result<()> {
        for child in parent.children() {
            if let Node::Text(text) = child.value() {
                self.text += &escape(text);
            } else if let Some(element) = ElementRef::wrap(child) {
                self.element(element)?;
            }
        }
        Ok(())
    }

    fn element(&mut self, element: ElementRef) -> Result<()> {
        let value = element.value();
        let is = |class: &str| value.classes().any(|other| other == class);
        match value.name() {
            "button" | "script" => Ok(()),
            // Said to those who don't see colours; here, the signs of the lines are text.
            "span" if is("hidden-text") => Ok(()),
            "a" if is("header") => self.children(element),
            "a" => self.link(element),
            "details"
                if self.medium == Medium::Pdf && element.select(&LISTING).next().is_some() =>
            {
                self.unprinted(element);
                Ok(())
            }
            "details" => self.wrap("section", "unfolded", element),
            "summary" => self.wrap("p", "summary", element),
            "svg" => self.drawing(element),
            "pre" => self.listing(element),
            "h1" | "h2" | "h3" | "h4" | "h5" if self.medium == Medium::Pdf => self.heading(element),
            name => {
                let _ = write!(self.text, "<{name}{}", self.attributes(value));
                if VOID.contains(&name) {
                    self.text += "/>";
                    return Ok(());
                }
                self.text += ">";
                self.children(element)?;
                let _ = write!(self.text, "</{name}>");
                Ok(())
            }
        }
    }

    /// The outline of a PDF follows the levels of the titles: chapters are under their parts.
    fn heading(&mut self, element: ElementRef) -> Result<()> {
        let level: usize = element.value().name()[1..].parse()?;
        let deeper = level + usize::from(self.chapter.number.is_some());
        let attributes = self.attributes(element.value());
        let _ = write!(self.text, "<h{deeper} class=\"level-{level}\"{attributes}>");
        self.children(element)?;
        let _ = write!(self.text, "</h{deeper}>");
        Ok(())
    }

    fn wrap(&mut self, name: &str, class: &str, element: ElementRef) -> Result<()> {
        self.open(name, class, element);
        self.children(element)?;
        let _ = write!(self.text, "</{name}>");
        Ok(())
    }

    /// Begins an element that replaces another one: what leads to that still does, and it keeps its
    /// language.
    fn open(&mut self, name: &str, class: &str, element: ElementRef) {
        let _ = write!(self.text, "<{name} class=\"{class}\"");
        if let Some(id) = element.attr("id") {
            let id = self.medium.id(&self.chapter.name, id);
            let _ = write!(self.text, " id=\"{}\"", escape(&id));
        }
        if let Some(language) = element.attr("lang") {
            let _ = write!(self.text, " lang=\"{}\"", escape(language));
        }
        self.text += ">";
    }

    /// Folded listings would be two thirds of the pages: on paper, their title says where they are.
    fn unprinted(&mut self, element: ElementRef) {
        let summary = element.select(&SUMMARY).next();
        let summary = summary.into_iter().flat_map(|summary| summary.text());
        let _ = write!(
            self.text,
            "<p class=\"unprinted\">«\u{a0}{}\u{a0}» se lit dans les versions HTML et EPUB de ce livre\u{a0}; celle-ci n’en a pas la place.</p>",
            escape(&summary.collect::<String>())
        );
    }

    fn attributes(&self, element: &Element) -> String {
        let attributes = element.attrs().map(|(name, value)| match name {
            // Readers show it where it is called.
            "id" if value.starts_with("footnote-") && self.medium == Medium::Epub => {
                format!(" id=\"{}\" epub:type=\"footnote\"", escape(value))
            }
            "id" => format!(
                " id=\"{}\"",
                escape(&self.medium.id(&self.chapter.name, value))
            ),
            "tabindex" => String::new(),
            _ => format!(" {name}=\"{}\"", escape(value)),
        });
        attributes.collect()
    }

    fn link(&mut self, element: ElementRef) -> Result<()> {
        let href = element.attr("href").unwrap_or_default();
        let address = match self.edition.target(self.chapter, href) {
            Target::Address(address) => address.to_owned(),
            Target::Chapter(chapter, _)
                if self.medium == Medium::Pdf
                    && self.volume(chapter) != self.volume(&self.chapter.name) =>
            {
                self.wrap("span", "elsewhere", element)?;
                let _ = write!(self.text, "<sup>tome {}</sup>", self.volume(chapter));
                return Ok(());
            }
            Target::Chapter(chapter, id) => self.medium.address(chapter, id.as_deref()),
            Target::Nowhere => return self.wrap("span", "source", element),
        };
        let _ = write!(self.text, "<a href=\"{}\"", escape(&address));
        if let Some(id) = element.attr("id") {
            let _ = write!(
                self.text,
                " id=\"{}\"",
                escape(&self.medium.id(&self.chapter.name, id))
            );
        }
        if self.medium == Medium::Epub && href.starts_with("#footnote-") {
            self.text += " epub:type=\"noteref\"";
        }
        self.text += ">";
        self.children(element)?;
        self.text += "</a>";
        Ok(())
    }

    fn volume(&self, chapter: &str) -> usize {
        self.edition.volume(chapter)
    }

    fn drawing(&mut self, element: ElementRef) -> Result<()> {
        let mut svg = String::new();
        write_svg(&mut svg, element);
        let svg = literal(&svg)?;
        match self.medium {
            Medium::Pdf => self.text += &svg,
            Medium::Epub => {
                let file = format!("{}-{}.svg", self.chapter.name, self.drawings.len() + 1);
                // What is seen is told whole, where the drawing knows how to.
                let told = element.select(&DESCRIPTION).flat_map(|told| told.text());
                let label = element.attr("aria-label").into_iter().chain(told);
                let label = escape(&label.collect::<Vec<_>>().join("\u{a0}: "));
                let _ = write!(self.text, "<img src=\"{file}\" alt=\"{label}\"/>");
                self.drawings.push(svg);
            }
        }
        Ok(())
    }

    /// Code line by line, so that a line that is too long can be cut where one sees it.
    fn listing(&mut self, element: ElementRef) -> Result<()> {
        let code = element
            .child_elements()
            .find(|child| child.value().name() == "code");
        let class = code.and_then(|code| code.attr("class")).unwrap_or_default();
        let language = class
            .split(' ')
            .find_map(|class| class.strip_prefix("language-"));
        let (Some(code), Some(language), false) = (code, language, class.contains("session"))
        else {
            return self.wrap("pre", "session", element);
        };
        let lines = lines(code);
        let coloured = colours::colour(language, &lines);
        self.open("pre", "code", element);
        self.text += "<code>";
        for (line, coloured) in lines.iter().zip(coloured) {
            let _ = match line.mark {
                Mark::None => write!(self.text, "<span class=\"line\">{coloured}</span>"),
                Mark::Same => write!(self.text, "<span class=\"line\">  {coloured}</span>"),
                Mark::Added => write!(self.text, "<ins class=\"line\">+ {coloured}</ins>"),
                Mark::Deleted => write!(self.text, "<del class=\"line\">− {coloured}</del>"),
                Mark::Gap => write!(self.text, "<span class=\"line gap\">{coloured}</span>"),
            };
        }
        self.text += "</code></pre>";
        Ok(())
    }
}

/// The lines of a listing: in a difference, each in an element of its own.
fn lines(code: ElementRef) -> Vec<Line> {
    let mut lines = Vec::new();
    for child in code.children() {
        let element = ElementRef::wrap(child);
        let mark = match element.and_then(|element| element.attr("class")) {
            Some("same") => Mark::Same,
            Some("add") => Mark::Added,
            Some("del") => Mark::Deleted,
            Some("gap") => Mark::Gap,
            _ => Mark::None,
        };
        let mut text = String::new();
        let mut words = Vec::new();
        for node in child.descendants() {
            if let Node::Text(piece) = node.value() {
                let parent = node.parent().and_then(ElementRef::wrap);
                if parent.is_some_and(|parent| parent.value().name() == "b") {
                    words.push(text.len()..text.len() + piece.len());
                }
                text += piece;
            }
        }
        lines.extend(text.split_inclusive('\n').map(|line| Line {
            mark,
            text: format!("{}\n", line.trim_end()),
            words: words.clone(),
        }));
    }
    lines
}

fn write_svg(svg: &mut String, element: ElementRef) {
    let name = element.value().name();
    let _ = write!(svg, "<{name}");
    if name == "svg" {
        *svg += " xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\"";
    }
    for (name, value) in element.value().attrs() {
        if name != "xmlns" {
            let _ = write!(svg, " {name}=\"{}\"", escape(value));
        }
    }
    *svg += ">";
    for child in element.children() {
        if let Node::Text(text) = child.value() {
            *svg += &escape(text);
        } else if let Some(element) = ElementRef::wrap(child) {
            write_svg(svg, element);
        }
    }
    let _ = write!(svg, "</{name}>");
}

static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"var\((--[\w-]+)\)").expect("the pattern is a constant"));

/// A drawing in the colours of the light theme: outside the site, no variable has a value.
fn literal(svg: &str) -> Result<String> {
    let light = THEME
        .split(".light {")
        .nth(1)
        .and_then(|rest| rest.split('}').next());
    let light = light.context("book.css has no .light")?;
    let value = |name: &str| {
        let value = light
            .lines()
            .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
        value.map(|value| value.trim_end_matches(';').to_owned())
    };
    let svg = svg.replace("currentColor", "var(--fg)");
    for found in VARIABLE.captures_iter(&svg) {
        value(&found[1])
            .with_context(|| format!("book.css gives {} no colour in .light", &found[1]))?;
    }
    let replaced = |found: &Captures| value(&found[1]).unwrap_or_default();
    Ok(VARIABLE.replace_all(&svg, replaced).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_has_colours_and_no_variables() {
        let svg =
            literal("<path style=\"fill:var(--diagram-blue);stroke:currentColor\"/>").unwrap();
        assert_eq!(svg, "<path style=\"fill:#dcebf5;stroke:#24262b\"/>");
        let error = literal("<path fill=\"var(--absent)\"/>").unwrap_err();
        assert_eq!(
            error.to_string(),
            "book.css gives --absent no colour in .light"
        );
    }
}
