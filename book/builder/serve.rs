//! A small server for writers: it builds again when a source changes, and the
//! pages open in a browser follow.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};

use crate::build;
use crate::files::files;

const PAUSE: Duration = Duration::from_millis(500);

/// Where a page asks which build it should show.
const VERSION: &str = "/__version";

const SCRIPT: &str = "<script>(function () { let seen = null; setInterval(async () => { try { \
    const now = await (await fetch('/__version')).text(); \
    if (seen !== null && now !== seen) { location.reload(); } seen = now; } catch { } \
    }, 500); })();</script>";

/// What a build depends on, from the root of the repository.
const SOURCES: [&str; 9] = [
    "book/book.toml",
    "book/checks.toml",
    "book/diagrams",
    "book/src",
    "book/theme",
    "book/transcripts",
    "steps",
    "tests/matrix.json",
    "tests/transitions.json",
];

/// Serves the book of the repository at `root`, to this machine only, for ever.
///
/// # Errors
/// When the port is taken.
pub fn serve(root: &Path, port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("can't listen on port {port}: try another one with --port"))?;
    let version = Arc::new(AtomicU64::new(0));
    rebuild(root);
    println!("http://{}/", listener.local_addr()?);
    {
        let (root, version) = (root.to_owned(), Arc::clone(&version));
        thread::spawn(move || watch(&root, &version));
    }
    listen(&listener, &build::site(root), Some(&version));
    Ok(())
}

/// Serves a built site as it is, for as long as this process lives; its address.
///
/// # Errors
/// When there is no port left.
pub fn publish(site: &Path) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = format!("http://{}", listener.local_addr()?);
    let site = site.to_owned();
    thread::spawn(move || listen(&listener, &site, None));
    Ok(address)
}

/// Answers for ever. Who writes sees the `version` of the site.
fn listen(listener: &TcpListener, site: &Path, version: Option<&Arc<AtomicU64>>) {
    for stream in listener.incoming().flatten() {
        let (site, version) = (site.to_owned(), version.map(Arc::clone));
        thread::spawn(move || {
            let version = version.map(|version| version.load(Ordering::Relaxed));
            // A browser that hangs up is none of our business.
            let _ = answer(&site, stream, version);
        });
    }
}

/// A book that doesn't build leaves its last pages standing.
fn rebuild(root: &Path) {
    match build::build(root, &build::site(root)) {
        Ok(_) => println!("built"),
        Err(error) => eprintln!("{error:#}"),
    }
}

fn watch(root: &Path, version: &AtomicU64) {
    let mut seen = newest(root);
    loop {
        thread::sleep(PAUSE);
        let now = newest(root);
        if now != seen {
            seen = now;
            rebuild(root);
            version.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The number of sources, and when the last one changed.
fn newest(root: &Path) -> (usize, Option<SystemTime>) {
    let mut paths = Vec::new();
    for source in SOURCES {
        let path = root.join(source);
        if path.is_dir() {
            // An editor may move files while we look: the next round sees them.
            paths.extend(files(&path).unwrap_or_default());
        } else {
            paths.push(path);
        }
    }
    let times = paths
        .iter()
        .filter_map(|path| fs::metadata(path).ok()?.modified().ok());
    let newest = times.max();
    (paths.len(), newest)
}

fn answer(site: &Path, mut stream: TcpStream, version: Option<u64>) -> std::io::Result<()> {
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or("/");
    let path = target.split(['?', '#']).next().unwrap_or("/");
    if let Some(version) = version
        && path == VERSION
    {
        let version = version.to_string();
        return send(&mut stream, "200 OK", "text/plain", version.as_bytes());
    }
    let Some((kind, mut body)) = find(site, path) else {
        let body = fs::read(site.join("404.html")).unwrap_or_default();
        return send(
            &mut stream,
            "404 Not Found",
            "text/html; charset=utf-8",
            &body,
        );
    };
    if version.is_some() && kind.starts_with("text/html") {
        body.extend_from_slice(SCRIPT.as_bytes());
    }
    send(&mut stream, "200 OK", kind, &body)
}

fn send(stream: &mut TcpStream, status: &str, kind: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}

/// A file of the site.
fn find(site: &Path, path: &str) -> Option<(&'static str, Vec<u8>)> {
    let relative = Path::new(path.trim_start_matches('/'));
    let plain = |component| matches!(component, Component::Normal(_));
    if !relative.components().all(plain) {
        return None;
    }
    let mut place = site.join(relative);
    if place.is_dir() {
        place = place.join("index.html");
    }
    Some((kind(&place), fs::read(&place).ok()?))
}

fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|end| end.to_str()) {
        Some("css") => "text/css",
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}
