//! The registry and the driver of streams together, without a network, in paused time.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Status};

use super::registered_stream::{Outbound, QUEUE, outbound};
use super::stream::{StreamContext, drive};
use super::*;
use crate::framework::{DomainMessage, RuntimeMessage};

const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

/// Takes the token for the generation of an own process; without one it is a stranger.
struct TokenAuthorizer;

impl RegistrationAuthorizer for TokenAuthorizer {
    async fn authorize(
        &self,
        claim: RegistrationRequest,
    ) -> Result<RegistrationGrant, RegistrationError> {
        let own = claim.token.is_some();
        assert_ne!(claim.domain, "panic", "as asked");
        let generation = claim.token.map_or(Ok(0), |token| token.parse());
        let generation = generation
            .map_err(|_| RegistrationError::Unauthenticated("the token is wrong".into()))?;
        Ok(RegistrationGrant {
            generation,
            managed: own,
            pid: None,
            heartbeat_interval: Some(Duration::from_secs(1)),
        })
    }
}

/// Echoes, never answers, or panics, as asked.
struct TestHandler;

impl RuntimeHandler for TestHandler {
    async fn handle(&self, request: DomainRequest) -> MessageResponse {
        match request.type_.as_str() {
            "echo" => MessageResponse::success("echoed", request.payload),
            "hang" => std::future::pending().await,
            "panic" => panic!("as asked"),
            "flood" => MessageResponse::success("flooded", "x".repeat(5 * 1024 * 1024)),
            other => MessageResponse::unknown_type(other),
        }
    }
}

struct Harness {
    registry: Registry,
    events: mpsc::UnboundedReceiver<DomainEvent>,
}

struct Peer {
    send: mpsc::UnboundedSender<Result<DomainMessage, Status>>,
    recv: Outbound,
}

fn message(domain: &str, type_: &str, payload: &str, request_id: &str) -> DomainMessage {
    DomainMessage {
        domain: domain.into(),
        r#type: type_.into(),
        payload: payload.into(),
        request_id: request_id.into(),
    }
}

impl Harness {
    fn new() -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        Self {
            registry: Registry::new(TokenAuthorizer, TestHandler, sender),
            events,
        }
    }

    fn connect(&self, token: Option<&str>) -> Peer {
        let (say, inbound) = mpsc::unbounded_channel();
        let (sending, hear) = outbound();
        let origin = StreamContext {
            token: token.map(str::to_owned),
            local: ADDRESS,
            peer: ADDRESS,
            activity: ConnectionActivity::new(),
            guest: None,
        };
        let inbound = UnboundedReceiverStream::new(inbound);
        tokio::spawn(drive(self.registry.clone(), origin, inbound, sending));
        Peer {
            send: say,
            recv: hear,
        }
    }

    async fn join(&self, domain: &str, token: Option<&str>) -> Peer {
        let mut peer = self.connect(token);
        peer.send(message(
            domain,
            "domain_register",
            r#"{"capabilities":["drain"]}"#,
            "r1",
        ));
        let answer = peer.recv().await;
        assert_eq!(
            (answer.r#type.as_str(), answer.request_id.as_str()),
            ("register_success", "r1")
        );
        peer
    }

    /// Calls on a task of its own, as a caller would.
    fn call(&self, type_: &'static str) -> tokio::task::JoinHandle<MessageResponse> {
        let registry = self.registry.clone();
        let limit = Duration::from_secs(30);
        tokio::spawn(async move { registry.call("users", type_, "{}".into(), limit).await })
    }

    async fn event(&mut self) -> DomainEvent {
        self.events.recv().await.expect("the registry lives")
    }
}

impl Peer {
    fn send(&self, message: DomainMessage) {
        self.send.send(Ok(message)).expect("the stream is open");
    }

    async fn recv(&mut self) -> RuntimeMessage {
        self.recv.next().await.expect("open").expect("a message")
    }

