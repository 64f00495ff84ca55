//! Waiting for conditions, over fake processes, under paused time.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::tests::{Harness, ProcessBehavior, WELL_BEHAVED};
use super::{Outcome, WaitCondition, WaitFailure};
use crate::lifecycle::{Command, Phase};

const CRASHING: ProcessBehavior = ProcessBehavior {
    exits_after: Some(Duration::from_millis(20)),
    ready_after: None,
    ..WELL_BEHAVED
};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_every_domain_is_ready() {
    let harness = Harness::new(&[
        ("catalog", WELL_BEHAVED, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
    ]);
    let both = names(&["catalog", "orders"]);
    let pending = harness.supervisor.pending(&both, WaitCondition::Ready);
    let reasons: Vec<_> = pending
        .iter()
        .map(|(name, now)| (name.as_str(), now.phase, now.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("catalog", Phase::Stopped, "not started yet"),
            ("orders", Phase::Stopped, "not started yet")
        ]
    );
    harness.supervisor.start(["catalog", "orders"]).await;
    let waited = harness.supervisor.wait_all(&both, WaitCondition::Ready);
    assert_eq!(waited.await, Ok(()));
    let pending = harness.supervisor.pending(&both, WaitCondition::Ready);
    assert_eq!(pending, []);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_every_domain_that_failed_and_those_that_wait_for_it() {
    let harness = Harness::new(&[
        ("catalog", CRASHING, &[]),
        ("users", CRASHING, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
    ]);
    let all = names(&["orders", "users", "catalog"]);
    harness
        .supervisor
        .start(["catalog", "users", "orders"])
        .await;
    let waited = harness.supervisor.wait_all(&all, WaitCondition::Ready);
    let failed = timeout(Duration::from_secs(3600), waited)
        .await
        .expect("it ends");
    let texts = |failed: Vec<WaitFailure>| -> Vec<String> {
        failed.iter().map(WaitFailure::to_string).collect()
    };
    assert_eq!(
        failed.map_err(texts),
        Err(names(&[
            "catalog: crash loop",
            "orders: waiting for catalog: failed (exit 1 before it registered)",
            "users: crash loop"
        ]))
    );
}

/// A chain of three: api needs auth, and auth needs db.
fn chain(db: ProcessBehavior) -> Harness {
    Harness::new(&[
        ("db", db, &[]),
        ("auth", WELL_BEHAVED, &["db"]),
        ("api", WELL_BEHAVED, &["auth"]),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_fulfilled_ends_at_once_with_the_root_cause() {
    let harness = chain(WELL_BEHAVED);
    harness.supervisor.start(["auth"]).await;
    let started = Instant::now();
    let Outcome::Blocked(blockers) = harness.request("api", Command::Start).await else {
        panic!("db is not started");
    };
    assert!(started.elapsed() < Duration::from_secs(1), "at once");
    assert_eq!(blockers[0].to_string(), "db: not started");
    assert_eq!(blockers.len(), 1, "{blockers:?}");
    let api = harness.supervisor.domain("api").expect("known");
    assert_eq!(api.snapshot().reason, "waiting for db: not started");
    // The request continues: once the cause is removed, it is fulfilled.
    harness.supervisor.start(["db"]).await;
    let both = names(&["api", "auth"]);
    let waited = harness.supervisor.wait_all(&both, WaitCondition::Ready);
    assert_eq!(waited.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_already_learn_that_it_will_not_come() {
    let harness = chain(ProcessBehavior {
        ready_after: None,
        ..WELL_BEHAVED
    });
    harness.supervisor.start(["db", "auth", "api"]).await;
    let api = names(&["api"]);
    let waited = harness.supervisor.wait_all(&api, WaitCondition::Ready);
    tokio::pin!(waited);
    let early = timeout(Duration::from_secs(1), &mut waited).await;
    assert!(early.is_err(), "db is starting: {early:?}");
    harness.request("db", Command::Stop).await;
    let failed = waited.await.expect_err("db is stopped");
    assert_eq!(failed[0].to_string(), "api: waiting for db: stopped");
}

#[tokio::test(start_paused = true)]
async fn a_change_in_progress_is_no_reason_to_give_up() {
    let harness = chain(WELL_BEHAVED);
    harness.supervisor.start(["api", "auth", "db"]).await;
    let all = names(&["api", "auth", "db"]);
    let waited = harness.supervisor.wait_all(&all, WaitCondition::Ready);
    assert_eq!(waited.await, Ok(()));
    harness.request("db", Command::Stop).await;
    let restarted = harness.request("api", Command::Restart);
    let back = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        harness.request("db", Command::Start).await
    };
    let (restarted, _) = tokio::join!(restarted, back);
    assert!(matches!(restarted, Outcome::Done(_)), "{restarted:?}");
}

#[tokio::test(start_paused = true)]
async fn the_stopped_dependencies_are_those_that_are_needed() {
    let harness = chain(WELL_BEHAVED);
    let api = names(&["api"]);
    let stopped = || harness.supervisor.stopped_dependencies(&api);
    assert_eq!(stopped(), names(&["auth", "db"]));
    harness.supervisor.start(["auth"]).await;
    assert_eq!(stopped(), names(&["db"]));
    harness.supervisor.start(["db"]).await;
    assert_eq!(stopped(), names(&[]));
}

#[tokio::test(start_paused = true)]
async fn unknown_names_are_skipped() {
    let harness = Harness::new(&[("catalog", WELL_BEHAVED, &[])]);
    let unknown = names(&["unknown"]);
    let waited = harness.supervisor.wait_all(&unknown, WaitCondition::Ready);
    assert_eq!(waited.await, Ok(()));
}
