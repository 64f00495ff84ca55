//! Observes calls for metrics and for traces.

use fulcrum_rpc::{CallObserver, CallOutcome, CallTrace, FailureCode, FinishedCall, TraceHeaders};
use fulcrum_telemetry::TraceId;
use fulcrum_telemetry::metrics::{CallFacts, CallOutcome as Outcome, Metrics};

use crate::traces::calls::CallTracer;

/// Who is counted as a caller that is neither a domain nor one of the words for other callers.
const EXTERNAL: &str = "external";

/// The words for callers that are no domain.
const OTHERS: [&str; 3] = ["cli", "web", EXTERNAL];

/// Counts calls, and passes them on to be traced.
pub(crate) struct CallCounter {
    metrics: Metrics,
    tracer: Option<CallTracer>,
}

impl CallCounter {
    pub(crate) fn new(metrics: Metrics, tracer: Option<CallTracer>) -> Self {
        Self { metrics, tracer }
    }

    fn count(&self, call: &FinishedCall<'_>) {
        // A caller may make up names; they are nobody's.
        let Some(domain) = self.metrics.domain(call.domain) else {
            return;
        };
        let is_known = OTHERS.contains(&call.caller) || self.metrics.domain(call.caller).is_some();
        let trace = call.trace.filter(|trace| trace.sampled);
        let facts = CallFacts {
            caller: if is_known { call.caller } else { EXTERNAL },
            type_: call.type_,
            outcome: outcome(&call.outcome),
            duration: call.duration,
            trace_id: trace.and_then(|trace| TraceId::new(trace.trace_id)),
        };
        domain.called(&facts, call.started + call.duration);
    }
}

impl CallObserver for CallCounter {
    fn begin(&self, caller: &TraceHeaders) -> Option<CallTrace> {
        self.tracer.as_ref()?.begin(caller)
    }

    fn end(&self, call: FinishedCall<'_>) {
        self.count(&call);
        if let Some(tracer) = &self.tracer {
            tracer.end(call);
        }
    }

    fn takes_spans(&self) -> bool {
        self.tracer.as_ref().is_some_and(CallTracer::takes_spans)
    }

    fn spans(&self, domain: &str, generation: u64, payload: &str) {
        if let Some(tracer) = &self.tracer {
            tracer.spans(domain, generation, payload);
        }
    }
}

fn outcome(outcome: &CallOutcome<'_>) -> Outcome {
    match outcome {
        CallOutcome::Success => Outcome::Ok,
        CallOutcome::Cancelled | CallOutcome::Failure(FailureCode::Cancelled, _) => {
            Outcome::Cancelled
        }
        CallOutcome::Failure(FailureCode::Unavailable, _) => Outcome::Unavailable,
        CallOutcome::Failure(FailureCode::Overloaded, _) => Outcome::Overloaded,
        CallOutcome::Failure(FailureCode::TooLarge, _) => Outcome::TooLarge,
        CallOutcome::Failure(FailureCode::Timeout, _) => Outcome::Timeout,
        CallOutcome::Failure(FailureCode::Invalid, _) => Outcome::Invalid,
        // Kinds that are not known yet are failures, too.
        _ => Outcome::Error,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use fulcrum_telemetry::metrics::{DomainFacts, Snapshot, TextFormat};

    use super::*;

    #[test]
    fn made_up_callers_and_domains_have_no_series() {
        let metrics = Metrics::default();
        let _users = metrics.add_domain("users");
        let _orders = metrics.add_domain("orders");
        let counter = CallCounter::new(metrics.clone(), None);
        let call = |caller, domain| {
            let trace = CallTrace {
                trace_id: 0xab,
                sampled: true,
                ..CallTrace::default()
            };
            counter.end(FinishedCall {
                caller,
                domain,
                type_: "index_request",
                started: SystemTime::UNIX_EPOCH,
                duration: Duration::from_millis(2),
                queued: None,
                request_bytes: 2,
                response_bytes: 2,
                outcome: CallOutcome::Success,
                trace: Some(&trace),
            });
        };
        call("orders", "users");
        call("cli", "users");
        call("made-up", "users");
        call("orders", "made-up");
        let users = DomainFacts {
            name: "users".to_owned(),
            ..DomainFacts::default()
        };
        let snapshot = Snapshot {
            domains: vec![users],
            ..Snapshot::default()
        };
        let text = metrics.encode(
            snapshot,
            TextFormat::OpenMetrics,
            tokio::time::Instant::now().into_std(),
        );
        for caller in ["orders", "cli", "external"] {
            let counted = format!(
                "{{caller=\"{caller}\",domain=\"users\",type=\"index_request\",outcome=\"ok\"}} 1\n"
            );
            assert!(text.contains(&counted), "{text}");
        }
        assert!(!text.contains("made-up"), "{text}");
        assert!(
            text.contains("trace_id=\"000000000000000000000000000000ab\""),
            "{text}"
        );
    }
}
