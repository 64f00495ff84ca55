//! The start of an instance, domain by domain.

use std::cmp::Reverse;
use std::time::Duration;

use super::chain::{ChainLink, chain_to, slowest_chain};
use super::domain_start::DomainStart;

/// What the start of an instance consisted of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartupReport {
    /// The domains that were ready once: what took longest first.
    pub ready: Vec<StartRow>,
    /// The domains that were not, by name.
    pub pending: Vec<StartRow>,
    /// The dependencies that the last domain waited for, and that domain, or another one that was asked
    /// for. The earliest first.
    pub chain: Vec<ChainLink>,
    /// When the last of those domains was ready that were started with the instance. Later ones may
    /// be pending still.
    pub ready_at: Option<Duration>,
}

/// The parts of the first start of a domain, in their order. Those that are known add up to the moment
/// at which it was ready; a part that has not ended is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartRow {
    /// The start that is described.
    pub start: DomainStart,
    /// How long it waited for its dependencies.
    pub waited: Option<Duration>,
    /// How long attempts took that failed, with the delays after them.
    pub retried: Option<Duration>,
    /// From then to the spawn.
    pub prepared: Option<Duration>,
    /// From the spawn to the registration. Missing if it was ready without.
    pub registered: Option<Duration>,
    /// From the registration, or else from the spawn, until it was ready or had completed.
    pub ready: Option<Duration>,
    /// All of it but the wait for its dependencies.
    pub took: Option<Duration>,
}

impl StartupReport {
    /// The report about these starts.
    #[must_use]
    pub fn new(starts: &[DomainStart]) -> Self {
        let rows = starts.iter().map(StartRow::new);
        let (mut ready, mut pending): (Vec<_>, Vec<_>) = rows.partition(|row| row.took.is_some());
        ready.sort_by(|a, b| {
            let key = |row: &StartRow| Reverse(row.took);
            key(a)
                .cmp(&key(b))
                .then_with(|| a.start.domain.cmp(&b.start.domain))
        });
        pending.sort_by(|a, b| a.start.domain.cmp(&b.start.domain));
        let initial = starts.iter().filter(|start| start.is_initial);
        Self {
            ready,
            pending,
            chain: slowest_chain(starts),
            ready_at: initial.filter_map(|start| start.ready_at).max(),
        }
    }
}

impl StartupReport {
    /// The same with the chain that ends with this domain. It is empty if that was not ready yet.
    #[must_use]
    pub fn with_chain_to(self, domain: &str, starts: &[DomainStart]) -> Self {
        Self {
            chain: chain_to(domain, starts),
            ..self
        }
    }
}

