//! Helpers of these tests.

use std::time::Duration;

use fulcrum_e2e::{App, wait_until};
use serde_json::Value;

/// The limit for detection: on a machine without a free CPU a loop is detected late.
pub(super) const DETECTION_LIMIT: Duration = Duration::from_secs(120);

/// The events of one kind about a domain.
pub(super) fn events_of(app: &App, domain: &str, kind: &str) -> Vec<Value> {
    let about = |event: &Value| event["domain"] == domain && event["type"] == kind;
    app.events().into_iter().filter(about).collect()
}

/// Waits until there are `times` events of a kind about a domain.
#[track_caller]
pub(super) fn wait_for_events(app: &App, domain: &str, kind: &str, times: usize) -> Vec<Value> {
    wait_until(
        &format!("{domain} is {kind} {times} times"),
        DETECTION_LIMIT,
        || Some(events_of(app, domain, kind)).filter(|events| events.len() >= times),
    )
}

/// Asserts that domains were not affected: same process, no restart, not hung.
#[track_caller]
pub(super) fn assert_unaffected(app: &App, domains: &[&str]) {
    for domain in domains {
        let status = app.status(domain);
        assert_eq!(status["restarts"], 0, "{status}");
        assert_eq!(status["generation"], 1, "{status}");
        assert_eq!(status["ready"], true, "{status}");
        let hung = events_of(app, domain, "hung");
        assert!(hung.is_empty(), "{hung:?}");
        assert_eq!(app.event_count(domain, "spawned"), 1);
    }
}
