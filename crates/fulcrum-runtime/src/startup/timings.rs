//! The steps of an instance's start: as a trace, and on request as log lines, which tell of restarts,
//! too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fulcrum_logs::{Hub, Level};
use fulcrum_telemetry::traces::{SpanKind, SpanStatus};
use fulcrum_telemetry::{OwnSpan, SpanId, TelemetryService, TraceId};
use tokio::time::Instant;

use crate::clock;
use crate::events::event::Event;
use crate::events::stream::EventStream;

/// The steps of a start.
#[derive(Debug)]
pub struct Timings {
    started: Instant,
    started_at: SystemTime,
    /// The steps, and when each was complete.
    steps: Vec<(&'static str, Instant)>,
    is_logged: bool,
}

impl Timings {
    /// Begins the first step.
    #[must_use]
    pub fn begin(is_logged: bool) -> Self {
        Self {
            started: Instant::now(),
            started_at: clock::now(),
            steps: Vec::new(),
            is_logged,
        }
    }

    /// Completes a step.
    pub fn done(&mut self, step: &'static str) {
        self.steps.push((step, Instant::now()));
    }

    /// Records the steps as a trace, in which the configuration is what discovers domains.
    pub fn record(&self, service: Option<&TelemetryService>) {
        let Some(telemetry) = service.map(TelemetryService::telemetry) else {
            return;
        };
        let trace = TraceId::random();
        if !telemetry.samples(None, trace) {
            return;
        }
        let whole = SpanId::random();
        let span = |id, parent, name: &'static str, (from, to): (Instant, Instant)| OwnSpan {
            trace,
            id,
            parent,
            name: name.into(),
            kind: SpanKind::Internal,
            start: self.started_at + (from - self.started),
            duration: to - from,
            status: SpanStatus::Unset,
            attributes: Arc::default(),
        };
        let mut last = self.started;
        for (step, done) in &self.steps {
            telemetry.record(span(SpanId::random(), whole, step, (last, *done)));
            last = *done;
        }
        let times = (self.started, last);
        telemetry.record(span(whole, SpanId::default(), "start fulcrum", times));
    }

    /// Logs the steps, and then the times of starts and restarts until the instance ends.
    pub fn log(self, hub: &Hub, events: impl FnOnce() -> EventStream) {
        if !self.is_logged {
            return;
        }
        let text = describe_steps(self.started, &self.steps);
        hub.log(Level::Info, format!("timings: {text}"));
        let (hub, started, mut events) = (hub.clone(), self.started, events());
        tokio::spawn(async move {
            let mut starts = StartTimes::default();
            while let Some(event) = events.next().await {
                if let Some(text) = starts.on_event(&event, started.elapsed()) {
                    hub.log(Level::Info, format!("timings: {text}"));
                }
            }
        });
    }
}

/// `configuration 2.10 ms, lock 0.31 ms; in all 2.41 ms`
fn describe_steps(started: Instant, steps: &[(&str, Instant)]) -> String {
    let mut last = started;
    let mut texts = Vec::new();
    for (step, done) in steps {
        texts.push(format!("{step} {}", millis(*done - last)));
        last = *done;
    }
    format!("{}; in all {}", texts.join(", "), millis(last - started))
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// When processes exited that have no successor yet.
#[derive(Default)]
struct StartTimes {
    has_started: bool,
    exited: BTreeMap<String, SystemTime>,
}

impl StartTimes {
    /// What an event tells about the time of a start.
    fn on_event(&mut self, event: &Event, since_start: Duration) -> Option<String> {
        let domain = &event.domain;
        match event.kind {
            "exited" => {
                self.exited.insert(domain.clone(), event.time);
                None
            }
            "spawned" => {
                let exited = self.exited.remove(domain);
                let is_first = !std::mem::replace(&mut self.has_started, true);
                let pause = exited.and_then(|exited| event.time.duration_since(exited).ok());
                match pause {
                    Some(pause) => Some(format!(
                        "{domain} has a process again {} after the exit",
                        millis(pause)
                    )),
                    None if is_first => {
                        Some(format!("first process after {}", millis(since_start)))
                    }
                    None => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &'static str, millis: u64) -> Event {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        Event {
            seq: 1,
            time,
            first_time: time,
            count: 1,
            domain: "users".to_owned(),
            generation: 1,
            kind,
            phases: None,
            reason: String::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn steps_are_told_with_their_sum() {
        let started = Instant::now();
        let after = |micros| started + Duration::from_micros(micros);
        let steps = [("configuration", after(1_500)), ("lock", after(1_750))];
        assert_eq!(
            describe_steps(started, &steps),
            "configuration 1.50 ms, lock 0.25 ms; in all 1.75 ms"
        );
    }

    #[test]
    fn the_first_start_and_each_restart_are_told() {
        let mut starts = StartTimes::default();
        let mut told =
            |kind, millis| starts.on_event(&event(kind, millis), Duration::from_millis(millis));
        assert_eq!(
            told("spawned", 7).as_deref(),
            Some("first process after 7.00 ms")
        );
        assert_eq!(told("exited", 100), None);
        assert_eq!(
            told("spawned", 102).as_deref(),
            Some("users has a process again 2.00 ms after the exit")
        );
        assert_eq!(told("spawned", 200), None);
    }
}