impl StartRow {
    fn new(start: &DomainStart) -> Self {
        let between =
            |from: Option<Duration>, to: Option<Duration>| Some(to?.saturating_sub(from?));
        // A program may register after its probe has found it ready.
        let registered_at = start
            .registered_at
            .filter(|registered| start.ready_at.is_none_or(|ready| *registered <= ready));
        Self {
            waited: between(start.requested_at, start.released_at),
            retried: between(start.released_at, start.attempted_at),
            prepared: between(start.attempted_at, start.spawned_at),
            registered: between(start.spawned_at, registered_at),
            ready: between(registered_at.or(start.spawned_at), start.ready_at),
            took: between(start.released_at, start.ready_at),
            start: start.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::startup::test_starts::{ms, start};

    fn names(rows: &[StartRow]) -> Vec<&str> {
        rows.iter().map(|row| row.start.domain.as_str()).collect()
    }

    #[test]
    fn what_took_longest_is_first_and_what_is_not_ready_is_apart() {
        let mut failed = start("failed", &[], [0, 10, 0]);
        failed.ready_at = None;
        let starts = [
            start("quick", &["slow"], [800, 810, 850]),
            failed,
            start("slow", &[], [0, 10, 800]),
            start("also-quick", &["slow"], [800, 810, 850]),
        ];
        let report = StartupReport::new(&starts);
        assert_eq!(names(&report.ready), ["slow", "also-quick", "quick"]);
        assert_eq!(names(&report.pending), ["failed"]);
        assert_eq!(report.ready_at, Some(ms(850)));
        let quick = &report.ready[2];
        assert_eq!((quick.waited, quick.took), (Some(ms(800)), Some(ms(50))));
        let failed = &report.pending[0];
        assert_eq!((failed.prepared, failed.ready), (Some(ms(10)), None));
    }

    #[test]
    fn a_registration_after_readiness_is_no_part_of_the_start() {
        let mut probed = start("web", &[], [0, 10, 50]);
        probed.registered_at = Some(ms(70));
        let row = StartRow::new(&probed);
        assert_eq!((row.registered, row.ready), (None, Some(ms(40))));
        probed.registered_at = Some(ms(30));
        let row = StartRow::new(&probed);
        assert_eq!((row.registered, row.ready), (Some(ms(20)), Some(ms(20))));
    }

    #[test]
    fn the_start_of_the_instance_is_over_without_what_was_started_later() {
        let mut later = start("report", &[], [60_000, 60_010, 60_400]);
        later.is_initial = false;
        let report = StartupReport::new(&[start("db", &[], [0, 10, 300]), later]);
        assert_eq!(report.ready_at, Some(ms(300)));
        assert_eq!(names(&report.ready), ["report", "db"]);
    }

    prop_compose! {
        /// A start of up to three attempts, whose parts are up to a second long. It needs domains
        /// with a smaller number, as they are numbered.
        fn any_start(number: usize)(
            parts in prop::array::uniform6(0_u64..1_000),
            needs in prop::collection::vec(any::<bool>(), number),
            has_registered in any::<bool>(),
            is_initial in any::<bool>(),
            is_ready in any::<bool>(),
        ) -> DomainStart {
            let at = |count: usize| Some(ms(parts[..=count].iter().sum()));
            DomainStart {
                domain: format!("d{number}"),
                is_initial,
                attempts: 1,
                requested_at: at(0),
                released_at: at(1),
                attempted_at: at(2),
                spawned_at: at(3),
                registered_at: at(4).filter(|_| has_registered),
                ready_at: at(5).filter(|_| is_ready),
                needs: needs
                    .iter()
                    .enumerate()
                    .filter(|(_, is_needed)| **is_needed)
                    .map(|(other, _)| (format!("d{other}"), super::super::Milestone::Ready))
                    .collect(),
                ..DomainStart::default()
            }
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_a_start_add_up_to_the_moment_of_readiness(start in any_start(0)) {
            let row = StartRow::new(&start);
            let parts = [row.waited, row.retried, row.prepared, row.registered, row.ready];
            let sum: Duration = parts.into_iter().flatten().sum();
            if let Some(ready_at) = start.ready_at {
                prop_assert_eq!(start.requested_at.unwrap_or_default() + sum, ready_at);
                let took = row.took.unwrap_or_default() + row.waited.unwrap_or_default();
                prop_assert_eq!(took, sum);
            }
        }

        #[test]
        fn a_chain_is_made_of_dependencies_in_the_order_of_their_times(
            starts in (any_start(0), any_start(1), any_start(2), any_start(3))
        ) {
            let starts: [DomainStart; 4] = starts.into();
            let report = StartupReport::new(&starts);
            let chain = &report.chain;
            let ready = starts.iter().filter(|start| start.is_initial);
            let ready = ready.filter(|start| start.ready_at.is_some()).count();
            prop_assert_eq!(chain.is_empty(), ready == 0);
            prop_assert_eq!(chain.last().map(|last| last.started_at + last.took), report.ready_at);
            for pair in chain.windows(2) {
                let next = starts.iter().find(|start| start.domain == pair[1].domain);
                let next = next.expect("a start");
                prop_assert!(next.needs.contains_key(&pair[0].domain));
                prop_assert!(pair[0].started_at + pair[0].took <= pair[1].started_at + ms(2));
            }
            prop_assert_eq!(report.ready.len() + report.pending.len(), starts.len());
            prop_assert!(report.ready.windows(2).all(|pair| pair[0].took >= pair[1].took));
        }
    }
}