    /// The status that ends the stream; messages before it are passed over.
    async fn end(&mut self) -> Option<Status> {
        while let Some(heard) = self.recv.next().await {
            if let Err(status) = heard {
                return Some(status);
            }
        }
        None
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_ended_after_five_seconds() {
    let scene = Harness::new();
    let mut peer = scene.connect(None);
    let start = tokio::time::Instant::now();
    let status = peer.end().await.expect("a status");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("domain_register"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn another_first_message_ends_the_stream() {
    let scene = Harness::new();
    let mut peer = scene.connect(None);
    peer.send(message("users", "db_find", "{}", "1"));
    let status = peer.end().await.expect("a status");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(!scene.registry.is_registered("users"));
}

#[tokio::test(start_paused = true)]
async fn a_newer_own_process_displaces_an_older_one_and_its_calls_fail() {
    let mut scene = Harness::new();
    let mut first = scene.join("users", Some("1")).await;
    let asked = scene.call("user_index_request");
    assert_eq!(first.recv().await.r#type, "user_index_request");
    let _second = scene.join("users", Some("2")).await;

    assert_eq!(first.end().await.expect("a status").code(), Code::Aborted);
    let answer = asked.await.expect("answered");
    assert_eq!(answer.type_, "error");
    assert!(
        answer.error.contains("users") && answer.error.contains("displaced"),
        "{answer:?}"
    );
    // The old one's end is told before the new one's beginning, and once.
    let mut told = Vec::new();
    while let Ok(event) = scene.events.try_recv() {
        told.push(match event {
            DomainEvent::Registered { generation, .. } => ("registered", generation),
            DomainEvent::Disconnected { generation, .. } => ("disconnected", generation),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(
        told,
        [("registered", 1), ("disconnected", 1), ("registered", 2)]
    );
    assert!(scene.registry.is_registered("users"));
}

#[tokio::test(start_paused = true)]
async fn a_stranger_gives_way_and_displaces_nobody() {
    let mut scene = Harness::new();
    let mut stranger = scene.join("users", None).await;
    let own = scene.join("users", Some("1")).await;
    assert_eq!(
        stranger.end().await.expect("a status").code(),
        Code::Aborted
    );

    let mut other = scene.connect(None);
    other.send(message("users", "domain_register", "{}", "1"));
    assert_eq!(
        other.end().await.expect("a status").code(),
        Code::AlreadyExists
    );
    let mut old = scene.connect(Some("0"));
    old.send(message("users", "domain_register", "{}", "1"));
    assert_eq!(
        old.end().await.expect("a status").code(),
        Code::AlreadyExists
    );
    let mut wrong = scene.connect(Some("guess"));
    wrong.send(message("users", "domain_register", "{}", "1"));
    assert_eq!(
        wrong.end().await.expect("a status").code(),
        Code::Unauthenticated
    );

    for _ in 0..20 {
        let mut wrong = scene.connect(Some("guess"));
        wrong.send(message("users", "domain_register", "{}", "1"));
        wrong.end().await.expect("a status");
    }
    assert!(scene.registry.is_registered("users"));
    let mut refused = 0;
    while let Ok(event) = scene.events.try_recv() {
        refused += usize::from(matches!(event, DomainEvent::RegistrationRejected { .. }));
    }
    assert_eq!(refused, 5, "five refusals are told at once");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut wrong = scene.connect(Some("guess"));
    wrong.send(message("users", "domain_register", "{}", "1"));
    wrong.end().await.expect("a status");
    let told = scene.event().await;
    assert!(
        matches!(told, DomainEvent::RegistrationRejected { more: 18, .. }),
        "{told:?}"
    );
    drop(own);
}

#[tokio::test(start_paused = true)]
async fn responses_pair_by_id_in_any_order_and_whatever_their_type() {
    let scene = Harness::new();
    let mut peer = scene.join("users", Some("1")).await;
    let (one, two) = (scene.call("one_request"), scene.call("two_request"));
    let (first, second) = (peer.recv().await, peer.recv().await);
    assert!(first.success && second.success);
    assert_ne!(first.request_id, second.request_id);
    peer.send(message(
        "users",
        "odd",
        r#"{"success":false,"error":"no"}"#,
        &second.request_id,
    ));
    peer.send(message("", "one_response", "not JSON", &first.request_id));
    let answers = [one.await.expect("answered"), two.await.expect("answered")];
    let of = |type_: &str| {
        let asked = [&first, &second].map(|message| message.r#type.clone());
        let position = asked
            .iter()
            .position(|asked| asked == type_)
            .expect("asked");
        (position, &answers[usize::from(type_ == "two_request")])
    };
    for (position, answer) in [of("one_request"), of("two_request")] {
        if position == 0 {
            assert_eq!(
                *answer,
                MessageResponse::success("one_response", "not JSON")
            );
        } else {
            assert!(!answer.success);
            assert_eq!(
                (answer.type_.as_str(), answer.error.as_str()),
                ("odd", "no")
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_times_out_and_a_late_response_is_dropped() {
    let scene = Harness::new();
    let mut peer = scene.join("users", Some("1")).await;
    let asked = scene.call("user_index_request");
    let request = peer.recv().await;
    let answer = asked.await.expect("answered");
    assert!(
        answer.error.contains("users") && answer.error.contains("30 s"),
        "{answer:?}"
    );
    assert_eq!(scene.registry.pending_count("users"), 0);
    peer.send(message(
        "users",
        "user_index_response",
        "{}",
        &request.request_id,
    ));
    // What comes next is the answer to the next request, not one to the late response.
    peer.send(message("users", "echo", "1", "7"));
    assert_eq!(peer.recv().await.request_id, "7");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_leaves_nothing_behind() {
    let scene = Harness::new();
    let mut peer = scene.join("users", Some("1")).await;
    let asked = scene.call("user_index_request");
    peer.recv().await;
    assert_eq!(scene.registry.pending_count("users"), 1);
    asked.abort();
    asked.await.expect_err("cancelled");
    assert_eq!(scene.registry.pending_count("users"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_reads_nothing_fails_its_callers_only() {
    let scene = Harness::new();
    let stuck = scene.join("users", Some("1")).await;
    let mut calls: Vec<_> = (0..QUEUE)
        .map(|_| scene.call("user_index_request"))
        .collect();
    while scene.registry.pending_count("users") < QUEUE {
        tokio::task::yield_now().await;
    }
    let answer = scene.call("user_index_request").await.expect("answered");
    assert!(
        answer.error.contains("users") && answer.error.contains("64"),
        "{answer:?}"
    );

    let mut other = scene.join("orders", Some("1")).await;
    other.send(message("orders", "echo", "1", "7"));
    assert_eq!(other.recv().await.payload, "1");

    drop(stuck);
    for call in calls.drain(..) {
        assert!(call.await.expect("answered").error.contains("disconnected"));
    }
}

/// What happened to the stream's queue, as it was told.
async fn congestion(scene: &mut Harness) -> usize {
    loop {
        if let DomainEvent::Backpressure { waiting, .. } = scene.event().await {
            return waiting;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_goes_on_reading_nothing_is_told_of_until_it_reads() {
    let mut scene = Harness::new();
    let mut stuck = scene.join("users", Some("1")).await;
    let calls: Vec<_> = (0..=QUEUE)
        .map(|_| scene.call("user_index_request"))
        .collect();
    assert_eq!(congestion(&mut scene).await, QUEUE);
    // Asking on changes nothing.
    scene.call("user_index_request").await.expect("answered");
    for _ in 0..QUEUE {
        stuck.recv().await;
    }
    assert_eq!(congestion(&mut scene).await, 0);
    assert!(scene.events.try_recv().is_err(), "each is told once");
    for call in calls {
        call.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_that_is_read_at_once_is_no_news() {
    let mut scene = Harness::new();
    let mut users = scene.join("users", Some("1")).await;
    scene.event().await;
    let calls: Vec<_> = (0..=QUEUE)
        .map(|_| scene.call("user_index_request"))
        .collect();
    for _ in 0..QUEUE {
        users.recv().await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(scene.events.try_recv().is_err());
    for call in calls {
        call.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn an_unread_flood_of_requests_ends_the_stream() {
    let scene = Harness::new();
    let mut peer = scene.join("users", Some("1")).await;
    for number in 0..1000 {
        // A closed stream is what this is about.
        let _ = peer
            .send
            .send(Ok(message("users", "hang", "{}", &number.to_string())));
    }
    while scene.registry.is_registered("users") {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        peer.end().await.expect("a status").code(),
        Code::ResourceExhausted
    );
}

#[tokio::test(start_paused = true)]
async fn requests_to_the_runtime_are_answered_one_by_one() {
    let scene = Harness::new();
    let mut peer = scene.join("users", Some("1")).await;
    for (type_, id) in [
        ("hang", "0"),
        ("panic", "1"),
        ("echo", "2"),
        ("db_create", "3"),
        ("flood", "4"),
    ] {
        peer.send(message("users", type_, "{}", id));
    }
    let mut answers = std::collections::BTreeMap::new();
    for _ in 0..4 {
        let answer = peer.recv().await;
        answers.insert(answer.request_id.clone(), answer);
    }
    let error = |id: &str| answers[id].error.clone();
    assert!(
        error("1").contains("panic") && error("1").contains("defect"),
        "{}",
        error("1")
    );
    assert_eq!(
        (answers["2"].r#type.as_str(), answers["2"].success),
        ("echoed", true)
    );
    assert_eq!(
        (answers["3"].r#type.as_str(), error("3")),
        ("error", "Unknown message type: db_create".into())
    );
    assert!(error("4").contains("larger"), "{}", error("4"));
    assert!(
        scene.registry.is_registered("users"),
        "the panic ended nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_told_and_a_flood_of_them_is_not() {
    let mut scene = Harness::new();
    let peer = scene.join("users", Some("3")).await;
    assert!(matches!(
        scene.event().await,
        DomainEvent::Registered { .. }
    ));
    for seq in 0..100 {
        peer.send(message(
            "users",
            "heartbeat",
            &format!(r#"{{"seq":{seq}}}"#),
            "",
        ));
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    peer.send(message("users", "heartbeat", r#"{"seq":100}"#, ""));
    let mut heard = Vec::new();
    for _ in 0..2 {
        let DomainEvent::Heartbeat {
            domain,
            generation,
            beat,
        } = scene.event().await
        else {
            panic!("no heartbeat");
        };
        assert_eq!((domain.as_str(), generation), ("users", 3));
        heard.push(beat.seq);
    }
    assert_eq!(heard, [0, 100]);
}

#[tokio::test(start_paused = true)]
async fn who_answers_lives_while_its_heartbeats_wait() {
    let mut scene = Harness::new();
    let mut peer = scene.connect(Some("3"));
    let can = r#"{"capabilities":["heartbeat"]}"#;
    peer.send(message("users", "domain_register", can, "r1"));
    peer.recv().await;
    scene.event().await;
    let beats = |scene: &mut Harness| {
        let mut beats = 0;
        while let Ok(event) = scene.events.try_recv() {
            beats += usize::from(matches!(event, DomainEvent::Heartbeat { .. }));
        }
        beats
    };
    for _ in 0..50 {
        let asked = scene.call("echo_request");
        let request = peer.recv().await;
        peer.send(message("users", "echo_response", "{}", &request.request_id));
        asked.await.expect("answered");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let told = beats(&mut scene);
    assert!(
        (4..=6).contains(&told),
        "one every 100 ms: {told} in 500 ms"
    );
    // Nobody asked for it: it proves nothing, and nobody counts on it.
    peer.send(message("users", "echo_response", "{}", "made up"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(beats(&mut scene), 0);
}

#[tokio::test(start_paused = true)]
async fn a_gatekeeper_that_panics_fails_one_registration() {
    let scene = Harness::new();
    let mut unlucky = scene.connect(Some("1"));
    unlucky.send(message("panic", "domain_register", "{}", "1"));
    assert_eq!(
        unlucky.end().await.expect("a status").code(),
        Code::Internal
    );
    scene.join("users", Some("1")).await;
}

#[tokio::test(start_paused = true)]
async fn drain_is_told_to_that_generation_if_it_can() {
    let scene = Harness::new();
    let mut peer = scene.join("users", Some("2")).await;
    let deadline = Duration::from_millis(1500);
    assert!(!scene.registry.send_drain("users", 1, deadline));
    assert!(!scene.registry.send_drain("orders", 2, deadline));
    assert!(scene.registry.send_drain("users", 2, deadline));
    let drain = peer.recv().await;
    assert_eq!(
        (drain.r#type.as_str(), drain.payload.as_str()),
        ("drain", r#"{"deadline_ms":1500}"#)
    );

    let mut plain = scene.connect(Some("1"));
    plain.send(message("plain", "domain_register", "{}", "1"));
    plain.recv().await;
    assert!(!scene.registry.send_drain("plain", 1, deadline));
}

#[tokio::test(start_paused = true)]
async fn a_changed_asset_is_told_to_that_generation_if_it_wants_to_know() {
    let scene = Harness::new();
    let _plain = scene.join("users", Some("2")).await;
    assert!(!scene.registry.send_asset_changed("users", 2, "a.hbs"));

    let mut peer = scene.connect(Some("1"));
    let wish = r#"{"capabilities":["assets"]}"#;
    peer.send(message("orders", "domain_register", wish, "1"));
    peer.recv().await;
    assert!(!scene.registry.send_asset_changed("orders", 2, "a.hbs"));
    assert!(scene.registry.send_asset_changed("orders", 1, "a.hbs"));
    let told = peer.recv().await;
    assert_eq!(
        (told.r#type.as_str(), told.payload.as_str()),
        ("asset_changed", r#"{"path":"a.hbs"}"#)
    );
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_an_ended_generation_is_dropped_and_no_other() {
    let mut scene = Harness::new();
    let mut peer = scene.join("users", Some("2")).await;
    let asked = scene.call("user_index_request");
    peer.recv().await;
    scene.registry.disconnect("users", 1);
    assert!(scene.registry.is_registered("users"));
    scene.registry.disconnect("users", 2);
    assert!(!scene.registry.is_registered("users"));
    assert!(
        asked
            .await
            .expect("answered")
            .error
            .contains("generation 2 has ended")
    );
    assert_eq!(peer.end().await.expect("a status").code(), Code::Aborted);
    scene.event().await;
    assert!(matches!(
        scene.event().await,
        DomainEvent::Disconnected { generation: 2, .. }
    ));
    drop(peer);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(scene.events.try_recv().is_err(), "the end is told once");
}

#[tokio::test(start_paused = true)]
async fn a_clean_end_and_a_lost_connection_are_told_apart() {
    let mut scene = Harness::new();
    for (reads_on, expected) in [(true, "ended its stream"), (false, "reset its stream")] {
        let Peer { send, recv } = scene.join("users", Some("1")).await;
        assert!(matches!(
            scene.event().await,
            DomainEvent::Registered { .. }
        ));
        drop(send);
        let _recv = reads_on.then_some(recv);
        let DomainEvent::Disconnected { cause, end, .. } = scene.event().await else {
            panic!("not disconnected")
        };
        assert!(cause.contains(expected), "{cause}");
        assert_eq!(end, StreamEnd::ByClient);
    }
}

#[tokio::test(start_paused = true)]
async fn callers_cannot_send_what_only_the_runtime_says() {
    let scene = Harness::new();
    let _peer = scene.join("users", Some("1")).await;
    for type_ in [
        "drain",
        "asset_changed",
        "register_success",
        "domain_register",
        "heartbeat",
        "",
    ] {
        let answer = scene
            .registry
            .send_message(message("users", type_, "{}", "9"))
            .await;
        assert_eq!(
            (answer.r#type.as_str(), answer.success),
            ("error", false),
            "{type_}"
        );
        assert_eq!(answer.request_id, "9");
        assert!(answer.error.contains("users"), "{}", answer.error);
    }
    let answer = scene
        .registry
        .send_message(message("", "x_request", "{}", "9"))
        .await;
    assert!(answer.error.contains("names no domain"));
}

#[tokio::test(start_paused = true)]
async fn a_message_too_large_to_send_is_an_answer_and_ends_nothing() {
    let scene = Harness::new();
    let _peer = scene.join("users", Some("1")).await;
    let large = "x".repeat(5 * 1024 * 1024);
    let answer = scene
        .registry
        .call("users", "x_request", large, Duration::from_secs(1))
        .await;
    assert!(
        answer.error.contains("users") && answer.error.contains("larger"),
        "{answer:?}"
    );
    assert!(scene.registry.is_registered("users"));
}
