//! A client of Node's inspector, for a process whose JavaScript does not return.
//!
//! SIGUSR1 makes Node open its inspector on a thread of its own, so it opens even while JavaScript
//! loops; its address is printed on standard error. A pause by the debugger then interrupts the
//! loop. This needs no preparation at the start: no flag and no port. Where the program has
//! installed a handler for SIGUSR1, the inspector does not open.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use futures_util::{SinkExt, Stream, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::stack::Frame;
use crate::process::{ProcessSnapshot, has_signal_handler, signal_number};

/// What precedes the inspector's URL on standard error.
const LISTENING: &str = "Debugger listening on ";
/// Starts of the other lines that Node prints about its inspector.
const OTHER_LINES: [&str; 3] = [
    "For help, see: https://nodejs.org/",
    "Debugger attached.",
    "Debugger ending on ",
];
/// What is printed when the inspector's port is in use.
const PORT_IN_USE: &str = "Starting inspector on ";

/// The longest message that is read, in bytes. A Node report has some hundred kilobytes, and a CPU
/// profile of some minutes a few megabytes.
const MAX_MESSAGE_SIZE: usize = 32 * 1024 * 1024;

/// Takes Node's diagnostic report. It leaves out the environment, which may hold secrets, and the
/// names of network peers, whose lookup may take seconds.
const REPORT_SCRIPT: &str = "(() => { process.report.excludeNetwork = true; \
                             const report = process.report.getReport(); \
                             delete report.environmentVariables; \
                             return JSON.stringify(report, null, 2); })()";

/// A connection to the inspector of a Node process.
///
/// Each operation waits for Node without a limit of its own: run it under a timeout. An operation
/// that fails or is dropped leaves the connection unusable.
pub struct Inspector {
    socket: WebSocketStream<TcpStream>,
    last_id: u64,
    /// The URLs of scripts, by script id.
    scripts: HashMap<String, String>,
}

/// Whether a line of standard error is what Node prints about its inspector.
#[must_use]
pub fn is_inspector_output(line: &str) -> bool {
    let mut starts = OTHER_LINES.iter().chain([&LISTENING, &PORT_IN_USE]);
    starts.any(|start| line.starts_with(start))
}

/// The URL of the inspector, if a line of standard error is the one with which Node says that it has
/// opened it.
#[must_use]
pub fn inspector_url(line: &str) -> Option<&str> {
    Some(line.strip_prefix(LISTENING)?.trim())
}

impl Inspector {
    /// Connects to an inspector that is open, by a URL such as `ws://127.0.0.1:9229/4b0d…`.
    ///
    /// # Errors
    /// The address is not one of the loopback, or it has no inspector.
    pub async fn connect(url: &str) -> io::Result<Self> {
        Ok(Self {
            socket: connect(url).await?,
            last_id: 0,
            scripts: HashMap::new(),
        })
    }

    /// Whether [`open`](Self::open) may be called: SIGUSR1 would end a process that has no handler
    /// for it.
    #[must_use]
    pub fn can_open(process: &ProcessSnapshot) -> bool {
        signal_number("SIGUSR1").is_some_and(|signal| has_signal_handler(process.pid, signal))
    }

    /// Sends SIGUSR1 and connects to the address that Node then prints. `stderr` has the lines of
    /// the process's standard error from now on. `None` where no address is printed, or where no
    /// connection can be made.
    pub async fn open(
        process: &ProcessSnapshot,
        stderr: impl Stream<Item = String>,
    ) -> Option<Self> {
        if !process.signal(signal_number("SIGUSR1")?) {
            return None;
        }
        let mut lines = std::pin::pin!(stderr);
        let url = loop {
            let line = lines.next().await?;
            if line.starts_with(PORT_IN_USE) {
                return None;
            }
            if let Some(url) = inspector_url(&line) {
                break url.to_owned();
            }
        };
        Self::connect(&url).await.ok()
    }

    /// Pauses the JavaScript. Returns its call stack, the innermost call first.
    pub async fn pause(&mut self) -> Option<Vec<Frame>> {
        self.call("Debugger.enable", json!({})).await?;
        let frames = self.pause_execution().await?;
        let is_script = |frame: &Frame| !frame.url.starts_with("node:");
        if frames.first().is_some_and(is_script) {
            return Some(frames);
        }
        // Node runs code of its own when the inspector opens, and the pause may have hit that.
        self.call("Debugger.resume", json!({})).await?;
        self.pause_execution().await
    }

