//! Waits until domains reach a condition.

use fulcrum_spawn::supervisor::{Supervisor, WaitCondition};
use tokio::time::Instant;

use crate::format::{format_measured, pluralize};
use crate::state::desired::DesiredStateReceiver;

/// Waits for domains.
#[derive(Clone)]
pub(crate) struct DomainWaiter {
    pub(crate) desired: DesiredStateReceiver,
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
            Err(failed) => Err(failed.join("\n")),
        }
    }

    /// The domains for which the condition does not hold yet, as text.
    pub(crate) fn describe_pending(&self, names: &[String], condition: WaitCondition) -> String {
        self.supervisor.describe_pending(names, condition)
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

    /// `3 domains ready in 412 ms`: from the start of the instance until the last domain was ready.
    fn describe_start(&self) -> String {
        let desired = self.desired.current();
        let handles = desired
            .selected
            .iter()
            .filter_map(|name| self.supervisor.domain(name));
        let ready = handles
            .map(|handle| handle.snapshot())
            .filter_map(|snapshot| snapshot.spawned_at.zip(snapshot.ready_after))
            .map(|(spawned, after)| (spawned + after).saturating_duration_since(self.started))
            .max()
            .unwrap_or_default();
        let domains = pluralize(desired.selected.len(), "domain");
        format!("{domains} ready in {}", format_measured(ready))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::test_support::{FakeProcess, Harness};

    const NO_RESTART: &str = "process: {command: [sleep, '1'], restart: {policy: never}}";

    fn waiter(harness: &Harness) -> DomainWaiter {
        DomainWaiter {
            desired: harness.desired.clone(),
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
}
