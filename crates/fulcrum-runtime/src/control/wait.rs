//! Waits until domains reach a condition.

use std::collections::BTreeMap;

use fulcrum_config::Domain;
use fulcrum_logs::{split_code, with_code};
use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::{Snapshot, Supervisor, WaitCondition, WaitFailure};
use tokio::time::Instant;

use crate::control::preparing::current_reason;
use crate::format::{format_measured, pluralize};
use crate::outcome::cures;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

/// How many domains are named that a client waits for.
const MAX_CAUSES: usize = 3;

/// Waits for domains.
#[derive(Clone)]
pub(crate) struct DomainWaiter {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    /// When the instance was started.
    pub(crate) started: Instant,
}

impl DomainWaiter {
    /// Waits until the condition holds for every domain, and describes that.
    ///
    /// # Errors
    /// The condition cannot become true for a domain. The text has one line for each.
    pub(crate) async fn wait_all(
        &self,
        names: &[String],
        condition: WaitCondition,
    ) -> Result<String, String> {
        match self.supervisor.wait_all(names, condition).await {
            Ok(()) => Ok(self.describe_done(names, condition)),
            Err(failed) => Err(describe_failures(&failed)),
        }
    }

    /// Waits until the selected domains are ready or cannot become ready, and describes that.
    ///
    /// # Errors
    /// Some cannot become ready. The text names those that wait for others without end: the
    /// failures themselves are logged with their domains. `None` if there are none.
    pub(crate) async fn wait_for_start(&self, names: &[String]) -> Result<String, Option<String>> {
        let condition = WaitCondition::Ready;
        match self.supervisor.wait_until_settled(names, condition).await {
            Ok(()) => Ok(self.describe_done(names, condition)),
            Err(failed) => Err(describe_waiting(&failed)),
        }
    }

    /// The domains for which the condition does not hold yet, as text: their phases, and the last
    /// answers of their probes.
    pub(crate) fn describe_pending(&self, names: &[String], condition: WaitCondition) -> String {
        let pending = self.supervisor.pending(names, condition).into_iter();
        let texts = pending.map(|(name, now)| self.describe_one(&name, &now));
        texts.collect::<Vec<_>>().join("; ")
    }

    /// The same in one line of bounded length. Domains that wait for others are left out, unless there
    /// are no others.
    pub(crate) fn describe_causes(&self, names: &[String], condition: WaitCondition) -> String {
        let mut pending = self.supervisor.pending(names, condition);
        let is_cause = |(_, now): &(String, Snapshot)| now.phase != Phase::Waiting;
        if pending.iter().any(is_cause) {
            pending.retain(is_cause);
        }
        let more = pending.len().saturating_sub(MAX_CAUSES);
        let shown = pending.iter().take(MAX_CAUSES);
        let mut texts: Vec<String> = shown
            .map(|(name, now)| self.describe_one(name, now))
            .collect();
        if more > 0 {
            texts.push(format!("and {more} more"));
        }
        texts.join("; ").replace('\n', " ")
    }

    fn describe_one(&self, name: &str, now: &Snapshot) -> String {
        let reason = match self.states.get(name) {
            Some(state) if now.pid.is_some() => {
                state.probe_status.borrow().append_to_reason(&now.reason)
            }
            Some(state) => current_reason(&state, now),
            None => now.reason.clone(),
        };
        let (code, reason) = split_code(&reason);
        let text = format!("{name} is {} ({reason})", now.phase);
        code.map_or(text.clone(), |code| with_code(&text, code))
    }

    fn describe_done(&self, names: &[String], condition: WaitCondition) -> String {
        let is_first_generation = |name: &String| {
            let handle = self.supervisor.domain(name);
            handle.is_some_and(|handle| handle.snapshot().generation == 1)
        };
        // The time since the start says nothing about later generations.
        if condition == WaitCondition::Ready
            && names == self.desired.current().selected.as_slice()
            && names.iter().all(is_first_generation)
        {
            return self.describe_start();
        }
        let state = condition.as_str();
        match names {
            [name] => format!("{name} is {state}"),
            _ => format!("{} domains are {state}", names.len()),
        }
    }

