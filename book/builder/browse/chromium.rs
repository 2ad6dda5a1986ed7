//! A headless Chromium and its one tab, by the `DevTools` protocol.
//!
//! The protocol is spoken over a pipe, in JSON texts that end with a zero: it
//! needs no library, no port and no driver.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Chromium reads its orders on descriptor 3 and answers on 4.
const LAUNCH: &str = "exec chromium \"$@\" 3<&0 4>&1 0</dev/null 1>&2 2>/dev/null";

/// A browser, ended when dropped.
pub struct Chromium {
    child: Child,
    orders: ChildStdin,
    answers: Receiver<Value>,
    count: u64,
    session: String,
    events: Vec<Value>,
    _profile: TempDir,
}

impl Chromium {
    /// Starts one, with an empty profile.
    pub fn launch() -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut child = Command::new("sh")
            .args(["-c", LAUNCH, "chromium", "--headless", "--no-sandbox"])
            .args(["--disable-gpu", "--disable-background-networking"])
            .args(["--no-first-run", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("can't start sh")?;
        let orders = child.stdin.take().context("no pipe to chromium")?;
        let mut output = BufReader::new(child.stdout.take().context("no pipe from chromium")?);
        let (sender, answers) = channel();
        thread::spawn(move || -> Result<()> {
            let mut text = Vec::new();
            while output.read_until(0, &mut text)? > 0 {
                text.pop();
                sender.send(serde_json::from_slice(&text)?)?;
                text.clear();
            }
            Ok(())
        });
        let mut chromium = Self {
            child,
            orders,
            answers,
            count: 0,
            session: String::new(),
            events: Vec::new(),
            _profile: profile,
        };
        chromium
            .attach()
            .context("chromium doesn't answer: apt-get install chromium")?;
        Ok(chromium)
    }

    fn attach(&mut self) -> Result<()> {
        let target = self.call("Target.createTarget", &json!({"url": "about:blank"}))?;
        let id = &target["targetId"];
        let session = self.call(
            "Target.attachToTarget",
            &json!({"targetId": id, "flatten": true}),
        )?;
        session["sessionId"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut self.session);
        for domain in ["Page", "Runtime", "Log"] {
            self.call(&format!("{domain}.enable"), &json!({}))?;
        }
        // As a window that one looks at.
        self.call(
            "Emulation.setFocusEmulationEnabled",
            &json!({"enabled": true}),
        )?;
        Ok(())
    }

    /// Calls a method of the protocol, and waits for its result.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.count += 1;
        let mut order = json!({"id": self.count, "method": method, "params": parameters});
        if !self.session.is_empty() {
            order["sessionId"] = json!(self.session);
        }
        write!(self.orders, "{order}\0")?;
        loop {
            let mut answer = self
                .answers
                .recv_timeout(PATIENCE)
                .with_context(|| method.to_owned())?;
            if answer["id"] == self.count {
                if !answer["error"].is_null() {
                    bail!("{method}: {}", answer["error"]);
                }
                return Ok(answer["result"].take());
            }
            self.events.push(answer);
        }
    }

    /// Opens an address, and waits until it is loaded.
    pub fn open(&mut self, address: &str) -> Result<()> {
        let loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        self.events.retain(|event| !loaded(event));
        self.call("Page.navigate", &json!({"url": address}))?;
        while !self.events.iter().any(loaded) {
            let event = self
                .answers
                .recv_timeout(PATIENCE)
                .with_context(|| address.to_owned())?;
            self.events.push(event);
        }
        Ok(())
    }

    /// The value of an expression in the page, awaited if it is a promise.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let mut answer = self.call("Runtime.evaluate", &parameters)?;
        if !answer["exceptionDetails"].is_null() {
            bail!("{}", answer["exceptionDetails"]["exception"]["description"]);
        }
        Ok(answer["result"]["value"].take())
    }

    /// Gives the window a width.
    pub fn resize(&mut self, width: u32) -> Result<()> {
        let screen =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &screen)?;
        Ok(())
    }

    /// Presses a key: its name, and the text that it types.
    pub fn press(&mut self, key: &str, text: &str) -> Result<()> {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code(key), "text": text});
            self.call("Input.dispatchKeyEvent", &event)?;
        }
        Ok(())
    }

    /// The errors of the scripts and of the network since one last asked.
    pub fn complaints(&mut self) -> Vec<String> {
        let events = std::mem::take(&mut self.events);
        let complaint = |event: &Value| {
            let entry = &event["params"]["entry"];
            let text = match event["method"].as_str() {
                Some("Runtime.exceptionThrown") => {
                    &event["params"]["exceptionDetails"]["exception"]["description"]
                }
                Some("Log.entryAdded") if entry["level"] == "error" => &entry["text"],
                _ => return None,
            };
            Some(format!(
                "{text} {}",
                entry["url"].as_str().unwrap_or_default()
            ))
        };
        events.iter().filter_map(complaint).collect()
    }
}

/// The number by which browsers know a key.
fn code(key: &str) -> u32 {
    match key {
        "Tab" => 9,
        "Enter" => 13,
        _ => key.bytes().next().map_or(0, u32::from),
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The profile can go when the browser no longer writes to it.
        if self.call("Browser.close", &json!({})).is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
