//! Builds the EPUB, and has epubcheck read it.

use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::edition::Edition;
use crate::tool;
use crate::xhtml::{self, Medium, escape};

const STYLE: &str = include_str!("../theme/epub.css");
const COVER: &[u8] = include_bytes!("../theme/cover.png");

/// Where Debian's package of the same name puts it.
const EPUBCHECK: &str = "/usr/share/java/epubcheck.jar";

const CONTAINER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"#;

/// What readers are told of how the book can be read.
const ACCESSIBILITY: &str = r#"<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">structuralNavigation</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Le texte est complet sans les images : chaque dessin a une description, et le signe d’une ligne ajoutée ou retirée est écrit.</meta>
"#;

/// Writes the EPUB of the book of the repository at `root` beside its HTML.
///
/// # Errors
/// When the book can't be built.
pub fn write(root: &Path) -> Result<PathBuf> {
    let edition = Edition::load(root)?;
    let file = edition.file(root, "epub")?;
    fs::write(&file, archive(&edition)?)?;
    Ok(file)
}

/// Has epubcheck read a file.
///
/// # Errors
/// When it is missing, and when it finds anything, a warning included.
pub fn check(file: &Path) -> Result<()> {
    ensure!(
        Path::new(EPUBCHECK).exists(),
        "{EPUBCHECK} is missing: `apt-get install epubcheck`"
    );
    let file = file.as_os_str();
    let arguments = [
        "-jar".as_ref(),
        EPUBCHECK.as_ref(),
        "--failonwarnings".as_ref(),
        file,
    ];
    let output = tool::run("java", "default-jre-headless", arguments)?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!(
            "epubcheck refuses the book:\n{}",
            String::from_utf8_lossy(&said)
        );
    }
    Ok(())
}

/// The whole file: the same for the same sources, whenever it is made.
fn archive(edition: &Edition) -> Result<Vec<u8>> {
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Readers look for this at a fixed place of the file.
    zip.start_file(
        "mimetype",
        options.compression_method(CompressionMethod::Stored),
    )?;
    zip.write_all(b"application/epub+zip")?;
    zip.start_file("META-INF/container.xml", options)?;
    zip.write_all(CONTAINER.as_bytes())?;
    for file in files(edition)? {
        zip.start_file(format!("EPUB/{}", file.name), options)?;
        zip.write_all(&file.content)?;
    }
    Ok(zip.finish()?.into_inner())
}

struct File {
    name: String,
    /// What the manifest says of it.
    properties: &'static str,
    /// Whether it is one of the pages that one turns.
    is_page: bool,
    content: Vec<u8>,
}

fn files(edition: &Edition) -> Result<Vec<File>> {
    let page = |name: &str, properties, title: &str, body: &str| File {
        name: format!("{name}.xhtml"),
        properties,
        is_page: true,
        content: document(edition, title, body).into_bytes(),
    };
    let resource = |name: &str, properties, content: &[u8]| File {
        name: name.to_owned(),
        properties,
        is_page: false,
        content: content.into(),
    };
    let alt = escape(edition.title());
    let cover = format!("<p class=\"cover\"><img src=\"cover.png\" alt=\"{alt}\"/></p>");
    let mut files = vec![
        page("cover", "", edition.title(), &cover),
        page("contents", "nav", "Table des matières", &contents(edition)),
        resource("cover.png", "cover-image", COVER),
        resource("epub.css", "", STYLE.as_bytes()),
    ];
    for chapter in edition.chapters() {
        let written = xhtml::chapter(edition, chapter, Medium::Epub)?;
        files.push(page(&chapter.name, "", &chapter.title, &written.text));
        for (index, drawing) in written.drawings.iter().enumerate() {
            let name = format!("{}-{}.svg", chapter.name, index + 1);
            files.push(resource(&name, "", drawing.as_bytes()));
        }
    }
    files.push(resource(
        "book.opf",
        "",
        package(edition, &files).as_bytes(),
    ));
    Ok(files)
}