    /// `2 domains ready, 1 job completed in 412 ms`: from the start of the instance until the last
    /// domain was ready and the last job completed.
    fn describe_start(&self) -> String {
        let desired = self.desired.current();
        let handles = desired
            .selected
            .iter()
            .filter_map(|name| self.supervisor.domain(name));
        let snapshots: Vec<Snapshot> = handles.map(|handle| handle.snapshot()).collect();
        let last = snapshots.iter().filter_map(done_at).max();
        let after = last.map(|at| at.saturating_duration_since(self.started));
        let is_completed = |now: &&Snapshot| now.phase == Phase::Completed;
        let jobs = snapshots.iter().filter(is_completed).count();
        let parts = [
            (desired.selected.len() - jobs, "domain", "ready"),
            (jobs, "job", "completed"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, what, state)| format!("{} {state}", pluralize(*count, what)))
            .collect();
        let mut text = parts.join(", ");
        text.push_str(&format!(
            " in {}",
            format_measured(after.unwrap_or_default())
        ));
        let is_scheduled = |domain: &&Domain| domain.process.schedule.is_some();
        let scheduled = desired.app.domains.iter().filter(is_scheduled).count();
        if scheduled > 0 {
            text.push_str(&format!("; {} scheduled", pluralize(scheduled, "job")));
        }
        text
    }
}

/// When a domain became ready, or a job completed.
fn done_at(now: &Snapshot) -> Option<Instant> {
    match now.phase {
        Phase::Completed => now.completed.map(|(at, _)| at),
        _ => now
            .spawned_at
            .zip(now.ready_after)
            .map(|(spawned, after)| spawned + after),
    }
}

/// One line for each domain, and the commands that cure it.
fn describe_failures(failed: &[WaitFailure]) -> String {
    let mut lines: Vec<String> = failed.iter().map(WaitFailure::to_string).collect();
    let mut hints = cures(failed.iter().flat_map(|failure| &failure.blockers));
    // The failure of the dependency itself may say it already.
    hints.retain(|hint| !lines.iter().any(|line| line.contains(hint)));
    lines.extend(hints.iter().map(|hint| format!("  hint: {hint}")));
    lines.join("\n")
}

