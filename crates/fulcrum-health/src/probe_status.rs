//! The last results of a generation's probes, where they failed.

use std::fmt;

/// A failed check, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeFailure {
    /// Why it failed.
    pub reason: String,
    /// Failures in a row that count; 0 where they are not counted.
    pub failures: u32,
    /// Failures in a row that change the state.
    pub threshold: u32,
}

impl ProbeFailure {
    /// A failure that is not counted, such as a text that has not appeared yet.
    #[must_use]
    pub fn new(reason: String) -> Self {
        Self {
            reason,
            failures: 0,
            threshold: 0,
        }
    }
}

impl fmt::Display for ProbeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            reason,
            failures,
            threshold,
        } = self;
        match failures {
            0 => f.write_str(reason),
            few if few < threshold => write!(f, "{reason} ({few} of {threshold} failures)"),
            many => write!(f, "{reason} ({many} failures in a row)"),
        }
    }
}

/// The last results of the probes of one generation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeStatus {
    /// The readiness probe has succeeded at least once in this generation.
    pub has_succeeded: bool,
    /// Why the last answer to the readiness probe may be that of another program, if that cannot be
    /// known.
    pub unverified: Option<String>,
    /// The last failure of the readiness probe, if its last check failed.
    pub ready: Option<ProbeFailure>,
    /// The last failure of the liveness probe, if its last check failed.
    pub alive: Option<ProbeFailure>,
}

impl ProbeStatus {
    /// Records a check of the readiness probe. A success may say why the answer is uncertain.
    pub fn record_ready(&mut self, result: &Result<Option<String>, ProbeFailure>) {
        match result {
            Ok(unverified) => {
                self.has_succeeded = true;
                self.ready = None;
                self.unverified.clone_from(unverified);
            }
            Err(failure) => self.ready = Some(failure.clone()),
        }
    }

    /// `reason`, followed by the failures that it doesn't mention.
    #[must_use]
    pub fn append_to_reason(&self, reason: &str) -> String {
        let mut text = reason.to_owned();
        for (name, failure) in [("ready", &self.ready), ("alive", &self.alive)] {
            let failure = failure.as_ref();
            if let Some(failure) = failure.filter(|failure| !reason.contains(&failure.reason)) {
                text.push_str(&format!("; {name} probe: {failure}"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_appended_unless_the_reason_names_it() {
        let append = |failures, reason| {
            let status = ProbeStatus {
                ready: Some(ProbeFailure {
                    reason: "http 503".to_owned(),
                    failures,
                    threshold: 3,
                }),
                ..ProbeStatus::default()
            };
            status.append_to_reason(reason)
        };
        assert_eq!(
            append(2, "ready"),
            "ready; ready probe: http 503 (2 of 3 failures)"
        );
        assert_eq!(
            append(4, "spawned"),
            "spawned; ready probe: http 503 (4 failures in a row)"
        );
        let reason = "ready probe failed 3 times: http 503";
        assert_eq!(append(3, reason), reason);
        assert_eq!(ProbeStatus::default().append_to_reason("ready"), "ready");
    }

    #[test]
    fn an_uncertain_answer_is_remembered_until_a_certain_one() {
        let mut status = ProbeStatus::default();
        status.record_ready(&Ok(Some("not visible".to_owned())));
        assert!(status.has_succeeded);
        status.record_ready(&Err(ProbeFailure::new("refused".to_owned())));
        assert_eq!(status.unverified.as_deref(), Some("not visible"));
        assert!(status.ready.is_some());
        status.record_ready(&Ok(None));
        assert_eq!((status.ready, status.unverified), (None, None));
    }
}
