//! The connection to Fulcrum: registration, requests, heartbeats and reconnecting.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{RecvStream, SendStream};
use http::Request;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

use crate::activity_log::ActivityLog;
use crate::exit;
use crate::flags::{ExitMode, Flags};
use crate::wire::{self, Message};

/// The delay before it reconnects, unless a flag sets another.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// A delay that never elapses.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// Why a connection ended.
enum Disconnected {
    /// Fulcrum rejected the registration.
    Rejected,
    Broken,
}

/// Registers, and reconnects whenever the connection ends; never returns.
pub(crate) async fn run(flags: &Flags, activity_log: &ActivityLog) {
    sleep(flags.register_after).await;
    if flags.never_register {
        return std::future::pending().await;
    }
    let mut first = true;
    loop {
        let reason = connect(flags, activity_log, &mut first).await;
        match (reason, flags.reconnect_after) {
            // Another attempt would be rejected too. A flag can ask for one.
            (Disconnected::Rejected, None) => return std::future::pending().await,
            (_, reconnect_after) => sleep(reconnect_after.unwrap_or(RECONNECT_DELAY)).await,
        }
    }
}

/// One connection, until it ends.
async fn connect(flags: &Flags, activity_log: &ActivityLog, first: &mut bool) -> Disconnected {
    let server = std::env::var("FULCRUM_GRPC_SERVER").unwrap_or("127.0.0.1:50051".to_owned());
    let Ok(socket) = TcpStream::connect(&server).await else {
        return Disconnected::Broken;
    };
    let _ = socket.set_nodelay(true);
    let mut builder = Builder::new();
    if let Some(window) = flags.window {
        builder.initial_window_size(window);
    }
    let Ok((requests, connection)) = builder.handshake::<_, Bytes>(socket).await else {
        return Disconnected::Broken;
    };
    let connection = tokio::spawn(connection);
    let until = flags.drop_stream_every.unwrap_or(NEVER);
    let reason = tokio::select! {
        reason = streams(flags, activity_log, requests, &server, first) => reason,
        () = sleep(until) => Disconnected::Broken,
    };
    // The socket is closed without GOAWAY.
    connection.abort();
    activity_log.record("disconnected");
    reason
}

async fn streams(
    flags: &Flags,
    activity_log: &ActivityLog,
    requests: SendRequest<Bytes>,
    server: &str,
    first: &mut bool,
) -> Disconnected {
    let mut others = tokio::task::JoinSet::new();
    for _ in 1..flags.streams {
        let (flags, activity_log) = (flags.clone(), activity_log.clone());
        let (requests, server) = (requests.clone(), server.to_owned());
        others.spawn(
            async move { stream(&flags, &activity_log, requests, &server, &mut false).await },
        );
    }
    let mut reason = stream(flags, activity_log, requests, server, first).await;
    // Fulcrum closes the older one of two streams; the connection is needed for the newer one.
    while let Some(other) = others.join_next().await {
        reason = other.unwrap_or(reason);
    }
    reason
}

/// One stream, until it ends.
async fn stream(
    flags: &Flags,
    activity_log: &ActivityLog,
    requests: SendRequest<Bytes>,
    server: &str,
    first: &mut bool,
) -> Disconnected {
    let call = new_call(flags, server);
    let Ok(mut requests) = requests.ready().await else {
        return Disconnected::Broken;
    };
    let Ok((response, sending)) = requests.send_request(call, false) else {
        return Disconnected::Broken;
    };
    let name = std::env::var("FULCRUM_DOMAIN_NAME").unwrap_or_default();
    let mut open_stream = OpenStream {
        flags,
        activity_log,
        sending,
        name: flags.name.clone().unwrap_or(name),
        heartbeat_interval: None,
        heartbeats: 0,
        registered_at: None,
    };
    open_stream.register();
    let Ok(response) = response.await else {
        return Disconnected::Broken;
    };
    if let Some(status) = status(response.headers()) {
        activity_log.record(&format!("rejected {status}"));
        return Disconnected::Rejected;
    }
    open_stream.receive(response.into_body(), first).await
}

fn new_call(flags: &Flags, server: &str) -> Request<()> {
    let token = flags.token.clone();
    let token = token.or_else(|| std::env::var("FULCRUM_DOMAIN_TOKEN").ok());
    let mut call = Request::post(format!(
        "http://{server}/framework.FrameworkService/DomainCommunication"
    ))
    .header("content-type", "application/grpc")
    .header("te", "trailers");
    if let Some(token) = token.filter(|token| !token.is_empty()) {
        call = call.header("x-fulcrum-token", token);
    }
    call.body(()).expect("a call can be made")
}

