//! Asks a Node that doesn't react where its JavaScript is.
//!
//! SIGUSR1 makes Node open its inspector, from a thread of its own and so even while JavaScript
//! loops; it prints the address on standard error. A debugger's pause then stops the loop where it
//! is. Nothing is prepared for this at the start: no flag, no port, no cost. Where the program has
//! a handler of its own for SIGUSR1, that one would get it, but it never runs: the process is about
//! to be ended for not reacting.

use std::collections::HashMap;

use fulcrum_logs::{Capacity, Delivery, Hub, LogQuery, Stream};
use fulcrum_spawn::process::{ProcessSnapshot, has_signal_handler, signal_number};
use serde_json::{Value, json};

use crate::inspect::stack::Frame;
use crate::inspect::websocket::WebSocket;

/// What Node prints, on three lines, when its inspector opens and is used.
const ADDRESS: &str = "Debugger listening on ";
const OTHERS: [&str; 3] = [
    "For help, see: https://nodejs.org/",
    "Debugger attached.",
    "Debugger ending on ",
];
/// What it prints when the port is another's.
const PORT_IN_USE: &str = "Starting inspector on ";

/// Leaves the environment out: it may hold secrets, and the domain's is known anyway. So are the
/// names of network peers, whose look-up may take seconds.
const REPORT: &str = "(() => { process.report.excludeNetwork = true; \
                      const report = process.report.getReport(); \
                      delete report.environmentVariables; \
                      return JSON.stringify(report, null, 2); })()";

/// An open inspector.
pub(crate) struct Inspector {
    socket: WebSocket,
    asked: u64,
    /// The files of scripts, by id.
    scripts: HashMap<String, String>,
}

/// Whether a line of output is Node's own about its inspector.
pub(crate) fn is_inspector_output(line: &str) -> bool {
    let mut known = OTHERS.iter().chain([&ADDRESS, &PORT_IN_USE]);
    known.any(|start| line.starts_with(start))
}

impl Inspector {
    /// Whether SIGUSR1 would open it. Not where nobody catches it, since it would end the process
    /// then.
    pub(crate) fn can_open(seen: &ProcessSnapshot) -> bool {
        signal_number("SIGUSR1").is_some_and(|signal| has_signal_handler(seen.pid, signal))
    }

    /// Opens it; `None` where the address isn't told, or can't be dialled.
    pub(crate) async fn open(
        hub: &Hub,
        domain: &str,
        generation: u64,
        seen: &ProcessSnapshot,
    ) -> Option<Self> {
        let query = LogQuery {
            generation: Some(generation),
            stream: Some(Stream::Stderr),
            tail: Some(0),
            ..LogQuery::domain(domain)
        };
        let mut lines = hub.subscribe(query, Capacity::default());
        if !seen.signal(signal_number("SIGUSR1")?) {
            return None;
        }
        let url = loop {
            let Delivery::Line(line) = lines.next().await? else {
                continue;
            };
            let text = line.text();
            if text.starts_with(PORT_IN_USE) {
                return None;
            }
            if let Some(url) = text.strip_prefix(ADDRESS) {
                break url.trim().to_owned();
            }
        };
        let socket = WebSocket::connect(&url).await.ok()?;
        Some(Self {
            socket,
            asked: 0,
            scripts: HashMap::new(),
        })
    }

    /// Stops the JavaScript where it is; the innermost call comes first.
    pub(crate) async fn pause(&mut self) -> Option<Vec<Frame>> {
        self.call("Debugger.enable", json!({})).await?;
        let first = self.pause_execution().await?;
        if first
            .first()
            .is_some_and(|frame| !frame.url.starts_with("node:"))
        {
            return Some(first);
        }
        // Node tells its listeners that the inspector was opened, and that may be where it stopped.
        self.call("Debugger.resume", json!({})).await?;
        self.pause_execution().await
    }

    async fn pause_execution(&mut self) -> Option<Vec<Frame>> {
        self.call("Debugger.pause", json!({})).await?;
        loop {
            let event = self.next().await?;
            if event["method"] == "Debugger.paused" {
                let frames = event["params"]["callFrames"].as_array()?;
                return Some(
                    frames
                        .iter()
                        .filter_map(|frame| self.frame(frame))
                        .collect(),
                );
            }
        }
    }

    /// Node's report about itself, as JSON, taken in a call where it is paused.
    pub(crate) async fn report(&mut self, paused: &Frame) -> Option<String> {
        let asked = json!({
            "callFrameId": paused.id, "expression": REPORT,
            "returnByValue": true, "silent": true,
        });
        let id = self.call("Debugger.evaluateOnCallFrame", asked).await?;
        loop {
            let answer = self.next().await?;
            if answer["id"] == id {
                return Some(answer["result"]["result"]["value"].as_str()?.to_owned());
            }
        }
    }

    async fn call(&mut self, method: &str, params: Value) -> Option<u64> {
        self.asked += 1;
        let message = json!({"id": self.asked, "method": method, "params": params});
        self.socket.send(&message.to_string()).await.ok()?;
        Some(self.asked)
    }

    async fn next(&mut self) -> Option<Value> {
        let message: Value = serde_json::from_str(&self.socket.receive().await.ok()?).ok()?;
        if message["method"] == "Debugger.scriptParsed" {
            let text = |key: &str| {
                message["params"][key]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            self.scripts.insert(text("scriptId"), text("url"));
        }
        Some(message)
    }

    fn frame(&self, frame: &Value) -> Option<Frame> {
        let place = &frame["location"];
        let known = || self.scripts.get(place["scriptId"].as_str()?).cloned();
        let url = frame["url"].as_str().filter(|url| !url.is_empty());
        Some(Frame {
            id: frame["callFrameId"].as_str()?.to_owned(),
            function: frame["functionName"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            url: url.map(str::to_owned).or_else(known).unwrap_or_default(),
            line: place["lineNumber"].as_u64()? + 1,
            column: place["columnNumber"].as_u64().unwrap_or_default() + 1,
        })
    }
}
