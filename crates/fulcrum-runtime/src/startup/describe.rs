//! The start of an instance as text.

use std::time::Duration;

use super::chain::ChainLink;
use super::report::{StartRow, StartupReport};
use crate::format::{format_measured, pluralize};

/// A part of a preparation that took less is not named.
const MIN_NAMED_PART: Duration = Duration::from_millis(50);

/// A domain that was ready this soon after its registration was ready by it.
const BY_REGISTRATION: Duration = Duration::from_millis(1);

impl StartupReport {
    /// What was started with the instance and is ready, and since when: `3 domains ready, 1 job completed
    /// after 812 ms; not yet: mailer`.
    #[must_use]
    pub fn headline(&self) -> String {
        let initial = |row: &&StartRow| row.start.is_initial;
        let pending = self.pending.iter().filter(initial);
        let pending: Vec<&str> = pending.map(|row| row.start.domain.as_str()).collect();
        let pending = match pending.is_empty() {
            true => String::new(),
            false => format!("; not yet: {}", pending.join(", ")),
        };
        let Some(after) = self.ready_at else {
            return format!("no domain of the start is ready{pending}");
        };
        let ready = self.ready.iter().filter(initial);
        let (jobs, domains): (Vec<_>, Vec<_>) = ready.partition(|row| row.start.completed);
        let domains =
            (!domains.is_empty()).then(|| format!("{} ready", pluralize(domains.len(), "domain")));
        let jobs =
            (!jobs.is_empty()).then(|| format!("{} completed", pluralize(jobs.len(), "job")));
        let done: Vec<String> = domains.into_iter().chain(jobs).collect();
        format!(
            "{} after {}{pending}",
            done.join(", "),
            format_measured(after)
        )
    }
}

impl StartRow {
    /// What happened from the spawn on, and what else there is to know about the start: `registered in
    /// 98 ms; prepared: packages 4120 ms`.
    #[must_use]
    pub fn describe(&self) -> String {
        let start = &self.start;
        let mut parts = vec![self.describe_end()];
        if let Some(retried) = self.retried.filter(|_| start.attempts > 1) {
            let before = pluralize(start.attempts as usize - 1, "earlier start");
            let retried = format_measured(retried);
            parts.push(format!("{before} took {retried}"));
        }
        let preparation = [
            ("packages", start.preparation.install),
            ("queue", start.preparation.queue),
            ("code", start.preparation.transform),
            ("hook", start.preparation.hook),
        ];
        let named = preparation
            .iter()
            .filter(|(_, took)| *took >= MIN_NAMED_PART)
            .map(|(name, took)| format!("{name} {}", format_measured(*took)));
        let named: Vec<String> = named.collect();
        if !named.is_empty() {
            parts.push(format!("prepared: {}", named.join(", ")));
        }
        if let Some(requested) = start.requested_at.filter(|_| !start.is_initial) {
            parts.push(format!("started later, at +{}", format_measured(requested)));
        }
        if self.took.is_some() && !matches!(start.phase.as_str(), "running" | "completed") {
            parts.push(format!("now {}", self.describe_phase()));
        }
        parts.join("; ")
    }

    fn describe_end(&self) -> String {
        let registered = self.registered.map(format_measured);
        match (self.ready, registered) {
            (Some(ready), _) if self.start.completed => {
                format!("completed in {}", format_measured(ready))
            }
            (Some(ready), Some(registered)) if ready < BY_REGISTRATION => {
                format!("registered in {registered}")
            }
            (Some(ready), Some(registered)) => format!(
                "registered in {registered}, ready {} later: {}",
                format_measured(ready),
                self.rule()
            ),
            (Some(ready), None) => format!("ready in {}: {}", format_measured(ready), self.rule()),
            (None, Some(registered)) => {
                format!("registered in {registered}; {}", self.describe_phase())
            }
            (None, None) => self.describe_phase(),
        }
    }

    /// What decides that it is ready.
    fn rule(&self) -> &str {
        let rule = self.start.readiness.as_str();
        match rule.starts_with("started") {
            true => "started",
            false => rule,
        }
    }

    /// The phase in which it is now, and why.
    fn describe_phase(&self) -> String {
        let (phase, reason) = (&self.start.phase, &self.start.reason);
        let reason = reason.lines().next().unwrap_or_default();
        match reason.strip_prefix(phase.as_str()) {
            // `waiting for db: starting` has the phase.
            Some(_) => reason.to_owned(),
            None if reason.is_empty() => phase.clone(),
            None => format!("{phase}: {reason}"),
        }
    }
}

