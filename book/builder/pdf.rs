//! Builds the PDF: Chromium prints one page that holds a whole volume, and its sheets are looked at.

mod sheets;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use regex::bytes::Regex;

use crate::chromium;
use crate::edition::{Chapter, Edition, Part};
use crate::files;
use crate::problem::{Problem, Problems};
use crate::tool;
use crate::xhtml::{self, Medium, escape};

const STYLE: &str = include_str!("../theme/print.css");
const COVER: &str = include_str!("../theme/cover.svg");

/// Leaves on the page the beginnings of the innermost elements that are wider than they should be.
const MEASURE: &str = r#"<script>
const isWide = element => !element.ownerSVGElement && element.clientWidth && element.scrollWidth > element.clientWidth + 1;
const wide = [...document.querySelectorAll("article, article *")].filter(isWide);
const innermost = wide.filter(element => ![...element.querySelectorAll("*")].some(isWide));
document.body.textContent = innermost.map(element =>
    element.closest("article").id + ": " + element.textContent.trim().slice(0, 80).replaceAll("\n", " ")).join("\n");
</script>"#;

/// How much smaller a chapter is printed, and at most, to bring the last lines of its last page back.
const STEP: f64 = 0.03;
const SMALLEST: f64 = 0.88;

/// What only a printed book tells, and changes how it is printed.
#[derive(Clone, Default, PartialEq)]
struct Layout {
    /// The page on which each chapter begins, for the contents.
    numbers: BTreeMap<String, usize>,
    /// The chapters that are printed smaller.
    zooms: BTreeMap<String, f64>,
}

/// A PDF that has been written.
#[derive(Debug)]
pub struct Pdf {
    /// Where it is.
    pub file: PathBuf,
    /// How many pages it has.
    pub pages: usize,
    problems: Vec<Problem>,
}

impl Pdf {
    /// Refuses a book that is too long, lines that are, and pages that are nearly empty.
    ///
    /// # Errors
    /// Lists everything that there is to mend.
    pub fn check(self) -> Result<()> {
        Problems(self.problems).into_result()?;
        Ok(())
    }
}

/// Writes the PDF of the book of the repository at `root` beside its HTML, volume by volume.
///
/// # Errors
/// When the book can't be built, and when Chromium, poppler or qpdf is missing.
pub fn write(root: &Path) -> Result<Vec<Pdf>> {
    let edition = Edition::load(root)?;
    let several = edition.volumes().count() > 1;
    let volumes = edition.volumes().zip(1..).map(|(parts, number)| Volume {
        edition: &edition,
        parts,
        number: several.then_some(number),
    });
    volumes.map(|volume| write_volume(root, &volume)).collect()
}

/// What is printed and bound together.
struct Volume<'a> {
    edition: &'a Edition,
    parts: &'a [Part],
    /// Unless there is only one.
    number: Option<usize>,
}

impl Volume<'_> {
    fn title(&self) -> String {
        let title = self.edition.title();
        self.number
            .map_or(title.to_owned(), |number| format!("{title}, tome {number}"))
    }

    fn cover(&self) -> String {
        let number = |number| format!("Tome {number}");
        COVER.replace("VOLUME", &self.number.map_or(String::new(), number))
    }

    fn extension(&self) -> String {
        self.number
            .map_or("pdf".to_owned(), |number| format!("tome-{number}.pdf"))
    }

    fn chapters(&self) -> impl Iterator<Item = &Chapter> {
        self.parts.iter().flat_map(|part| &part.chapters)
    }
}

fn write_volume(root: &Path, volume: &Volume) -> Result<Pdf> {
    let edition = volume.edition;
    let chapters = chapters(volume)?;
    let page = edition.site().join("pdf.html");
    let draft = edition.site().join("draft.pdf");
    let mut layout = Layout::default();
    let sheets = loop {
        files::write(&page, &html(volume, &chapters, &layout)?)?;
        chromium::print(&page, &draft)?;
        let sheets = sheets::read(&draft)?;
        let next = layout.after(numbers(&draft)?, &sheets);
        if next == layout {
            break sheets;
        }
        layout = next;
    };
    let file = edition.file(root, &volume.extension())?;
    finish(edition, &draft, &file)?;
    let mut problems = sheets::check(&sheets);
    problems.extend(too_wide(&page)?);
    Ok(Pdf {
        file,
        pages: sheets.len(),
        problems,
    })
}

/// What is wider than its page. No page tells: Chromium then prints the whole book smaller.
fn too_wide(page: &Path) -> Result<Vec<Problem>> {
    let measured = page.with_extension("measured.html");
    files::write(&measured, &(files::read(page)? + MEASURE))?;
    let found = chromium::text(&measured)?;
    let problem = |line: &str| Problem::of("the PDF", format!("too wide: {line}"));
    Ok(found.trim().lines().map(problem).collect())
}

impl Layout {
    /// The layout that the printed one asks for.
    fn after(&self, numbers: BTreeMap<String, usize>, sheets: &[usize]) -> Self {
        let mut zooms = self.zooms.clone();
        for number in sheets::nearly_empty(sheets) {
            let begun = numbers.iter().filter(|(_, first)| **first < number);
            if let Some((name, _)) = begun.max_by_key(|(_, first)| **first) {
                let zoom = zooms.entry(name.clone()).or_insert(1.0);
                *zoom = (*zoom - STEP).max(SMALLEST);
            }
        }
        Self { numbers, zooms }
    }
}