    async fn pause_execution(&mut self) -> Option<Vec<Frame>> {
        self.call("Debugger.pause", json!({})).await?;
        loop {
            let event = self.receive().await?;
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

    /// Takes Node's diagnostic report, as JSON text, in a frame in which it is paused.
    pub async fn report(&mut self, paused: &Frame) -> Option<String> {
        let params = json!({
            "callFrameId": paused.id, "expression": REPORT_SCRIPT,
            "returnByValue": true, "silent": true,
        });
        let id = self.call("Debugger.evaluateOnCallFrame", params).await?;
        loop {
            let response = self.receive().await?;
            if response["id"] == id {
                return Some(response["result"]["result"]["value"].as_str()?.to_owned());
            }
        }
    }

    /// Sends a request and waits for its response, which has the key `result` or `error`.
    pub(super) async fn request(&mut self, method: &str, params: Value) -> Option<Value> {
        let id = self.call(method, params).await?;
        loop {
            let response = self.receive().await?;
            if response["id"] == id {
                return Some(response);
            }
        }
    }

    /// Sends a request; returns its id.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> Option<u64> {
        self.last_id += 1;
        let request = json!({"id": self.last_id, "method": method, "params": params});
        let message = Message::text(request.to_string());
        self.socket.send(message).await.ok()?;
        Some(self.last_id)
    }

    pub(super) async fn receive(&mut self) -> Option<Value> {
        let message: Value = serde_json::from_str(&receive_text(&mut self.socket).await?).ok()?;
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
        let location = &frame["location"];
        let script_url = || self.scripts.get(location["scriptId"].as_str()?).cloned();
        let url = frame["url"].as_str().filter(|url| !url.is_empty());
        Some(Frame {
            id: frame["callFrameId"].as_str()?.to_owned(),
            function: frame["functionName"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            url: url
                .map(str::to_owned)
                .or_else(script_url)
                .unwrap_or_default(),
            line: location["lineNumber"].as_u64()? + 1,
            column: location["columnNumber"].as_u64().unwrap_or_default() + 1,
        })
    }
}

/// Connects to a URL such as `ws://127.0.0.1:9229/4b0d…`. It was printed by a program, so it may be
/// anything: only loopback addresses are connected to.
async fn connect(url: &str) -> io::Result<WebSocketStream<TcpStream>> {
    let address = loopback_address(url).ok_or(io::ErrorKind::InvalidInput)?;
    let stream = TcpStream::connect(address).await?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_SIZE))
        .max_frame_size(Some(MAX_MESSAGE_SIZE));
    let (socket, _) = client_async_with_config(url, stream, Some(config))
        .await
        .map_err(io::Error::other)?;
    Ok(socket)
}

fn loopback_address(url: &str) -> Option<SocketAddr> {
    let (address, _) = url.strip_prefix("ws://")?.split_once('/')?;
    let address: SocketAddr = address.parse().ok()?;
    address.ip().is_loopback().then_some(address)
}

/// The next text message; `None` at the end of the connection.
async fn receive_text(socket: &mut WebSocketStream<TcpStream>) -> Option<String> {
    loop {
        if let Message::Text(text) = socket.next().await?.ok()? {
            return Some(text.as_str().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;
    use tokio_tungstenite::tungstenite::protocol::frame::Frame as WireFrame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

    use super::*;

    #[test]
    fn only_loopback_addresses_are_accepted() {
        let address = loopback_address("ws://127.0.0.1:9229/ab-c");
        assert_eq!(address, Some(([127, 0, 0, 1], 9229).into()));
        assert!(loopback_address("ws://[::1]:9229/x").is_some());
        for url in [
            "ws://192.0.2.1:9229/x",
            "ws://localhost:9229/x",
            "http://127.0.0.1:9229/x",
            "ws://127.0.0.1:9229",
            "ws://127.0.0.1:9229@192.0.2.1/x",
            "",
        ] {
            assert_eq!(loopback_address(url), None, "{url:?}");
        }
    }

    #[tokio::test]
    async fn a_url_with_control_characters_is_rejected() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("ws://{address}/x\r\nEvil: 1");
        assert!(connect(&url).await.is_err());
    }

    /// Serves one connection, with the given messages.
    async fn serve(messages: Vec<Message>) -> (String, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/x", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = accept_async(stream).await.unwrap();
            for message in messages {
                // The client may have closed the connection already.
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            let _ = socket.close(None).await;
        });
        (url, server)
    }

    #[tokio::test]
    async fn fragments_pings_and_the_close_are_handled() {
        let fragment = |text: &'static str, code, last| {
            Message::Frame(WireFrame::message(text, OpCode::Data(code), last))
        };
        let (url, server) = serve(vec![
            fragment("he", Data::Text, false),
            Message::Ping("?".into()),
            fragment("llo", Data::Continue, true),
        ])
        .await;
        let mut socket = connect(&url).await.unwrap();
        assert_eq!(receive_text(&mut socket).await.as_deref(), Some("hello"));
        assert_eq!(receive_text(&mut socket).await, None);
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_message_over_the_size_limit_ends_the_connection() {
        let message = Message::text("x".repeat(MAX_MESSAGE_SIZE + 1));
        let (url, server) = serve(vec![message]).await;
        let mut socket = connect(&url).await.unwrap();
        assert_eq!(receive_text(&mut socket).await, None);
        drop(socket);
        server.await.unwrap();
    }
}