fn document(edition: &Edition, title: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html>\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" xmlns:epub=\"http://www.idpf.org/2007/ops\" lang=\"{language}\" xml:lang=\"{language}\">\n\
         <head><title>{title}</title><link rel=\"stylesheet\" type=\"text/css\" href=\"epub.css\"/></head>\n\
         <body>\n{body}\n</body>\n</html>\n",
        language = edition.language(),
        title = escape(title),
    )
}

fn contents(edition: &Edition) -> String {
    let mut parts = String::new();
    for part in &edition.parts {
        if let Some(title) = &part.title {
            let _ = write!(parts, "<li><span>{}</span><ol>", escape(title));
        }
        for chapter in &part.chapters {
            let address = Medium::Epub.address(&chapter.name, None);
            let title = escape(&chapter.full_title());
            let _ = writeln!(parts, "<li><a href=\"{address}\">{title}</a></li>");
        }
        if part.title.is_some() {
            parts += "</ol></li>\n";
        }
    }
    let first = edition
        .chapters()
        .next()
        .map_or("contents", |chapter| &chapter.name);
    format!(
        "<nav epub:type=\"toc\" id=\"toc\"><h1>Table des matières</h1>\n<ol>\n{parts}</ol></nav>\n\
         <nav epub:type=\"landmarks\" hidden=\"hidden\"><h2>Repères</h2><ol>\
         <li><a epub:type=\"cover\" href=\"cover.xhtml\">Couverture</a></li>\
         <li><a epub:type=\"toc\" href=\"contents.xhtml\">Table des matières</a></li>\
         <li><a epub:type=\"bodymatter\" href=\"{first}.xhtml\">Texte</a></li></ol></nav>"
    )
}

/// What the book is, what is in it, and in which order.
fn package(edition: &Edition, files: &[File]) -> String {
    let mut manifest = String::new();
    let mut spine = String::new();
    for file in files {
        let name = &file.name;
        let properties = match file.properties {
            "" => String::new(),
            properties => format!(" properties=\"{properties}\""),
        };
        let media = match name.rsplit_once('.') {
            Some((_, "css")) => "text/css",
            Some((_, "png")) => "image/png",
            Some((_, "svg")) => "image/svg+xml",
            _ => "application/xhtml+xml",
        };
        let _ = writeln!(
            manifest,
            "<item id=\"file-{name}\" href=\"{name}\" media-type=\"{media}\"{properties}/>"
        );
        if file.is_page {
            let _ = writeln!(spine, "<itemref idref=\"file-{name}\"/>");
        }
    }
    let mut metadata = String::new();
    let mut add = |name: &str, value: &str| {
        let _ = writeln!(metadata, "<dc:{name}>{}</dc:{name}>", escape(value));
    };
    add("title", edition.title());
    add("language", edition.language());
    add("date", &edition.date.strftime("%F").to_string());
    add("rights", concat!("Licence ", env!("CARGO_PKG_LICENSE")));
    if let Some(description) = &edition.book.description {
        add("description", description);
    }
    for author in &edition.book.authors {
        add("creator", author);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <package xmlns=\"http://www.idpf.org/2007/opf\" version=\"3.0\" xml:lang=\"{language}\" unique-identifier=\"id\">\n\
         <metadata xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n\
         <dc:identifier id=\"id\">{identifier}</dc:identifier>\n{metadata}\
         <meta property=\"dcterms:modified\">{date}</meta>\n\
         <meta name=\"cover\" content=\"file-cover.png\"/>\n{ACCESSIBILITY}</metadata>\n\
         <manifest>\n{manifest}</manifest>\n<spine>\n{spine}</spine>\n</package>\n",
        language = edition.language(),
        identifier = escape(&edition.settings.file_name),
        date = edition.date.strftime("%FT%TZ"),
    )
}
