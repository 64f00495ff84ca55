//! The registry and the stream driver together, without a network, in paused time.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Status};

use super::call_observer::Caller;
use super::calls::CallerTerms;
use super::registered_stream::{Outbound, outbound};
use super::stream::{StreamContext, drive};
use super::*;
use crate::framework::{DomainMessage, RuntimeMessage};

const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

/// The terms of a caller without metadata.
pub(super) const PATIENT: CallerTerms = CallerTerms {
    deadline: None,
    wait: true,
    since: None,
};

/// A token is the generation of a managed process. Without a token, the process is unmanaged.
struct TokenAuthorizer;

impl RegistrationAuthorizer for TokenAuthorizer {
    async fn authorize(
        &self,
        request: RegistrationRequest,
    ) -> Result<RegistrationGrant, RegistrationError> {
        let managed = request.token.is_some();
        assert_ne!(request.domain, "panic", "requested by the test");
        let generation = request.token.map_or(Ok(0), |token| token.parse());
        let generation = generation
            .map_err(|_| RegistrationError::Unauthenticated("the token is wrong".into()))?;
        Ok(RegistrationGrant {
            generation,
            managed,
            pid: None,
            heartbeat_interval: Some(Duration::from_secs(1)),
            stop: None,
        })
    }
}

/// Echoes, never responds, panics, or sends too much, depending on the type.
struct TestHandler;

impl RuntimeHandler for TestHandler {
    async fn handle(&self, request: DomainRequest) -> MessageResponse {
        match request.type_.as_str() {
            "echo" => MessageResponse::success("echoed", request.payload),
            "hang" => std::future::pending().await,
            "panic" => panic!("requested by the test"),
            "flood" => MessageResponse::success("flooded", "x".repeat(5 * 1024 * 1024)),
            other => MessageResponse::unknown_type(other),
        }
    }
}

pub(super) struct Harness {
    pub(super) registry: Registry,
    events: mpsc::UnboundedReceiver<DomainEvent>,
}

pub(super) struct Peer {
    send: mpsc::UnboundedSender<Result<DomainMessage, Status>>,
    recv: Outbound,
}

pub(super) fn message(domain: &str, type_: &str, payload: &str, request_id: &str) -> DomainMessage {
    DomainMessage {
        domain: domain.into(),
        r#type: type_.into(),
        payload: payload.into(),
        request_id: request_id.into(),
        more: false,
    }
}

impl Harness {
    pub(super) fn new() -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        Self {
            registry: Registry::new(TokenAuthorizer, TestHandler, sender),
            events,
        }
    }

    pub(super) fn connect(&self, token: Option<&str>) -> Peer {
        let (send, inbound) = mpsc::unbounded_channel();
        let (sender, recv) = outbound();
        let context = StreamContext {
            token: token.map(str::to_owned),
            local: ADDRESS,
            peer: ADDRESS,
            activity: ConnectionActivity::new(),
            connection: None,
        };
        let inbound = UnboundedReceiverStream::new(inbound);
        tokio::spawn(drive(self.registry.clone(), context, inbound, sender));
        Peer { send, recv }
    }

    pub(super) async fn join(&self, domain: &str, token: Option<&str>) -> Peer {
        let mut peer = self.connect(token);
        peer.send(message(
            domain,
            "domain_register",
            r#"{"capabilities":["drain"]}"#,
            "r1",
        ));
        let response = peer.recv().await;
        assert_eq!(
            (response.r#type.as_str(), response.request_id.as_str()),
            ("register_success", "r1")
        );
        peer
    }

    /// Sends a request in a task of its own.
    pub(super) fn call(&self, type_: &'static str) -> tokio::task::JoinHandle<MessageResponse> {
        let registry = self.registry.clone();
        let options = CallOptions::timeout(Duration::from_secs(30));
        tokio::spawn(async move { registry.call("users", type_, "{}".into(), options).await })
    }

    async fn event(&mut self) -> DomainEvent {
        self.events.recv().await.expect("the registry exists")
    }
}

