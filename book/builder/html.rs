//! Small pieces of HTML.
//!
//! Every directive becomes one line: a blank line, even inside `<pre>`, would
//! end the HTML block and hand the rest to Markdown.

/// `text` where HTML expects text, on one line.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            // Curly braces would be read again by mdBook's own preprocessor.
            '{' => escaped.push_str("&#123;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// `text` with its `code` and its *emphasis* marked as such.
pub fn inline(text: &str) -> String {
    let pieces = text.split('`').enumerate().map(|(index, piece)| {
        if index % 2 == 1 {
            format!("<code>{}</code>", escape(piece))
        } else {
            emphasis(piece)
        }
    });
    pieces.collect()
}

fn emphasis(text: &str) -> String {
    let pieces = text.split('*').enumerate().map(|(index, piece)| {
        if index % 2 == 1 {
            format!("<em>{}</em>", escape(piece))
        } else {
            escape(piece)
        }
    });
    pieces.collect()
}

/// `text` for an attribute, which knows no emphasis.
pub fn plain(text: &str) -> String {
    escape(&text.replace(['`', '*'], ""))
}

/// The class highlight.js knows the language of `path` by.
pub fn language(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("rs") => "rust",
        Some("sql") => "sql",
        Some("toml") => "toml",
        Some("json") => "json",
        Some("md") => "markdown",
        _ => "plaintext",
    }
}

/// A figure with a caption above it.
pub fn figure(class: &str, caption: &str, body: &str) -> String {
    format!(
        "<figure class=\"{class}\"><figcaption>{caption}</figcaption><div class=\"body\">{body}</div></figure>"
    )
}
