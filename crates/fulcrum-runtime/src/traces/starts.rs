//! The traces of starts and stops. Each start is a trace of its own: its parts are spans below the
//! whole, and the domain's own spans (`onStart`) join it by `TRACEPARENT`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::Transition;
use fulcrum_telemetry::traces::{SpanKind, SpanStatus};
use fulcrum_telemetry::{OwnSpan, SpanId, Telemetry, TraceContext, TraceId};

/// Records the traces of starts and stops; nothing without telemetry. Clones are handles to the same.
#[derive(Clone, Default)]
pub(crate) struct StartTraces(Option<Arc<Shared>>);

struct Shared {
    telemetry: Telemetry,
    open: Mutex<HashMap<String, Open>>,
}

/// What goes on with a domain.
#[derive(Default)]
struct Open {
    start: Option<Begun>,
    stop: Option<Begun>,
}

#[derive(Clone, Copy)]
struct Begun {
    generation: u64,
    context: TraceContext,
    at: SystemTime,
    /// When its process was there.
    spawned: Option<SystemTime>,
}

impl StartTraces {
    pub(crate) fn new(telemetry: Option<&Telemetry>) -> Self {
        let shared = telemetry.map(|telemetry| {
            Arc::new(Shared {
                telemetry: telemetry.clone(),
                open: Mutex::default(),
            })
        });
        Self(shared)
    }

    /// Whether anything is recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins the start of a generation, unless it has begun. Its place in its trace.
    pub(crate) fn begin(&self, domain: &str, generation: u64) -> Option<TraceContext> {
        let shared = self.0.as_ref()?;
        let mut open = shared.lock();
        let start = &mut open.entry(domain.to_owned()).or_default().start;
        let begun = start.filter(|begun| begun.generation == generation);
        let begun = begun.unwrap_or_else(|| shared.begin(generation));
        *start = Some(begun);
        Some(begun.context)
    }

    /// Records a part of a start that has just ended, if that start goes on.
    pub(crate) fn part(
        &self,
        domain: &str,
        generation: u64,
        name: &'static str,
        (from, error): (SystemTime, Option<String>),
    ) {
        let Some(shared) = &self.0 else {
            return;
        };
        let open = shared.lock();
        let start = open.get(domain).and_then(|open| open.start);
        let start = start.filter(|start| start.generation == generation && start.context.sampled);
        drop(open);
        if let Some(start) = start {
            let status = error.map_or(SpanStatus::Unset, SpanStatus::Error);
            let part = Begun {
                at: from,
                context: TraceContext {
                    span: SpanId::random(),
                    ..start.context
                },
                ..start
            };
            shared.record(domain, name, (part, start.context.span), status, None);
        }
    }

    /// The process of a start is there.
    pub(crate) fn spawned(&self, domain: &str, generation: u64, from: SystemTime) {
        let Some(shared) = &self.0 else {
            return;
        };
        self.part(domain, generation, "spawn", (from, None));
        let mut open = shared.lock();
        let start = open.get_mut(domain).and_then(|open| open.start.as_mut());
        if let Some(start) = start.filter(|start| start.generation == generation) {
            start.spawned = Some(crate::clock::now());
        }
    }

    /// The process of a start has registered.
    pub(crate) fn registered(&self, domain: &str, generation: u64) {
        let Some(shared) = &self.0 else {
            return;
        };
        let start = shared.lock().get(domain).and_then(|open| open.start);
        let start = start.filter(|start| start.generation == generation);
        if let Some(spawned) = start.and_then(|start| start.spawned) {
            self.part(domain, generation, "register", (spawned, None));
        }
    }

    /// A domain is ready after a reload.
    pub(crate) fn reloaded(&self, domain: &str, generation: u64, (lasted, what): (Duration, &str)) {
        let Some(shared) = &self.0 else {
            return;
        };
        let begun = shared.begin(generation);
        if begun.context.sampled {
            let at = begun.at.checked_sub(lasted).unwrap_or(begun.at);
            let begun = Begun { at, ..begun };
            let whole = (begun, SpanId(0));
            shared.record(domain, "reload", whole, SpanStatus::Unset, Some(what));
        }
    }

