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

/// Where an excerpt stands.
pub fn within(item: &str) -> String {
    format!("dans <em>{}</em>", escape(item))
}

/// How many lines come and go.
pub fn size((added, deleted): (usize, usize)) -> String {
    let added = (added > 0).then(|| format!("<span class=\"add\">+{added}</span>"));
    let deleted = (deleted > 0).then(|| format!("<span class=\"del\">−{deleted}</span>"));
    let sides: Vec<String> = [added, deleted].into_iter().flatten().collect();
    sides.join(" ")
}

/// Code, which is in English and isn't to be translated.
pub fn pre(class: &str, language: &str, code: &str) -> String {
    format!(
        "<pre class=\"{class}\" lang=\"en\" translate=\"no\"><code class=\"language-{language}\">{code}</code></pre>"
    )
}

/// A figure with a caption above it.
pub fn figure(class: &str, caption: &str, body: &str) -> String {
    format!(
        "<figure class=\"{class}\"><figcaption>{caption}</figcaption><div class=\"body\">{body}</div></figure>"
    )
}