impl ChainLink {
    /// `started at +303 ms, ready after 98 ms`
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "started at +{}, {} after {}",
            format_measured(self.started_at),
            self.milestone.as_str(),
            format_measured(self.took)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::startup::DomainStart;
    use crate::startup::test_starts::{ms, start};

    fn describe(start: DomainStart) -> String {
        let report = StartupReport::new(&[start]);
        let mut rows = report.ready.iter().chain(&report.pending);
        rows.next().map(StartRow::describe).unwrap_or_default()
    }

    #[test]
    fn each_way_to_be_ready_has_its_own_words() {
        let base = || start("users", &[], [0, 10, 110]);
        let registered = DomainStart {
            registered_at: Some(ms(110)),
            ..base()
        };
        assert_eq!(describe(registered.clone()), "registered in 100 ms");
        let probed = DomainStart {
            readiness: "tcp 127.0.0.1:3000".to_owned(),
            ..base()
        };
        assert_eq!(
            describe(probed.clone()),
            "ready in 100 ms: tcp 127.0.0.1:3000"
        );
        let both = DomainStart {
            registered_at: Some(ms(40)),
            ..probed
        };
        let text = "registered in 30 ms, ready 70 ms later: tcp 127.0.0.1:3000";
        assert_eq!(describe(both), text);
        let plain = DomainStart {
            readiness: "started: while it runs, or when it has registered".to_owned(),
            ..base()
        };
        assert_eq!(describe(plain), "ready in 100 ms: started");
        let job = DomainStart {
            completed: true,
            phase: "completed".to_owned(),
            ..base()
        };
        assert_eq!(describe(job), "completed in 100 ms");
    }

    #[test]
    fn what_is_not_ready_says_why() {
        let pending = |phase: &str, reason: &str| DomainStart {
            ready_at: None,
            phase: phase.to_owned(),
            reason: reason.to_owned(),
            ..start("users", &[], [0, 10, 0])
        };
        let failed = pending("failed", "exit code 1\nat main.js");
        assert_eq!(describe(failed), "failed: exit code 1");
        let waiting = pending("waiting", "waiting for db: starting");
        assert_eq!(describe(waiting), "waiting for db: starting");
        let late = DomainStart {
            registered_at: Some(ms(40)),
            ..pending("running", "connection refused")
        };
        assert_eq!(
            describe(late),
            "registered in 30 ms; running: connection refused"
        );
    }

    #[test]
    fn what_delayed_a_start_is_told() {
        let mut delayed = DomainStart {
            attempts: 3,
            attempted_at: Some(ms(1_000)),
            spawned_at: Some(ms(5_200)),
            registered_at: Some(ms(5_300)),
            ready_at: Some(ms(5_300)),
            phase: "failed".to_owned(),
            reason: "exit code 1".to_owned(),
            is_initial: false,
            ..start("users", &[], [0, 0, 0])
        };
        delayed.preparation.install = ms(4_120);
        delayed.preparation.transform = ms(60);
        delayed.preparation.queue = ms(1);
        assert_eq!(
            describe(delayed),
            "registered in 100 ms; 2 earlier starts took 1000 ms; prepared: packages 4120 ms, code 60 ms; \
             started later, at +0 ms; now failed: exit code 1"
        );
    }

    #[test]
    fn the_headline_counts_what_was_started_with_the_instance() {
        let headline = |starts: &[DomainStart]| StartupReport::new(starts).headline();
        let db = start("db", &[], [0, 10, 300]);
        let mut mailer = start("mailer", &[], [0, 10, 0]);
        mailer.ready_at = None;
        let mut report = start("report", &[], [900, 910, 1_000]);
        report.is_initial = false;
        let mut job = start("migrate", &[], [0, 10, 200]);
        job.completed = true;
        assert_eq!(
            headline(&[db.clone(), report.clone()]),
            "1 domain ready after 300 ms"
        );
        assert_eq!(
            headline(&[db, job, mailer.clone()]),
            "1 domain ready, 1 job completed after 300 ms; not yet: mailer"
        );
        assert_eq!(
            headline(&[mailer]),
            "no domain of the start is ready; not yet: mailer"
        );
        assert_eq!(headline(&[report]), "no domain of the start is ready");
    }
}
