//! Calls while a domain starts, restarts, crashes and is removed, in paused time.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::Code;

use super::call_observer::Caller;
use super::caller_deadline::CallerDeadline;
use super::calls::CallerTerms;
use super::tests::{Harness, PATIENT, Peer, code, message};
use super::*;

const START_TIMEOUT: Duration = Duration::from_secs(10);

fn expected() -> Harness {
    let harness = Harness::new();
    harness
        .registry
        .set_outlook("users", Outlook::Coming(START_TIMEOUT));
    harness
}

/// Lets the other tasks run.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Responds to the next call.
async fn respond(peer: &mut Peer, payload: &str) {
    let request = peer.recv().await;
    peer.send(message(
        "users",
        "user_index_response",
        payload,
        &request.request_id,
    ));
}

async fn finished(call: JoinHandle<MessageResponse>) -> MessageResponse {
    call.await.expect("a response")
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_domain_that_starts() {
    let harness = expected();
    let call = harness.call("user_index_request");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut users = harness.join("users", Some("1")).await;
    respond(&mut users, "{}").await;
    assert!(finished(call).await.success);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_no_longer_than_a_start_may_take() {
    let harness = expected();
    let start = Instant::now();
    let response = finished(harness.call("user_index_request")).await;
    assert_eq!(start.elapsed(), START_TIMEOUT);
    assert_eq!(code(&response), "UNAVAILABLE");
    assert!(
        response.error.contains("users") && response.error.contains("within 10 s"),
        "{response:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_does_not_wait_gets_its_failure_at_once() {
    let harness = expected();
    let terms = CallerTerms {
        wait: false,
        since: None,
        ..PATIENT
    };
    let start = Instant::now();
    let response = harness
        .registry
        .send_message(
            message("users", "x_request", "{}", "9"),
            None,
            (terms, Caller::default()),
        )
        .await
        .expect("a response");
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(response.error.contains("does not wait"), "{response:?}");
    assert_eq!(response.request_id, "9");
}

/// Its registration may have been authorized just before.
#[tokio::test(start_paused = true)]
async fn a_generation_whose_stop_begins_before_it_has_registered_gets_no_call() {
    let harness = expected();
    let call = harness.call("user_index_request");
    let deadline = Duration::from_secs(5);
    assert!(!harness.registry.send_drain("users", 2, deadline));
    for late in ["1", "2"] {
        let mut peer = harness.connect(Some(late));
        peer.send(message("users", "domain_register", "{}", "r1"));
        let status = peer.end().await.expect("a status");
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains("is being stopped"), "{status:?}");
    }
    let mut next = harness.join("users", Some("3")).await;
    respond(&mut next, "{}").await;
    assert!(finished(call).await.success);

    // A domain that is removed and added again counts its generations from 1.
    harness.registry.send_drain("users", 3, deadline);
    harness.registry.set_outlook("users", Outlook::Unknown);
    drop(next);
    settle().await;
    harness.join("users", Some("1")).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_under_load_fails_no_call() {
    let harness = expected();
    let mut first = harness.join("users", Some("1")).await;
    let calls: Vec<_> = (0..4).map(|_| harness.call("user_index_request")).collect();
    let requests = [first.recv().await, first.recv().await];
    harness
        .registry
        .send_drain("users", 1, Duration::from_secs(5));
    assert_eq!(first.recv().await.r#type, "drain", "no call comes after it");
    let late = harness.call("user_index_request");
    // The first request was begun, the second one not.
    let answer = message("users", "user_index_response", "1", &requests[0].request_id);
    first.send(answer);
    let refusal = r#"{"success":false,"error":"draining","code":"DRAINING"}"#;
    let refused = message(
        "users",
        "user_index_response",
        refusal,
        &requests[1].request_id,
    );
    first.send(refused);
    harness.registry.wait_until_idle("users", 1).await;
    drop(first);
    harness
        .registry
        .disconnect("users", 1, Duration::from_millis(200))
        .await;

    let mut second = harness.join("users", Some("2")).await;
    for _ in 0..4 {
        respond(&mut second, "2").await;
    }
    let mut payloads = Vec::new();
    for call in calls.into_iter().chain([late]) {
        let response = finished(call).await;
        assert!(response.success, "{response:?}");
        payloads.push(response.payload);
    }
    assert_eq!(payloads, ["1", "2", "2", "2", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_fails_the_calls_in_flight_at_once_and_no_others() {
    let harness = expected();
    let mut first = harness.join("users", Some("1")).await;
    let in_flight = harness.call("user_index_request");
    first.recv().await;
    let waiting = harness.call("user_index_request");
    settle().await;
    let start = Instant::now();
    drop(first);
    let response = finished(in_flight).await;
    assert!(start.elapsed() < Duration::from_millis(10));
    assert_eq!(code(&response), "UNAVAILABLE");
    assert!(response.error.contains("disconnected"), "{response:?}");

    let mut second = harness.join("users", Some("2")).await;
    respond(&mut second, "{}").await;
    assert!(finished(waiting).await.success);
}

#[tokio::test(start_paused = true)]
async fn the_last_responses_of_a_process_that_has_exited_are_received() {
    let harness = expected();
    let mut users = harness.join("users", Some("1")).await;
    let calls: Vec<_> = (0..3).map(|_| harness.call("user_index_request")).collect();
    for _ in 0..3 {
        respond(&mut users, "{}").await;
    }
    // Its responses and the end of its connection are there at the same time.
    drop(users);
    harness
        .registry
        .disconnect("users", 1, Duration::from_millis(200))
        .await;
    for call in calls {
        assert!(finished(call).await.success);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_fail_when_the_domain_is_stopped_or_removed() {
    let harness = expected();
    for outlook in [Outlook::NotComing("it is stopped".into()), Outlook::Unknown] {
        harness
            .registry
            .set_outlook("users", Outlook::Coming(START_TIMEOUT));
        let call = harness.call("user_index_request");
        settle().await;
        harness.registry.set_outlook("users", outlook);
        let response = finished(call).await;
        assert_eq!(code(&response), "UNAVAILABLE");
        assert!(response.error.contains("not connected"), "{response:?}");
    }
    assert!(
        harness.registry.routes().get("users").is_none(),
        "nothing is kept of a domain that was removed"
    );
}

#[tokio::test(start_paused = true)]
async fn an_expired_deadline_of_the_caller_is_a_status_that_names_the_domain() {
    let harness = expected();
    let timeout = Duration::from_secs(1);
    let terms = CallerTerms {
        deadline: Some(CallerDeadline {
            at: Instant::now() + timeout,
            timeout,
        }),
        wait: true,
        since: None,
    };
    let _users = harness.join("users", Some("1")).await;
    let status = harness
        .registry
        .send_message(
            message("users", "x_request", "{}", "9"),
            None,
            (terms, Caller::default()),
        )
        .await
        .expect_err("a status");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    for part in ["users", "x_request", "1 s"] {
        assert!(status.message().contains(part), "{status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_its_caller_gives_up_is_cancelled_at_the_domain() {
    let harness = expected();
    let mut users = harness.connect(Some("1"));
    let capabilities = r#"{"capabilities":["cancel"]}"#;
    users.send(message("users", "domain_register", capabilities, "1"));
    users.recv().await;
    let call = harness.call("user_index_request");
    let request = users.recv().await;
    call.abort();
    let cancel = users.recv().await;
    assert_eq!(
        (cancel.r#type.as_str(), cancel.request_id),
        ("cancel", request.request_id)
    );
}

/// Sends a request about events, and returns the payload of its response.
async fn request(peer: &mut Peer, domain: &str, type_: &str, payload: &str) -> serde_json::Value {
    peer.send(message(domain, type_, payload, "e1"));
    let response = peer.recv().await;
    assert_eq!(response.request_id, "e1", "{response:?}");
    serde_json::from_str(&response.payload).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn an_event_reaches_those_that_subscribed_at_most_once_and_its_loss_is_told() {
    let harness = Harness::new();
    let mut orders = harness.join("orders", Some("1")).await;
    let mut users = harness.join("users", Some("1")).await;
    let _other = harness.join("other", Some("1")).await;
    let publish = r#"{"topic":"paid","payload":{"id":1}}"#;
    let none = request(&mut orders, "orders", "event_publish", publish).await;
    assert_eq!(none["subscribers"], 0);
    request(
        &mut users,
        "users",
        "event_subscribe",
        r#"{"topics":["paid"]}"#,
    )
    .await;
    for number in 0..1_200 {
        let sent = request(&mut orders, "orders", "event_publish", publish).await;
        assert_eq!(sent["subscribers"], 1);
        assert_eq!(sent["dropped"], u64::from(number >= 1_000));
    }
    let mut missed = 0;
    for _ in 0..1_000 {
        let event = users.recv().await;
        assert_eq!(
            (event.r#type.as_str(), event.request_id.as_str()),
            ("event", "")
        );
        let event: serde_json::Value = serde_json::from_str(&event.payload).expect("JSON");
        assert_eq!(
            (&event["topic"], &event["from"], &event["payload"]["id"]),
            (&"paid".into(), &"orders".into(), &1.into())
        );
        missed += event["missed"].as_u64().expect("a number");
    }
    assert_eq!(missed, 200);
    // An event does not keep calls from being read.
    let call = harness.call("user_index_request");
    settle().await;
    request(&mut orders, "orders", "event_publish", publish).await;
    assert_eq!(users.recv().await.r#type, "user_index_request");
    assert_eq!(users.recv().await.r#type, "event");
    call.abort();

    request(
        &mut users,
        "users",
        "event_unsubscribe",
        r#"{"topics":["paid"]}"#,
    )
    .await;
    let none = request(&mut orders, "orders", "event_publish", publish).await;
    assert_eq!(none["subscribers"], 0);
    let invalid = request(&mut orders, "orders", "event_publish", "{}").await;
    assert_eq!(invalid["code"], "INVALID");
}
