//! Reports domains that run and do not become ready.

use std::time::Duration;

use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::{DomainHandle, Snapshot, Supervisor, Transition};
use tokio::time::sleep_until;

use crate::code::Code;
use crate::format::format_duration;
use crate::log_lines::log_for_domain;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

/// The longest time between two reports about a domain.
const MAX_INTERVAL: Duration = Duration::from_secs(3600);

/// Reports each generation that is not ready after its start timeout, and then at growing
/// intervals.
#[derive(Clone)]
pub(crate) struct LateReadiness {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    pub(crate) hub: Hub,
}

impl LateReadiness {
    /// Starts to watch a generation that was just spawned.
    pub(crate) fn on_transition(&self, transition: &Transition) {
        if transition.to != Phase::Starting {
            return;
        }
        let handle = self.supervisor.domain(&transition.domain);
        let config = self.desired.domain(&transition.domain);
        // A job is never ready.
        let config = config.filter(|config| !config.is_job());
        if let Some((handle, config)) = handle.zip(config) {
            let limit = config.process.start_timeout;
            tokio::spawn(self.clone().watch(handle, transition.generation, limit));
        }
    }

    async fn watch(self, handle: DomainHandle, generation: u64, limit: Duration) {
        let Some(spawned) = handle.snapshot().spawned_at else {
            return;
        };
        let mut snapshots = handle.subscribe();
        let mut after = limit;
        loop {
            let is_over = |now: &Snapshot| {
                now.generation != generation || now.ready || !now.phase.has_process()
            };
            tokio::select! {
                _ = snapshots.wait_for(is_over) => return,
                () = sleep_until(spawned + after) => {}
            }
            let now = handle.snapshot();
            // A start that times out ends, and says so itself.
            if now.phase == Phase::Running && !now.ready {
                let text = self.describe(handle.name(), &now, spawned.elapsed());
                let text = with_code(&text, Code::LateReady);
                log_for_domain(&self.hub, handle.name(), generation, Level::Warn, text);
            }
            after = next_report(after);
        }
    }

    /// `not ready after 30.0 s: tcp 127.0.0.1:3000: connection refused; api, web are waiting for it`
    fn describe(&self, name: &str, now: &Snapshot, elapsed: Duration) -> String {
        let state = self.states.get(name);
        let answer = state.and_then(|state| state.probe_status.borrow().ready.clone());
        let reason = answer.map_or_else(|| now.reason.clone(), |failure| failure.to_string());
        let mut text = format!("not ready after {}: {reason}", format_duration(elapsed));
        let is_waiting = |handle: &DomainHandle| {
            let blockers = handle.blockers();
            blockers.iter().any(|blocker| blocker.domain == name)
        };
        let domains = self.supervisor.domains().into_iter();
        let waiting: Vec<String> = domains
            .filter(is_waiting)
            .map(|handle| handle.name().to_owned())
            .collect();
        match waiting.as_slice() {
            [] => {}
            [one] => text.push_str(&format!("; {one} is waiting for it")),
            more => text.push_str(&format!("; {} are waiting for it", more.join(", "))),
        }
        text
    }
}

/// When the next report is due, since the spawn, after one that was due then.
fn next_report(after: Duration) -> Duration {
    // At least a second: a start timeout may be short.
    let interval = after.clamp(Duration::from_secs(1), MAX_INTERVAL);
    after.saturating_add(interval)
}

#[cfg(test)]
mod tests {
    use fulcrum_health::ProbeFailure;
    use tokio::time::sleep;

    use super::*;
    use crate::test_support::{FakeProcess, Harness, STARTED_ONLY};

    #[test]
    fn the_intervals_between_reports_grow() {
        let mut after = Duration::from_secs(30);
        let mut reports = vec![];
        for _ in 0..10 {
            reports.push(after.as_secs());
            after = next_report(after);
        }
        assert_eq!(
            reports,
            [30, 60, 120, 240, 480, 960, 1920, 3840, 7440, 11040]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn readiness_that_does_not_come_is_reported_with_the_last_answer_and_who_waits() {
        let settings = "process: {command: [sleep, '1'], ready: {tcp: 1}, start_timeout: 30s}";
        let api = "process: {command: [sleep, '1'], depends_on: [auth]}";
        let auth = "process: {command: [sleep, '1'], depends_on: [db]}";
        let files = [
            ("domains/db/fulcrum.yml", settings),
            ("domains/auth/fulcrum.yml", auth),
            ("domains/api/fulcrum.yml", api),
        ];
        let mut harness = Harness::new(&files, &[("db", STARTED_ONLY)]);
        harness.start().await;
        sleep(Duration::from_secs(1)).await;
        let state = harness.states.get("db").expect("a state");
        state.probe_status.send_modify(|status| {
            status.ready = Some(ProbeFailure::new("connection refused".to_owned()));
        });
        sleep(Duration::from_secs(28)).await;
        let late = |harness: &Harness| -> Vec<String> {
            let lines = harness.log_lines("db").into_iter();
            lines
                .filter(|line| line.starts_with("not ready after"))
                .collect()
        };
        assert_eq!(late(&harness), [""; 0]);
        sleep(Duration::from_secs(100)).await;
        let waiting = "connection refused; api, auth are waiting for it [FUL0407]";
        assert_eq!(
            late(&harness),
            [
                format!("not ready after 30.0 s: {waiting}"),
                format!("not ready after 1m00s: {waiting}"),
                format!("not ready after 2m00s: {waiting}"),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_domain_that_becomes_ready_in_time_is_not_reported() {
        let settings = "process: {command: [sleep, '1'], start_timeout: 30s}";
        let slow = FakeProcess {
            ready_after: Some(Duration::from_secs(20)),
            exits: None,
        };
        let mut harness = Harness::new(&[("domains/db/fulcrum.yml", settings)], &[("db", slow)]);
        harness.start().await;
        sleep(Duration::from_secs(600)).await;
        assert_eq!(harness.log_lines("db"), ["ready in 20.0 s"]);
    }
}