    /// A domain has changed its phase.
    pub(crate) fn on_transition(&self, transition: &Transition) {
        let Some(shared) = &self.0 else {
            return;
        };
        let Transition {
            domain,
            generation,
            from,
            to,
            ..
        } = transition;
        if *to == Phase::Preparing {
            self.begin(domain, *generation);
        }
        let mut open = shared.lock();
        let entry = open.entry(domain.clone()).or_default();
        let is_ready = *to == Phase::Running && transition.ready;
        let failed = matches!(to, Phase::Stopping | Phase::Backoff | Phase::Failed);
        let mut ended = Vec::new();
        if (is_ready || failed || *to == Phase::Stopped)
            && let Some(start) = entry.start.take()
        {
            let status = match is_ready {
                true => SpanStatus::Unset,
                false => SpanStatus::Error(transition.reason.clone()),
            };
            ended.push(("start", start, status));
        }
        if *to == Phase::Stopping && *from != Phase::Stopping {
            entry.stop = Some(shared.begin(*generation));
        } else if *from == Phase::Stopping
            && *to != Phase::Stopping
            && let Some(stop) = entry.stop.take()
        {
            let status = match to {
                Phase::Stuck => SpanStatus::Error(transition.reason.clone()),
                _ => SpanStatus::Unset,
            };
            ended.push(("stop", stop, status));
        }
        if entry.start.is_none() && entry.stop.is_none() {
            open.remove(domain);
        }
        drop(open);
        for (name, begun, status) in ended {
            if begun.context.sampled {
                let reason = Some(transition.reason.as_str());
                shared.record(domain, name, (begun, SpanId(0)), status, reason);
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, generation: u64) -> Begun {
        let trace = TraceId::random();
        Begun {
            generation,
            at: crate::clock::now(),
            spawned: None,
            context: TraceContext {
                trace,
                span: SpanId::random(),
                sampled: self.telemetry.samples(None, trace),
            },
        }
    }

    fn record(
        &self,
        domain: &str,
        name: &'static str,
        (begun, parent): (Begun, SpanId),
        status: SpanStatus,
        reason: Option<&str>,
    ) {
        let duration = crate::clock::now().duration_since(begun.at);
        let mut attributes = vec![
            ("fulcrum.domain".into(), domain.to_owned().into()),
            ("fulcrum.generation".into(), begun.generation.into()),
        ];
        if let Some(reason) = reason {
            attributes.push(("fulcrum.reason".into(), reason.to_owned().into()));
        }
        self.telemetry.record(OwnSpan {
            trace: begun.context.trace,
            id: begun.context.span,
            parent,
            name: match parent.is_none() {
                true => format!("{name} {domain}").into(),
                false => name.into(),
            },
            kind: SpanKind::Internal,
            start: begun.at,
            duration: duration.unwrap_or_default(),
            status,
            attributes: attributes.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use fulcrum_spawn::lifecycle::TransitionCause;
    use fulcrum_telemetry::TelemetryOptions;
    use fulcrum_telemetry::trace_store::TraceFilter;
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn transition(from: Phase, to: Phase, reason: &str) -> Transition {
        Transition {
            domain: "orders".to_owned(),
            generation: 1,
            from,
            to,
            time: SystemTime::UNIX_EPOCH,
            ready: to == Phase::Running,
            was_ready_before: false,
            reason: reason.to_owned(),
            cause: TransitionCause::Normal,
        }
    }

    async fn names(steps: &[(Phase, Phase, &str)]) -> Vec<(String, bool)> {
        let options = TelemetryOptions {
            memory: Some(1 << 20),
            ..TelemetryOptions::default()
        };
        let shutdown = CancellationToken::new();
        let (telemetry, task) = Telemetry::start(options, shutdown.clone());
        let traces = StartTraces::new(Some(&telemetry));
        for (from, to, reason) in steps {
            traces.on_transition(&transition(*from, *to, reason));
            let context = traces.begin("orders", 1).expect("on");
            if *to == Phase::Preparing {
                traces.part("orders", 1, "spawn", (crate::clock::now(), None));
                assert_eq!(traces.begin("orders", 1), Some(context));
            }
        }
        shutdown.cancel();
        task.await.expect("no panic");
        let kept = telemetry.traces(&TraceFilter::default(), 10);
        let spans = kept.iter().flat_map(|trace| telemetry.spans(trace.id));
        let spans = spans.flatten();
        spans
            .map(|span| (span.name.clone(), span.is_error()))
            .collect()
    }

    #[tokio::test]
    async fn a_start_is_one_trace_with_its_parts() {
        let steps = [
            (Phase::Waiting, Phase::Preparing, ""),
            (Phase::Preparing, Phase::Starting, ""),
            (Phase::Starting, Phase::Running, "registered"),
        ];
        let expected = [("start orders", false), ("spawn", false)];
        let expected = expected.map(|(name, error)| (name.to_owned(), error));
        assert_eq!(names(&steps).await, expected);
    }

    #[tokio::test]
    async fn a_start_that_fails_has_the_reason_and_a_stop_of_its_own() {
        let steps = [
            (Phase::Preparing, Phase::Starting, ""),
            (Phase::Starting, Phase::Stopping, "exit code 1"),
            (Phase::Stopping, Phase::Backoff, "exit code 1"),
        ];
        let mut names = names(&steps).await;
        names.sort();
        assert!(
            names.contains(&("start orders".to_owned(), true)),
            "{names:?}"
        );
        assert!(
            names.contains(&("stop orders".to_owned(), false)),
            "{names:?}"
        );
    }
}
