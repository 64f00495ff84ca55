//! Responses in parts, in paused time.

use std::time::Duration;

use tokio_stream::StreamExt;

use super::tests::{Harness, Peer, code, message};
use super::*;
use crate::framework::{DomainMessage, RuntimeMessage};

const OPTIONS: CallOptions = CallOptions {
    timeout: Duration::from_secs(30),
    wait: true,
};

/// A domain with these capabilities, and a call of it in parts.
async fn call(harness: &Harness, capabilities: &str) -> (Peer, CallStream, RuntimeMessage) {
    let mut users = harness.connect(Some("1"));
    let payload = format!(r#"{{"capabilities":[{capabilities}]}}"#);
    users.send(message("users", "domain_register", &payload, "1"));
    users.recv().await;
    let parts = harness
        .registry
        .call_stream("users", "user_list_request", "{}".into(), OPTIONS);
    let request = users.recv().await;
    (users, parts, request)
}

fn send(users: &Peer, request: &RuntimeMessage, payload: &str, more: bool) {
    users.send(DomainMessage {
        more,
        ..message("users", "user_list_response", payload, &request.request_id)
    });
}

#[tokio::test(start_paused = true)]
async fn parts_arrive_in_order_and_the_last_message_is_the_end() {
    let harness = Harness::new();
    let (users, mut parts, request) = call(&harness, r#""stream""#).await;
    assert_eq!(request.stream_credit, 16);
    send(&users, &request, "1", true);
    send(&users, &request, "2", true);
    send(&users, &request, "", false);
    for expected in ["1", "2"] {
        let part = parts.next().await.expect("a part");
        assert_eq!((part.success, part.payload.as_str()), (true, expected));
    }
    assert_eq!(parts.next().await, None);
    assert_eq!(harness.registry.pending_count("users"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_domain_without_the_capability_responds_with_one_message() {
    let harness = Harness::new();
    let (users, mut parts, request) = call(&harness, "").await;
    assert_eq!(request.stream_credit, 0, "it sees nothing unasked-for");
    send(&users, &request, "[1,2]", false);
    assert_eq!(parts.next().await.expect("a response").payload, "[1,2]");
    assert_eq!(parts.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn the_domain_gets_more_credit_as_parts_are_taken() {
    let harness = Harness::new();
    let (mut users, mut parts, request) = call(&harness, r#""stream""#).await;
    for number in 0..16 {
        send(&users, &request, &number.to_string(), true);
    }
    for _ in 0..8 {
        parts.next().await.expect("a part");
    }
    let credit = users.recv().await;
    assert_eq!(
        (credit.r#type.as_str(), credit.payload.as_str()),
        ("credit", r#"{"parts":8}"#)
    );
    assert_eq!(credit.request_id, request.request_id);
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_ignores_the_credit_fails_only_that_call() {
    let harness = Harness::new();
    let (users, mut parts, request) = call(&harness, r#""stream","cancel""#).await;
    for number in 0..17 {
        send(&users, &request, &number.to_string(), true);
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    for _ in 0..16 {
        assert!(parts.next().await.expect("a part").success);
    }
    let failure = parts.next().await.expect("a failure");
    assert_eq!(code(&failure), "OVERLOADED");
    assert_eq!(parts.next().await, None);
    assert!(harness.registry.is_registered("users"));
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_is_that_of_each_part() {
    let harness = Harness::new();
    let (users, mut parts, request) = call(&harness, r#""stream""#).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        send(&users, &request, "1", true);
        parts.next().await.expect("a part");
    }
    let failure = parts.next().await.expect("a failure");
    assert_eq!(code(&failure), "TIMEOUT");
    assert_eq!(parts.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_crash_ends_the_parts_with_a_failure() {
    let harness = Harness::new();
    let (users, mut parts, request) = call(&harness, r#""stream""#).await;
    send(&users, &request, "1", true);
    drop(users);
    assert!(parts.next().await.expect("a part").success);
    let failure = parts.next().await.expect("a failure");
    assert_eq!(code(&failure), "UNAVAILABLE");
    assert_eq!(parts.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_cancels_the_response() {
    let harness = Harness::new();
    let (mut users, parts, request) = call(&harness, r#""stream","cancel""#).await;
    drop(parts);
    let cancel = users.recv().await;
    assert_eq!(
        (cancel.r#type.as_str(), cancel.request_id),
        ("cancel", request.request_id)
    );
}

#[tokio::test(start_paused = true)]
async fn a_large_call_in_parts_waits_for_room_as_others_do() {
    let harness = Harness::new();
    let mut users = harness.join("users", Some("1")).await;
    let mut calls: Vec<CallStream> = Vec::new();
    let call = |timeout| {
        let payload = "x".repeat(1 << 20);
        let options = CallOptions::timeout(Duration::from_secs(timeout));
        let registry = &harness.registry;
        registry.call_stream("users", "x_request", payload, options)
    };
    for _ in 0..40 {
        calls.push(call(60));
    }
    // More than may wait, while nobody reads: a caller with less patience is told why.
    let mut first = tokio::task::JoinSet::new();
    for mut parts in calls {
        first.spawn(async move { (parts.next().await, parts) });
    }
    while harness.registry.pending_count("users") < 40 {
        tokio::task::yield_now().await;
    }
    let failure = call(1).next().await.expect("a failure");
    assert_eq!(code(&failure), "TIMEOUT");
    assert!(
        failure.error.contains("40 more calls are waiting"),
        "{failure:?}"
    );
    for _ in 0..40 {
        let request = users.recv().await;
        users.send(message("users", "x_response", "{}", &request.request_id));
    }
    for (response, mut parts) in first.join_all().await {
        assert!(response.expect("a response").success);
        assert_eq!(parts.next().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_call_in_parts_that_is_dropped_gives_its_room_back() {
    let harness = Harness::new();
    let mut users = harness.join("users", Some("1")).await;
    let call = || {
        let payload = "x".repeat(1 << 20);
        let registry = &harness.registry;
        registry.call_stream("users", "x_request", payload, OPTIONS)
    };
    let mut dropped = tokio::task::JoinSet::new();
    for mut parts in std::iter::repeat_with(call).take(40) {
        dropped.spawn(async move { parts.next().await });
    }
    while harness.registry.pending_count("users") < 40 {
        tokio::task::yield_now().await;
    }
    dropped.shutdown().await;
    let mut parts = call();
    // Requests that were sent before they were given up are there, too.
    let response = loop {
        tokio::select! {
            request = users.recv() => {
                users.send(message("users", "x_response", "{}", &request.request_id));
            }
            response = parts.next() => break response.expect("a response"),
        }
    };
    assert!(response.success, "{response:?}");
}