impl Peer {
    pub(super) fn send(&self, message: DomainMessage) {
        self.send.send(Ok(message)).expect("the stream is open");
    }

    pub(super) async fn recv(&mut self) -> RuntimeMessage {
        self.recv.next().await.expect("open").expect("a message")
    }

    /// The status that ends the stream. Messages before it are dropped.
    pub(super) async fn end(&mut self) -> Option<Status> {
        while let Some(received) = self.recv.next().await {
            if let Err(status) = received {
                return Some(status);
            }
        }
        None
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_ended_after_five_seconds() {
    let harness = Harness::new();
    let mut peer = harness.connect(None);
    let start = tokio::time::Instant::now();
    let status = peer.end().await.expect("a status");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("domain_register"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn another_first_message_ends_the_stream() {
    let harness = Harness::new();
    let mut peer = harness.connect(None);
    peer.send(message("users", "db_find", "{}", "1"));
    let status = peer.end().await.expect("a status");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(!harness.registry.is_registered("users"));
}

#[tokio::test(start_paused = true)]
async fn a_newer_managed_process_replaces_an_older_one_and_its_calls_fail() {
    let mut harness = Harness::new();
    let mut first = harness.join("users", Some("1")).await;
    let call = harness.call("user_index_request");
    assert_eq!(first.recv().await.r#type, "user_index_request");
    let _second = harness.join("users", Some("2")).await;

    assert_eq!(first.end().await.expect("a status").code(), Code::Aborted);
    let response = call.await.expect("a response");
    assert_eq!(response.type_, "error");
    assert!(
        response.error.contains("users") && response.error.contains("replaced"),
        "{response:?}"
    );
    // The end of the old stream comes before the start of the new one, and once.
    let mut events = Vec::new();
    while let Ok(event) = harness.events.try_recv() {
        events.push(match event {
            DomainEvent::Registered { generation, .. } => ("registered", generation),
            DomainEvent::Disconnected { generation, .. } => ("disconnected", generation),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(
        events,
        [("registered", 1), ("disconnected", 1), ("registered", 2)]
    );
    assert!(harness.registry.is_registered("users"));
}

#[tokio::test(start_paused = true)]
async fn an_unmanaged_process_is_replaced_and_replaces_no_other() {
    let mut harness = Harness::new();
    let mut unmanaged = harness.join("users", None).await;
    let managed = harness.join("users", Some("1")).await;
    assert_eq!(
        unmanaged.end().await.expect("a status").code(),
        Code::Aborted
    );

    let mut other = harness.connect(None);
    other.send(message("users", "domain_register", "{}", "1"));
    assert_eq!(
        other.end().await.expect("a status").code(),
        Code::AlreadyExists
    );
    let mut old = harness.connect(Some("0"));
    old.send(message("users", "domain_register", "{}", "1"));
    assert_eq!(
        old.end().await.expect("a status").code(),
        Code::AlreadyExists
    );
    let mut wrong = harness.connect(Some("guess"));
    wrong.send(message("users", "domain_register", "{}", "1"));
    assert_eq!(
        wrong.end().await.expect("a status").code(),
        Code::Unauthenticated
    );

    for _ in 0..20 {
        let mut wrong = harness.connect(Some("guess"));
        wrong.send(message("users", "domain_register", "{}", "1"));
        wrong.end().await.expect("a status");
    }
    assert!(harness.registry.is_registered("users"));
    let mut rejected = 0;
    while let Ok(event) = harness.events.try_recv() {
        rejected += usize::from(matches!(event, DomainEvent::RegistrationRejected { .. }));
    }
    assert_eq!(rejected, 5, "five events are emitted at once");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut wrong = harness.connect(Some("guess"));
    wrong.send(message("users", "domain_register", "{}", "1"));
    wrong.end().await.expect("a status");
    let event = harness.event().await;
    assert!(
        matches!(
            event,
            DomainEvent::RegistrationRejected { suppressed: 18, .. }
        ),
        "{event:?}"
    );
    drop(managed);
}

#[tokio::test(start_paused = true)]
async fn responses_are_matched_by_id_in_any_order_and_of_any_type() {
    let harness = Harness::new();
    let mut peer = harness.join("users", Some("1")).await;
    let (one, two) = (harness.call("one_request"), harness.call("two_request"));
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
    let responses = [
        one.await.expect("a response"),
        two.await.expect("a response"),
    ];
    let response_to = |type_: &str| {
        let sent = [&first, &second].map(|message| message.r#type.clone());
        let position = sent
            .iter()
            .position(|sent| sent == type_)
            .expect("a request");
        (position, &responses[usize::from(type_ == "two_request")])
    };
    for (position, response) in [response_to("one_request"), response_to("two_request")] {
        if position == 0 {
            assert_eq!(
                *response,
                MessageResponse::success("one_response", "not JSON")
            );
        } else {
            assert!(!response.success);
            assert_eq!(
                (response.type_.as_str(), response.error.as_str()),
                ("odd", "no")
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_times_out_and_a_late_response_is_dropped() {
    let harness = Harness::new();
    let mut peer = harness.join("users", Some("1")).await;
    let call = harness.call("user_index_request");
    let request = peer.recv().await;
    let response = call.await.expect("a response");
    assert!(
        response.error.contains("users") && response.error.contains("30 s"),
        "{response:?}"
    );
    assert_eq!(harness.registry.pending_count("users"), 0);
    peer.send(message(
        "users",
        "user_index_response",
        "{}",
        &request.request_id,
    ));
    // The next message is the response to the next request, not one to the late response.
    peer.send(message("users", "echo", "1", "7"));
    assert_eq!(peer.recv().await.request_id, "7");
}

#[tokio::test(start_paused = true)]
async fn a_canceled_call_removes_its_request() {
    let harness = Harness::new();
    let mut peer = harness.join("users", Some("1")).await;
    let call = harness.call("user_index_request");
    peer.recv().await;
    assert_eq!(harness.registry.pending_count("users"), 1);
    call.abort();
    call.await.expect_err("canceled");
    assert_eq!(harness.registry.pending_count("users"), 0);
}

/// The payload of a failure.
pub(super) fn code(response: &MessageResponse) -> String {
    let payload: serde_json::Value = serde_json::from_str(&response.payload).expect("JSON");
    assert_eq!(payload["error"], response.error.as_str());
    payload["code"].as_str().expect("a code").to_owned()
}

/// Calls that wait, because nothing reads the stream.
async fn waiting_calls(
    harness: &Harness,
    count: usize,
) -> Vec<tokio::task::JoinHandle<MessageResponse>> {
    let before = harness.registry.pending_count("users");
    let calls = (0..count)
        .map(|_| harness.call("user_index_request"))
        .collect();
    while harness.registry.pending_count("users") < before + count {
        tokio::task::yield_now().await;
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_a_domain_that_does_not_read_and_only_beyond_the_limit_they_fail() {
    let harness = Harness::new();
    let mut users = harness.join("users", Some("1")).await;
    let calls = waiting_calls(&harness, 10_000).await;
    let refused = harness
        .call("user_index_request")
        .await
        .expect("a response");
    assert_eq!(code(&refused), "OVERLOADED");
    assert!(
        refused.error.contains("users") && refused.error.contains("10000 calls"),
        "{refused:?}"
    );
    assert!(!refused.error.contains("stuck"), "{refused:?}");

    let mut other = harness.join("orders", Some("1")).await;
    other.send(message("orders", "echo", "1", "7"));
    assert_eq!(other.recv().await.payload, "1");

    for call in calls {
        let request = users.recv().await;
        let id = request.request_id;
        users.send(message("users", "user_index_response", "{}", &id));
        assert!(call.await.expect("a response").success);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_more_bytes_than_may_wait_wait_for_room() {
    let harness = Harness::new();
    let mut users = harness.join("users", Some("1")).await;
    let call = |timeout| {
        let registry = harness.registry.clone();
        async move {
            let payload = "x".repeat(1 << 20);
            let options = CallOptions::timeout(Duration::from_secs(timeout));
            registry.call("users", "x_request", payload, options).await
        }
    };
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..40 {
        calls.spawn(call(60));
    }
    while harness.registry.pending_count("users") < 40 {
        tokio::task::yield_now().await;
    }
    // Nobody reads for a while: a caller with less patience gives up, and is told why.
    let failure = call(1).await;
    assert_eq!(code(&failure), "TIMEOUT");
    assert!(
        failure
            .error
            .contains("did not read x_request within 1 s: 40 more calls are waiting"),
        "{failure:?}"
    );
    for _ in 0..40 {
        let request = users.recv().await;
        users.send(message("users", "x_response", "{}", &request.request_id));
    }
    let responses = calls.join_all().await;
    assert!(responses.iter().all(|response| response.success));
}

/// The number of waiting messages of the next backpressure event.
async fn next_backpressure(harness: &mut Harness) -> usize {
    loop {
        if let DomainEvent::Backpressure { waiting, .. } = harness.event().await {
            return waiting;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_has_not_read_for_a_while_is_reported_until_it_reads_again() {
    let mut harness = Harness::new();
    let mut stuck = harness.join("users", Some("1")).await;
    let start = tokio::time::Instant::now();
    let calls = waiting_calls(&harness, 3).await;
    assert_eq!(next_backpressure(&mut harness).await, 3);
    assert!(start.elapsed() >= Duration::from_secs(2));
    let options = CallOptions::timeout(Duration::from_secs(5));
    let response = harness
        .registry
        .call("users", "x_request", "{}".into(), options);
    let response = response.await;
    assert_eq!(code(&response), "TIMEOUT");
    assert!(
        response
            .error
            .contains("it is stuck: it has read nothing for 7.0 s"),
        "{response:?}"
    );
    stuck.recv().await;
    assert_eq!(next_backpressure(&mut harness).await, 0);
    for _ in 0..2 {
        stuck.recv().await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(
        harness.events.try_recv().is_err(),
        "each event is emitted once"
    );
    for call in calls {
        call.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_that_is_read_at_once_is_not_reported() {
    let mut harness = Harness::new();
    let mut users = harness.join("users", Some("1")).await;
    harness.event().await;
    let calls = waiting_calls(&harness, 500).await;
    for _ in 0..500 {
        users.recv().await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(harness.events.try_recv().is_err());
    for call in calls {
        call.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn requests_without_reading_the_responses_end_the_stream() {
    let harness = Harness::new();
    let mut peer = harness.join("users", Some("1")).await;
    for number in 0..1000 {
        // The stream is closed at some point.
        let _ = peer
            .send
            .send(Ok(message("users", "hang", "{}", &number.to_string())));
    }
    while harness.registry.is_registered("users") {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        peer.end().await.expect("a status").code(),
        Code::ResourceExhausted
    );
}

#[tokio::test(start_paused = true)]
async fn each_request_to_the_runtime_has_its_own_response() {
    let harness = Harness::new();
    let mut peer = harness.join("users", Some("1")).await;
    for (type_, id) in [
        ("hang", "0"),
        ("panic", "1"),
        ("echo", "2"),
        ("db_create", "3"),
        ("flood", "4"),
    ] {
        peer.send(message("users", type_, "{}", id));
    }
    let mut responses = std::collections::BTreeMap::new();
    for _ in 0..4 {
        let response = peer.recv().await;
        responses.insert(response.request_id.clone(), response);
    }
    let error = |id: &str| responses[id].error.clone();
    assert!(
        error("1").contains("panic") && error("1").contains("internal error"),
        "{}",
        error("1")
    );
    assert_eq!(
        (responses["2"].r#type.as_str(), responses["2"].success),
        ("echoed", true)
    );
    assert_eq!(
        (responses["3"].r#type.as_str(), error("3")),
        ("error", "Unknown message type: db_create".into())
    );
    assert!(error("4").contains("4194304"), "{}", error("4"));
    assert!(
        harness.registry.is_registered("users"),
        "the panic must not end the stream"
    );
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_reported_at_a_limited_rate() {
    let mut harness = Harness::new();
    let peer = harness.join("users", Some("3")).await;
    assert!(matches!(
        harness.event().await,
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
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let DomainEvent::Heartbeat {
            domain,
            generation,
            heartbeat,
        } = harness.event().await
        else {
            panic!("no heartbeat");
        };
        assert_eq!((domain.as_str(), generation), ("users", 3));
        numbers.push(heartbeat.seq);
    }
    assert_eq!(numbers, [0, 100]);
}

#[tokio::test(start_paused = true)]
async fn responses_count_as_heartbeats_at_a_limited_rate() {
    let mut harness = Harness::new();
    let mut peer = harness.connect(Some("3"));
    let capabilities = r#"{"capabilities":["heartbeat"]}"#;
    peer.send(message("users", "domain_register", capabilities, "r1"));
    peer.recv().await;
    harness.event().await;
    let heartbeats = |harness: &mut Harness| {
        let mut count = 0;
        while let Ok(event) = harness.events.try_recv() {
            count += usize::from(matches!(event, DomainEvent::Heartbeat { .. }));
        }
        count
    };
    for _ in 0..50 {
        let call = harness.call("echo_request");
        let request = peer.recv().await;
        peer.send(message("users", "echo_response", "{}", &request.request_id));
        call.await.expect("a response");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let count = heartbeats(&mut harness);
    assert!(
        (4..=6).contains(&count),
        "one every 100 ms: {count} in 500 ms"
    );
    // A response without a request does not count.
    peer.send(message("users", "echo_response", "{}", "made up"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(heartbeats(&mut harness), 0);
}

#[tokio::test(start_paused = true)]
async fn an_authorizer_that_panics_fails_one_registration() {
    let harness = Harness::new();
    let mut panicking = harness.connect(Some("1"));
    panicking.send(message("panic", "domain_register", "{}", "1"));
    assert_eq!(
        panicking.end().await.expect("a status").code(),
        Code::Internal
    );
    harness.join("users", Some("1")).await;
}

#[tokio::test(start_paused = true)]
async fn drain_is_sent_to_a_generation_with_the_capability() {
    let harness = Harness::new();
    let mut peer = harness.join("users", Some("2")).await;
    let deadline = Duration::from_millis(1500);
    assert!(!harness.registry.send_drain("users", 1, deadline));
    assert!(!harness.registry.send_drain("orders", 2, deadline));
    assert!(harness.registry.send_drain("users", 2, deadline));
    let drain = peer.recv().await;
    assert_eq!(
        (drain.r#type.as_str(), drain.payload.as_str()),
        ("drain", r#"{"deadline_ms":1500}"#)
    );

    let mut plain = harness.connect(Some("1"));
    plain.send(message("plain", "domain_register", "{}", "1"));
    plain.recv().await;
    assert!(!harness.registry.send_drain("plain", 1, deadline));
}

#[tokio::test(start_paused = true)]
async fn a_changed_asset_is_sent_to_a_generation_with_the_capability() {
    let harness = Harness::new();
    let _plain = harness.join("users", Some("2")).await;
    assert!(!harness.registry.send_asset_changed("users", 2, "a.hbs"));

    let mut peer = harness.connect(Some("1"));
    let capabilities = r#"{"capabilities":["assets"]}"#;
    peer.send(message("orders", "domain_register", capabilities, "1"));
    peer.recv().await;
    assert!(!harness.registry.send_asset_changed("orders", 2, "a.hbs"));
    assert!(harness.registry.send_asset_changed("orders", 1, "a.hbs"));
    let message = peer.recv().await;
    assert_eq!(
        (message.r#type.as_str(), message.payload.as_str()),
        ("asset_changed", r#"{"path":"a.hbs"}"#)
    );
}

#[tokio::test(start_paused = true)]
async fn only_the_stream_of_an_exited_generation_is_ended() {
    let mut harness = Harness::new();
    let mut peer = harness.join("users", Some("2")).await;
    let call = harness.call("user_index_request");
    peer.recv().await;
    let limit = Duration::from_millis(200);
    harness.registry.disconnect("users", 1, limit).await;
    assert!(harness.registry.is_registered("users"));
    harness.registry.disconnect("users", 2, limit).await;
    assert!(!harness.registry.is_registered("users"));
    assert!(
        call.await
            .expect("a response")
            .error
            .contains("generation 2 has exited")
    );
    assert_eq!(peer.end().await.expect("a status").code(), Code::Aborted);
    harness.event().await;
    assert!(matches!(
        harness.event().await,
        DomainEvent::Disconnected { generation: 2, .. }
    ));
    drop(peer);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(
        harness.events.try_recv().is_err(),
        "the end is reported once"
    );
}

#[tokio::test(start_paused = true)]
async fn an_ended_stream_and_a_reset_one_have_different_causes() {
    let mut harness = Harness::new();
    for (keeps_reading, expected) in [(true, "stream ended"), (false, "stream reset")] {
        let Peer { send, recv } = harness.join("users", Some("1")).await;
        assert!(matches!(
            harness.event().await,
            DomainEvent::Registered { .. }
        ));
        drop(send);
        let _recv = keeps_reading.then_some(recv);
        let DomainEvent::Disconnected { cause, end, .. } = harness.event().await else {
            panic!("not disconnected")
        };
        assert!(cause.contains(expected), "{cause}");
        assert_eq!(end, StreamEnd::ByClient);
    }
}

#[tokio::test(start_paused = true)]
async fn callers_cannot_send_reserved_types() {
    let harness = Harness::new();
    let _peer = harness.join("users", Some("1")).await;
    for type_ in [
        "drain",
        "cancel",
        "asset_changed",
        "register_success",
        "domain_register",
        "heartbeat",
        "",
    ] {
        let response = harness
            .registry
            .send_message(
                message("users", type_, "{}", "9"),
                None,
                (PATIENT, Caller::default()),
            )
            .await
            .expect("a failure is a response");
        assert_eq!(
            (response.r#type.as_str(), response.success),
            ("error", false),
            "{type_}"
        );
        assert_eq!(response.request_id, "9");
        assert!(response.error.contains("users"), "{}", response.error);
    }
    let response = harness
        .registry
        .send_message(
            message("", "x_request", "{}", "9"),
            None,
            (PATIENT, Caller::default()),
        )
        .await
        .expect("a failure is a response");
    assert!(response.payload.contains(r#""code":"INVALID""#));
    assert!(response.error.contains("no domain"));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_is_a_failure_and_ends_nothing() {
    let harness = Harness::new();
    let _peer = harness.join("users", Some("1")).await;
    let large = "x".repeat(17 * 1024 * 1024);
    let response = harness
        .registry
        .call(
            "users",
            "x_request",
            large,
            CallOptions::timeout(Duration::from_secs(1)),
        )
        .await;
    assert_eq!(code(&response), "TOO_LARGE");
    assert!(
        response.error.contains("users") && response.error.contains("16776192"),
        "{response:?}"
    );
    assert!(harness.registry.is_registered("users"));
}
