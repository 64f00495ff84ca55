//! Waiting for conditions, over fake processes, under paused time.

use std::time::Duration;

use tokio::time::timeout;

use super::WaitCondition;
use super::tests::{Harness, ProcessBehavior, WELL_BEHAVED};

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
    assert_eq!(
        harness
            .supervisor
            .describe_pending(&both, WaitCondition::Ready),
        "catalog is stopped (not started yet); orders is stopped (not started yet)"
    );
    harness.supervisor.start(["catalog", "orders"]).await;
    let waited = harness.supervisor.wait_all(&both, WaitCondition::Ready);
    assert_eq!(waited.await, Ok(()));
    let pending = harness
        .supervisor
        .describe_pending(&both, WaitCondition::Ready);
    assert_eq!(pending, "");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_every_domain_that_failed_and_does_not_wait_for_its_dependents() {
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
    assert_eq!(
        failed,
        Err(names(&["catalog: crash loop", "users: crash loop"]))
    );
}

#[tokio::test(start_paused = true)]
async fn unknown_names_are_skipped() {
    let harness = Harness::new(&[("catalog", WELL_BEHAVED, &[])]);
    let unknown = names(&["unknown"]);
    let waited = harness.supervisor.wait_all(&unknown, WaitCondition::Ready);
    assert_eq!(waited.await, Ok(()));
}