/// The one page that is printed.
fn html(volume: &Volume, chapters: &str, layout: &Layout) -> Result<String> {
    let (edition, title) = (volume.edition, volume.title());
    let fonts = files::files(&edition.site().join("fonts"))?;
    let fonts = fonts
        .iter()
        .find(|file| file.extension().is_some_and(|end| end == "css"));
    let mut style = format!(
        "{STYLE}@page {{ @top-left {{ content: {} }} }}\n",
        css(&title)
    );
    for chapter in volume.chapters() {
        let (name, title) = (&chapter.name, css(&chapter.full_title()));
        let _ = writeln!(
            style,
            "@page {name} {{ @top-right {{ content: {title} }} }}"
        );
    }
    for (name, zoom) in &layout.zooms {
        let _ = writeln!(style, "#{name} {{ zoom: {zoom} }}");
    }
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"{fonts}\"><style>{style}</style></head>\n\
         <body><section class=\"cover\">{cover}</section>\n{contents}\n{chapters}</body></html>\n",
        language = edition.language(),
        title = escape(&title),
        cover = volume.cover(),
        fonts = fonts.map_or(String::new(), |file| file.display().to_string()),
        contents = contents(volume, &layout.numbers),
    ))
}

/// A text in CSS.
fn css(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn chapters(volume: &Volume) -> Result<String> {
    let mut written = String::new();
    for part in volume.parts {
        for (index, chapter) in part.chapters.iter().enumerate() {
            let _ = write!(
                written,
                "<article id=\"{0}\" style=\"page: {0}\">",
                chapter.name
            );
            if let (0, Some(title)) = (index, &part.title) {
                let _ = write!(written, "<h1 class=\"part-title\">{}</h1>", escape(title));
            }
            written += &xhtml::chapter(volume.edition, chapter, Medium::Pdf)?.text;
            written += "</article>\n";
        }
    }
    Ok(written)
}

fn contents(volume: &Volume, numbers: &BTreeMap<String, usize>) -> String {
    let line = |chapter: &Chapter| {
        format!(
            "<a href=\"#{}\"><span class=\"chapter\">{}</span><span>{}</span><span class=\"page\">{}</span></a>",
            chapter.name,
            chapter.number.as_deref().unwrap_or_default(),
            escape(&chapter.title),
            numbers
                .get(&chapter.name)
                .map_or(String::new(), ToString::to_string)
        )
    };
    let parts = volume.parts.iter().map(|part| {
        let title = part
            .title
            .as_deref()
            .map_or(String::new(), |title| format!("<p>{}</p>", escape(title)));
        let chapters: String = part.chapters.iter().map(line).collect();
        format!("<div>{title}{chapters}</div>\n")
    });
    format!(
        "<section class=\"contents\"><h1>Table des matières</h1><p class=\"colophon\">{}. Licence {}.</p>{}</section>",
        volume.edition.date.strftime("Version du %d/%m/%Y"),
        env!("CARGO_PKG_LICENSE"),
        parts.collect::<String>(),
    )
}

/// The page on which each chapter begins, from the places that links lead to.
fn numbers(file: &Path) -> Result<BTreeMap<String, usize>> {
    let output = tool::run(
        "pdfinfo",
        "poppler-utils",
        ["-dests".as_ref(), file.as_os_str()],
    )?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers = text.lines().filter_map(|line| {
        let (number, rest) = line.trim().split_once(' ')?;
        let name = rest.split('"').nth(1)?;
        Some((name.to_owned(), number.parse().ok()?))
    });
    Ok(numbers
        .filter(|(name, _): &(String, usize)| !name.contains("--"))
        .collect())
}

/// Chromium writes down when it prints, and the tags of the text at length: the same book must be
/// the same file, and a small one.
fn finish(edition: &Edition, draft: &Path, file: &Path) -> Result<()> {
    let stamps =
        Regex::new(r"(/(?:Creation|Mod)Date \(D:)\d{14}").expect("the pattern is a constant");
    let date = format!("${{1}}{}", edition.date.strftime("%Y%m%d%H%M%S"));
    let dated = stamps
        .replace_all(&fs::read(draft)?, date.as_bytes())
        .into_owned();
    fs::write(draft, dated)?;
    let options = [
        "--deterministic-id",
        "--object-streams=generate",
        "--recompress-flate",
    ];
    let arguments = options
        .map(OsStr::new)
        .into_iter()
        .chain([draft.as_os_str(), file.as_os_str()]);
    let output = tool::run("qpdf", "qpdf", arguments)?;
    ensure!(
        output.status.success(),
        "qpdf can't read what chromium printed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chapter_that_ends_on_a_nearly_empty_page_is_printed_smaller() {
        let numbers = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 3)]);
        let sheets = [40, 2, 40];
        let first = Layout::default().after(numbers.clone(), &sheets);
        assert_eq!(first.zooms, BTreeMap::from([("a".to_owned(), 1.0 - STEP)]));
        let mut layout = first;
        for _ in 0..9 {
            layout = layout.after(numbers.clone(), &sheets);
        }
        assert_eq!(layout.zooms, BTreeMap::from([("a".to_owned(), SMALLEST)]));
    }

    #[test]
    fn a_title_is_quoted_in_css() {
        assert_eq!(css(r#"a "b" \c"#), r#""a \"b\" \\c""#);
    }
}
