//! Starts for tests.

use std::time::Duration;

use super::domain_start::{DomainStart, Milestone};

/// A start with the instance. It is released, spawned and ready after these milliseconds.
pub(super) fn start(
    domain: &str,
    needs: &[&str],
    [released, spawned, ready]: [u64; 3],
) -> DomainStart {
    DomainStart {
        domain: domain.to_owned(),
        is_initial: true,
        attempts: 1,
        requested_at: Some(Duration::ZERO),
        released_at: Some(ms(released)),
        attempted_at: Some(ms(released)),
        spawned_at: Some(ms(spawned)),
        ready_at: Some(ms(ready)),
        readiness: "when it has registered".to_owned(),
        phase: "running".to_owned(),
        needs: needs
            .iter()
            .map(|name| ((*name).to_owned(), Milestone::Ready))
            .collect(),
        ..DomainStart::default()
    }
}

pub(super) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