fn status(headers: &http::HeaderMap) -> Option<&str> {
    headers.get("grpc-status")?.to_str().ok()
}

/// An open stream.
struct OpenStream<'a> {
    flags: &'a Flags,
    activity_log: &'a ActivityLog,
    sending: SendStream<Bytes>,
    name: String,
    /// The interval that Fulcrum requested on registration.
    heartbeat_interval: Option<Duration>,
    heartbeats: u64,
    /// The time of the registration.
    registered_at: Option<Instant>,
}

impl OpenStream<'_> {
    fn send(&mut self, type_: &str, payload: &str, id: &str) {
        let frame = wire::encode(&self.name, type_, payload, id);
        // The end of the stream is handled where it is read.
        let _ = self.sending.send_data(frame, false);
    }

    fn register(&mut self) {
        let mut capabilities = self.flags.capabilities.clone();
        if self.flags.heartbeat {
            capabilities.push("heartbeat".to_owned());
        }
        let payload = json!({"domain": self.name, "capabilities": capabilities});
        self.send("domain_register", &payload.to_string(), "1");
    }

    async fn receive(&mut self, mut body: RecvStream, first: &mut bool) -> Disconnected {
        let mut received = Vec::new();
        let mut next_heartbeat = Instant::now() + NEVER;
        loop {
            let paused = self.flags.no_read && self.registered_at.is_some();
            tokio::select! {
                data = body.data(), if !paused => match data {
                    Some(Ok(data)) => {
                        let _ = body.flow_control().release_capacity(data.len());
                        received.extend(data);
                    }
                    Some(Err(_)) => return Disconnected::Broken,
                    None => return self.on_end(body).await,
                },
                () = sleep_until(next_heartbeat) => {
                    self.send_heartbeat();
                    next_heartbeat += self.heartbeat_interval.unwrap_or(NEVER);
                }
            }
            while let Some(message) = wire::take_message(&mut received) {
                if message.type_ == "register_success" {
                    self.on_registered(&message, first);
                    next_heartbeat = Instant::now() + self.heartbeat_interval.unwrap_or(NEVER);
                } else {
                    self.respond(&message).await;
                }
            }
        }
    }

    async fn on_end(&self, mut body: RecvStream) -> Disconnected {
        let trailers = body.trailers().await.ok().flatten().unwrap_or_default();
        if self.registered_at.is_some() {
            return Disconnected::Broken;
        }
        let status = status(&trailers).unwrap_or("unknown");
        self.activity_log.record(&format!("rejected {status}"));
        Disconnected::Rejected
    }

    fn on_registered(&mut self, message: &Message, first: &mut bool) {
        self.activity_log.record("registered");
        self.registered_at = Some(Instant::now());
        let payload: Value = serde_json::from_str(&message.payload).unwrap_or_default();
        let interval = payload["heartbeat_interval_ms"].as_u64();
        self.heartbeat_interval = interval.map(Duration::from_millis);
        if std::mem::take(first) {
            exit::schedule_from_registration(self.flags);
        }
    }

    fn send_heartbeat(&mut self) {
        let elapsed = self
            .registered_at
            .map_or(Duration::ZERO, |registered_at| registered_at.elapsed());
        let limit = self.flags.stop_heartbeats_after;
        if limit.is_some_and(|limit| elapsed >= limit) {
            self.heartbeat_interval = None;
            return;
        }
        self.heartbeats += 1;
        let payload = json!({
            "seq": self.heartbeats,
            "event_loop_lag_ms": 0,
            "rss_bytes": 0,
            "heap_used_bytes": 0,
            "status": self.flags.heartbeat_status,
        });
        self.send("heartbeat", &payload.to_string(), "");
    }

    async fn respond(&mut self, message: &Message) {
        let Message { type_, payload, id } = message;
        if type_ == "drain" {
            self.activity_log.record("draining");
            return exit::stop(self.flags, self.activity_log).await;
        }
        let Some(stem) = type_.strip_suffix("_request") else {
            return;
        };
        let payload: Value = serde_json::from_str(payload).unwrap_or_default();
        let integer = |key: &str| payload[key].as_i64().and_then(|n| i32::try_from(n).ok());
        match stem {
            "process_exit" => exit::exit_as(ExitMode::Exit(integer("code").unwrap_or_default())),
            "process_signal" => exit::exit_as(ExitMode::Signal(integer("signal").unwrap_or(9))),
            "process_hang" => {
                let time = payload["ms"].as_u64().map(Duration::from_millis);
                exit::hang(time.unwrap_or(Duration::MAX));
            }
            _ => {}
        }
        let response = json!({"success": true, "pid": std::process::id(), "echo": payload});
        self.send(&format!("{stem}_response"), &response.to_string(), id);
    }
}
