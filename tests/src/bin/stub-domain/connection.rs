//! The link to Fulcrum: registering, answering, beating, and losing it.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{RecvStream, SendStream};
use http::Request;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

use crate::ending;
use crate::flags::{End, Flags};
use crate::ledger::Ledger;
use crate::wire::{self, Message};

/// How long after a lost link it dials again, unless told.
const REDIAL: Duration = Duration::from_secs(1);

/// A time that doesn't come.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// Why a link is no more.
enum Lost {
    /// Fulcrum said no.
    Refused,
    Broken,
}

/// Registers and keeps being registered; never returns.
pub(crate) async fn keep(flags: &Flags, ledger: &Ledger) {
    sleep(flags.register_after).await;
    if flags.never_register {
        return std::future::pending().await;
    }
    let mut first = true;
    loop {
        let lost = link(flags, ledger, &mut first).await;
        match (lost, flags.redial) {
            // Asking again would be as useless, unless that is the habit.
            (Lost::Refused, None) => return std::future::pending().await,
            (_, redial) => sleep(redial.unwrap_or(REDIAL)).await,
        }
    }
}

/// One connection, from dialling to its end.
async fn link(flags: &Flags, ledger: &Ledger, first: &mut bool) -> Lost {
    let server = std::env::var("FULCRUM_GRPC_SERVER").unwrap_or("127.0.0.1:50051".to_owned());
    let Ok(socket) = TcpStream::connect(&server).await else {
        return Lost::Broken;
    };
    let _ = socket.set_nodelay(true);
    let mut builder = Builder::new();
    if let Some(window) = flags.window {
        builder.initial_window_size(window);
    }
    let Ok((requests, connection)) = builder.handshake::<_, Bytes>(socket).await else {
        return Lost::Broken;
    };
    let connection = tokio::spawn(connection);
    let until = flags.drop_stream_every.unwrap_or(NEVER);
    let lost = tokio::select! {
        lost = streams(flags, ledger, requests, &server, first) => lost,
        () = sleep(until) => Lost::Broken,
    };
    // The socket is closed without a farewell.
    connection.abort();
    ledger.note("disconnected");
    lost
}

async fn streams(
    flags: &Flags,
    ledger: &Ledger,
    requests: SendRequest<Bytes>,
    server: &str,
    first: &mut bool,
) -> Lost {
    let mut others = tokio::task::JoinSet::new();
    for _ in 1..flags.streams {
        let (flags, ledger) = (flags.clone(), ledger.clone());
        let (requests, server) = (requests.clone(), server.to_owned());
        others.spawn(async move { stream(&flags, &ledger, requests, &server, &mut false).await });
    }
    stream(flags, ledger, requests, server, first).await
}

/// One stream, from the call to its end.
async fn stream(
    flags: &Flags,
    ledger: &Ledger,
    requests: SendRequest<Bytes>,
    server: &str,
    first: &mut bool,
) -> Lost {
    let call = call(flags, server);
    let Ok(mut requests) = requests.ready().await else {
        return Lost::Broken;
    };
    let Ok((answer, sending)) = requests.send_request(call, false) else {
        return Lost::Broken;
    };
    let name = std::env::var("FULCRUM_DOMAIN_NAME").unwrap_or_default();
    let mut line = Line {
        flags,
        ledger,
        sending,
        name: flags.name.clone().unwrap_or(name),
        beat: None,
        beats: 0,
        since: None,
    };
    line.register();
    let Ok(answer) = answer.await else {
        return Lost::Broken;
    };
    if let Some(status) = status(answer.headers()) {
        ledger.note(&format!("refused {status}"));
        return Lost::Refused;
    }
    line.talk(answer.into_body(), first).await
}

fn call(flags: &Flags, server: &str) -> Request<()> {
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

/// A stream that is open.
struct Line<'a> {
    flags: &'a Flags,
    ledger: &'a Ledger,
    sending: SendStream<Bytes>,
    name: String,
    /// How often to beat, once Fulcrum has said.
    beat: Option<Duration>,
    beats: u64,
    /// When it was registered.
    since: Option<Instant>,
}

impl Line<'_> {
    fn send(&mut self, type_: &str, payload: &str, id: &str) {
        let frame = wire::encode(&self.name, type_, payload, id);
        // A stream that has ended is noticed where it is read.
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

    async fn talk(&mut self, mut body: RecvStream, first: &mut bool) -> Lost {
        let mut received = Vec::new();
        let mut next_beat = Instant::now() + NEVER;
        loop {
            let deaf = self.flags.no_read && self.since.is_some();
            tokio::select! {
                data = body.data(), if !deaf => match data {
                    Some(Ok(data)) => {
                        let _ = body.flow_control().release_capacity(data.len());
                        received.extend(data);
                    }
                    Some(Err(_)) => return Lost::Broken,
                    None => return self.ended(body).await,
                },
                () = sleep_until(next_beat) => {
                    self.beat();
                    next_beat += self.beat.unwrap_or(NEVER);
                }
            }
            while let Some(message) = wire::take(&mut received) {
                if message.type_ == "register_success" {
                    self.registered(&message, first);
                    next_beat = Instant::now() + self.beat.unwrap_or(NEVER);
                } else {
                    self.answer(&message).await;
                }
            }
        }
    }

    async fn ended(&self, mut body: RecvStream) -> Lost {
        let trailers = body.trailers().await.ok().flatten().unwrap_or_default();
        if self.since.is_some() {
            return Lost::Broken;
        }
        let status = status(&trailers).unwrap_or("unknown");
        self.ledger.note(&format!("refused {status}"));
        Lost::Refused
    }

    fn registered(&mut self, message: &Message, first: &mut bool) {
        self.ledger.note("registered");
        self.since = Some(Instant::now());
        let payload: Value = serde_json::from_str(&message.payload).unwrap_or_default();
        let interval = payload["heartbeat_interval_ms"].as_u64();
        self.beat = interval.map(Duration::from_millis);
        if std::mem::take(first) {
            ending::since_registered(self.flags);
        }
    }

    fn beat(&mut self) {
        let since = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        if self
            .flags
            .stop_beating_after
            .is_some_and(|end| since >= end)
        {
            self.beat = None;
            return;
        }
        self.beats += 1;
        let payload = json!({
            "seq": self.beats,
            "event_loop_lag_ms": 0,
            "rss_bytes": 0,
            "heap_used_bytes": 0,
            "status": self.flags.beat_status,
        });
        self.send("heartbeat", &payload.to_string(), "");
    }

    async fn answer(&mut self, message: &Message) {
        let Message { type_, payload, id } = message;
        if type_ == "drain" {
            self.ledger.note("draining");
            return ending::stop(self.flags, self.ledger).await;
        }
        let Some(stem) = type_.strip_suffix("_request") else {
            return;
        };
        let payload: Value = serde_json::from_str(payload).unwrap_or_default();
        let whole = |key: &str| payload[key].as_i64().and_then(|n| i32::try_from(n).ok());
        match stem {
            "process_exit" => ending::end(End::Exit(whole("code").unwrap_or_default())),
            "process_signal" => ending::end(End::Signal(whole("signal").unwrap_or(9))),
            "process_hang" => {
                let time = payload["ms"].as_u64().map(Duration::from_millis);
                ending::hang(time.unwrap_or(Duration::MAX));
            }
            _ => {}
        }
        let answer = json!({"success": true, "pid": std::process::id(), "echo": payload});
        self.send(&format!("{stem}_response"), &answer.to_string(), id);
    }
}