/// `not started: api, web (waiting for db: failed (exit 1)); …`, and the commands that cure it.
fn describe_waiting(failed: &[WaitFailure]) -> Option<String> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in failed.iter().filter(|one| !one.blockers.is_empty()) {
        by_reason.entry(&one.reason).or_default().push(&one.domain);
    }
    if by_reason.is_empty() {
        return None;
    }
    let texts: Vec<String> = by_reason
        .iter()
        .map(|(reason, domains)| format!("{} ({reason})", domains.join(", ")))
        .collect();
    let mut text = format!("not started: {}", texts.join("; "));
    for hint in cures(failed.iter().flat_map(|failure| &failure.blockers)) {
        text.push_str(&format!("\nhint: {hint}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::state::domain::InstallPeriod;
    use crate::test_support::{FakeProcess, Harness};

    const NO_RESTART: &str = "process: {command: [sleep, '1'], restart: {policy: never}}";

    fn waiter(harness: &Harness) -> DomainWaiter {
        DomainWaiter {
            desired: harness.desired.clone(),
            states: Arc::clone(&harness.states),
            supervisor: harness.supervisor.clone(),
            started: Instant::now(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_start_is_described_with_its_time() {
        let files = [
            ("domains/users/fulcrum.yml", NO_RESTART),
            ("domains/orders/fulcrum.yml", NO_RESTART),
        ];
        let mut harness = Harness::new(&files, &[]);
        let waiter = waiter(&harness);
        harness.start().await;
        let names = harness.desired.current().selected.clone();
        let pending = waiter.describe_pending(&names, WaitCondition::Ready);
        assert!(pending.contains("users is "), "{pending}");
        assert_eq!(
            waiter.wait_all(&names, WaitCondition::Ready).await,
            Ok("2 domains ready in 50 ms".to_owned())
        );
        assert_eq!(
            waiter.wait_all(&names[..1], WaitCondition::Running).await,
            Ok("orders is running".to_owned())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_is_the_domain_that_others_wait_for_or_the_install_of_its_packages()
    {
        let api = "process: {command: [sleep, '1'], depends_on: [db]}";
        let files = [
            ("domains/db/fulcrum.yml", NO_RESTART),
            ("domains/api/fulcrum.yml", api),
        ];
        let never = FakeProcess {
            ready_after: None,
            exits: None,
        };
        let mut harness = Harness::new(&files, &[("db", never)]);
        let waiter = waiter(&harness);
        harness.start().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let names = harness.desired.current().selected.clone();
        let causes = waiter.describe_causes(&names, WaitCondition::Ready);
        assert!(
            causes.starts_with("db is ") && !causes.contains("api"),
            "{causes}"
        );
        let api = waiter.describe_causes(&["api".to_owned()], WaitCondition::Ready);
        assert!(api.starts_with("api is waiting (waiting for db"), "{api}");

        let state = harness.states.get("api").expect("a state");
        let what = "installing packages in domains/api with npm";
        state.install.send_replace(Some(InstallPeriod {
            what: what.to_owned(),
            activity: Some("GET http://x/a attempt 1 failed with ENOTFOUND".to_owned()),
            started: Instant::now(),
            ended: None,
        }));
        tokio::time::sleep(Duration::from_millis(12_400)).await;
        let mut now = harness
            .supervisor
            .domain("api")
            .expect("a handle")
            .snapshot();
        assert!(current_reason(&state, &now).starts_with("waiting for db"));
        now.phase = Phase::Preparing;
        assert_eq!(
            current_reason(&state, &now),
            format!("{what} for 12.4 s: GET http://x/a attempt 1 failed with ENOTFOUND")
        );
        state.install.send_modify(|install| {
            let install = install.as_mut().expect("it runs");
            install.ended = Some(Instant::now());
        });
        assert_eq!(current_reason(&state, &now), now.reason);
    }

    #[tokio::test(start_paused = true)]
    async fn a_domain_that_cannot_become_ready_is_an_error() {
        let exits = FakeProcess {
            ready_after: None,
            exits: Some((Duration::from_millis(20), 3)),
        };
        let files = [("domains/users/fulcrum.yml", NO_RESTART)];
        let mut harness = Harness::new(&files, &[("users", exits)]);
        let waiter = waiter(&harness);
        harness.start().await;
        let names = ["users".to_owned()];
        let error = waiter.wait_all(&names, WaitCondition::Ready).await;
        let error = error.expect_err("it exited");
        assert!(error.starts_with("users: "), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_start_names_once_what_will_not_come_and_the_cure() {
        let exits = FakeProcess {
            ready_after: None,
            exits: Some((Duration::from_millis(20), 3)),
        };
        let api = "process: {command: [sleep, '1'], depends_on: [auth]}";
        let auth = "process: {command: [sleep, '1'], depends_on: [db]}";
        let files = [
            ("domains/db/fulcrum.yml", NO_RESTART),
            ("domains/auth/fulcrum.yml", auth),
            ("domains/api/fulcrum.yml", api),
        ];
        let mut harness = Harness::new(&files, &[("db", exits)]);
        let waiter = waiter(&harness);
        harness.start().await;
        let names = harness.desired.current().selected.clone();
        let text = waiter.wait_for_start(&names).await.expect_err("db exits");
        let text = text.expect("two domains wait");
        let (waiting, hint) = text.split_once("\nhint: ").expect("one hint");
        assert!(
            waiting.starts_with("not started: api, auth (waiting for db: ended (exit 3"),
            "{waiting}"
        );
        assert_eq!(hint, "fix the error, then run `fulcrum domains restart db`");
        let error = waiter.wait_all(&names, WaitCondition::Ready).await;
        let error = error.expect_err("db exited");
        assert_eq!(error.matches("hint: ").count(), 1, "{error}");
    }
}
