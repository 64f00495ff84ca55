//! Calls of domains, as traces.

use fulcrum_rpc::{CallObserver, CallOutcome, CallTrace, FinishedCall, TraceHeaders};
use fulcrum_telemetry::{CallNames, CallRecord, SpanId, Telemetry, TraceContext, TraceId};

/// The longest error that a span has, in bytes.
const MAX_ERROR: usize = 512;

/// The longest name of a domain that a span has, in bytes: a caller may make up any.
const MAX_NAME: usize = 64;

/// Decides which calls are traced, and records their spans.
pub(crate) struct CallTracer {
    telemetry: Telemetry,
    names: CallNames,
}

impl CallTracer {
    pub(crate) fn new(telemetry: Telemetry) -> Self {
        Self {
            telemetry,
            names: CallNames::default(),
        }
    }
}

impl CallObserver for CallTracer {
    fn begin(&self, caller: &TraceHeaders) -> Option<CallTrace> {
        let parent = match caller.traceparent.is_empty() {
            true => None,
            false => TraceContext::parse(&caller.traceparent),
        };
        let trace = parent.map_or_else(TraceId::random, |parent| parent.trace);
        let sampled = self.telemetry.samples(parent, trace);
        if !sampled && parent.is_some() {
            // What the caller sent goes on unchanged: there is no span between it and the domain.
            return None;
        }
        Some(CallTrace {
            trace_id: trace.get(),
            parent: parent.map_or(0, |parent| parent.span.0),
            server_span: SpanId::random().0,
            client_span: SpanId::random().0,
            sampled,
            // Without a parent, they belong to no trace.
            tracestate: match parent {
                Some(_) => caller.tracestate.clone(),
                None => String::new(),
            },
            baggage: caller.baggage.clone(),
        })
    }

    fn end(&self, call: FinishedCall<'_>) {
        let Some(traced) = call.trace.filter(|trace| trace.sampled) else {
            return;
        };
        let Some(trace) = TraceId::new(traced.trace_id) else {
            return;
        };
        self.telemetry.record_call(CallRecord {
            trace,
            parent: SpanId(traced.parent),
            server: SpanId(traced.server_span),
            client: SpanId(traced.client_span),
            name: self.names.get(truncated(call.domain, MAX_NAME), call.type_),
            started: call.started,
            duration: call.duration,
            queued: call.queued,
            request_bytes: call.request_bytes,
            response_bytes: call.response_bytes,
            outcome: call.outcome.name(),
            error: error_of(&call.outcome),
        });
    }

    fn takes_spans(&self) -> bool {
        true
    }

    fn spans(&self, domain: &str, generation: u64, payload: &str) {
        self.telemetry.record_library(domain, generation, payload);
    }
}

/// The beginning of a text, in whole characters.
fn truncated(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn error_of(outcome: &CallOutcome<'_>) -> Option<String> {
    match outcome {
        CallOutcome::Error(text) | CallOutcome::Failure(_, text) => {
            Some(truncated(text, MAX_ERROR).to_owned())
        }
        CallOutcome::Cancelled => Some("the caller has given up".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use fulcrum_telemetry::trace_store::TraceFilter;
    use fulcrum_telemetry::{Sampler, TelemetryOptions};
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn tracer(sampler: Sampler) -> (CallTracer, Telemetry) {
        let options = TelemetryOptions {
            memory: Some(1 << 20),
            sampler,
            ..TelemetryOptions::default()
        };
        let (telemetry, _task) = Telemetry::start(options, CancellationToken::new());
        (CallTracer::new(telemetry.clone()), telemetry)
    }

    fn caller(flags: &str) -> TraceHeaders {
        TraceHeaders {
            traceparent: format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"),
            tracestate: "a=1".into(),
            baggage: "k=v".into(),
        }
    }

    #[tokio::test]
    async fn a_call_continues_the_trace_of_its_caller() {
        let (tracer, _telemetry) = tracer(Sampler::ratio(0.0));
        let trace = tracer.begin(&caller("01")).expect("traced");
        assert_eq!(
            format!("{:032x}", trace.trace_id),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        assert_eq!(trace.parent, 0x00f0_67aa_0ba9_02b7);
        assert!(trace.sampled);
        assert_eq!((&*trace.tracestate, &*trace.baggage), ("a=1", "k=v"));
        assert_eq!(
            tracer.begin(&caller("00")),
            None,
            "it is passed on as it is"
        );
        let begun = tracer.begin(&TraceHeaders::default()).expect("numbers");
        assert!(!begun.sampled && begun.parent == 0);
    }

    #[tokio::test]
    async fn the_spans_of_a_call_are_kept() {
        let (tracer, telemetry) = tracer(Sampler::default());
        let trace = tracer.begin(&caller("01")).expect("traced");
        tracer.end(FinishedCall {
            caller: "cli",
            domain: "orders",
            type_: "order_create_request",
            started: SystemTime::UNIX_EPOCH,
            duration: Duration::from_millis(5),
            queued: Some(Duration::from_millis(1)),
            request_bytes: 10,
            response_bytes: 20,
            outcome: CallOutcome::Error("sold out"),
            trace: Some(&trace),
        });
        let mut changes = telemetry.changes();
        changes.changed().await.expect("kept");
        let traces = telemetry.traces(&TraceFilter::default(), 10);
        assert_eq!((traces[0].spans, traces[0].errors), (2, 2));
    }
}
