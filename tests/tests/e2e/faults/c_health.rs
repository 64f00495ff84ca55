//! Section C: hangs and health.

mod hung;
mod patience;
mod streams;

use std::time::Duration;

use fulcrum_e2e::{App, wait_until};
use serde_json::Value;

/// Who loops on a machine without a free CPU is found late, since it gets little of one.
const PATIENCE: Duration = Duration::from_secs(120);

/// What has been noted about a domain, of one kind.
fn noted(app: &App, domain: &str, kind: &str) -> Vec<Value> {
    let about = |event: &Value| event["domain"] == domain && event["type"] == kind;
    app.events().into_iter().filter(about).collect()
}

/// Waits until something of a kind has been noted so many times about a domain.
#[track_caller]
fn wait_for_notes(app: &App, domain: &str, kind: &str, times: usize) -> Vec<Value> {
    wait_until(
        &format!("{domain} is {kind} {times} times"),
        PATIENCE,
        || Some(noted(app, domain, kind)).filter(|notes| notes.len() >= times),
    )
}

/// Asserts that domains were left alone: same process, no restart, nothing found hung.
#[track_caller]
fn left_alone(app: &App, domains: &[&str]) {
    for domain in domains {
        let seen = app.see(domain);
        assert_eq!(seen["restarts"], 0, "{seen}");
        assert_eq!(seen["generation"], 1, "{seen}");
        assert_eq!(seen["ready"], true, "{seen}");
        let hung = noted(app, domain, "hung");
        assert!(hung.is_empty(), "{hung:?}");
        assert_eq!(app.times(domain, "spawned"), 1);
    }
}
