//! Transitions of fake domains, under paused time.

use std::time::Duration;

use crate::test_support::{FakeProcess, Harness};

const SLEEP: &str =
    "process: {command: [sleep, '1'], restart: {backoff: {initial: 1s, jitter: 0}}}";

fn crashing() -> FakeProcess {
    FakeProcess {
        ready_after: Some(Duration::from_millis(50)),
        exits: Some((Duration::from_millis(80), 3)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_is_recorded_and_logged() {
    let mut harness = Harness::new(&[("domains/users/fulcrum.yml", SLEEP)], &[]);
    harness.start().await;
    harness.wait_for_event("users", "ready").await;
    assert_eq!(
        harness.event_kinds("users"),
        ["waiting", "preparing", "spawned", "ready"]
    );
    assert_eq!(harness.log_lines("users"), ["ready in 50 ms"]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_recorded_with_the_next_start() {
    let files = [("domains/users/fulcrum.yml", SLEEP)];
    let mut harness = Harness::new(&files, &[("users", crashing())]);
    harness.start().await;
    let reason = harness.wait_for_event("users", "backoff").await;
    assert!(reason.contains("restarting now (attempt 1 of "), "{reason}");
    // The first one is not delayed, the next one is.
    let reason = harness.wait_for_nth_event("users", "backoff", 2).await;
    assert!(
        reason.contains("restarting in 1000 ms (attempt 2 of "),
        "{reason}"
    );
    let lines = harness.log_lines("users");
    let last = lines.last().expect("a log line");
    assert!(last.contains("; restarting in 1000 ms"), "{lines:?}");
    assert_eq!(
        lines.len(),
        4,
        "a start and an end are a line each: {lines:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_restarts_the_members_of_its_group() {
    let files = [
        (
            "fulcrum.yml",
            "runtime: {groups: {shop: {strategy: one_for_all, domains: [orders, users]}}}",
        ),
        ("domains/users/fulcrum.yml", SLEEP),
        ("domains/orders/fulcrum.yml", SLEEP),
    ];
    let mut harness = Harness::new(&files, &[("users", crashing())]);
    harness.start().await;
    let reason = harness.wait_for_event("orders", "recycled").await;
    assert_eq!(reason, "users failed, and group shop is one_for_all");
}
