//! Traces and metrics for the control API.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fulcrum_config::select;
use fulcrum_logs::{Hub, Level, LogLine, LogQuery, ReceivedLine, detect_trace_id, take_said};
use fulcrum_rpc::control::progress::{MessageSender, message_channel};
use fulcrum_rpc::control::{
    MetricSeries, MetricsRequest, MetricsResponse, Span, SpanAttribute, SpanEvent, TraceLine,
    TraceRecordsResponse, TraceRequest, TraceResponse, TraceSummary, TracesRequest,
};
use fulcrum_rpc::{ControlError, FinishedRequest, MessageStream};
use fulcrum_telemetry::records::Record;
use fulcrum_telemetry::series::Series;
use fulcrum_telemetry::trace_store::{TraceFilter, TraceSummary as KeptTrace};
use fulcrum_telemetry::traces::{Row, Span as KeptSpan, SpanKind, SpanStatus, rows};
use fulcrum_telemetry::{OwnSpan, SpanId, Telemetry, TraceContext, TraceId};
use tokio::time::{Instant, sleep_until};

use crate::state::desired::DesiredStateReceiver;

/// A trace is complete when nothing of it has come for this long: exporters send every few seconds
/// at the latest, but most of a trace comes at once.
const SETTLE_TIME: Duration = Duration::from_secs(1);

/// The requests that are recorded. Calls have spans of their own.
const RECORDED: [&str; 4] = ["Change", "Reload", "Shutdown", "Signal"];

/// Lines of a trace, at most.
const MAX_LINES: usize = 1_000;

/// Reads what telemetry has kept.
#[derive(Clone)]
pub(crate) struct TraceReader {
    pub(crate) telemetry: Option<Telemetry>,
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) hub: Hub,
}

impl TraceReader {
    /// The traces that a request selects.
    ///
    /// # Errors
    /// Nothing is kept, or a domain is unknown.
    pub(crate) fn list(
        &self,
        request: TracesRequest,
    ) -> Result<MessageStream<TraceSummary>, ControlError> {
        let telemetry = self.telemetry()?.clone();
        let filter = TraceFilter {
            domains: self.names(&request.domains)?,
            min_duration: (request.min_duration_ns > 0)
                .then(|| Duration::from_nanos(request.min_duration_ns)),
            errors: request.errors,
        };
        if request.follow {
            let (sender, stream) = message_channel();
            tokio::spawn(follow(telemetry, filter, sender));
            return Ok(stream);
        }
        let limit = match request.limit {
            0 => usize::MAX,
            limit => limit as usize,
        };
        let traces = telemetry.traces(&filter, limit).into_iter();
        let messages: Vec<_> = traces.map(|trace| Ok(summary(trace))).collect();
        Ok(Box::pin(tokio_stream::iter(messages)))
    }

    /// One trace with its spans and lines.
    ///
    /// # Errors
    /// Nothing is kept, or there is no such trace, or several.
    pub(crate) fn show(&self, request: &TraceRequest) -> Result<TraceResponse, ControlError> {
        let telemetry = self.telemetry()?;
        let id = find(telemetry, &request.id)?;
        let gone = || ControlError::NotFound(format!("trace {id} is not kept any more"));
        let spans = telemetry.spans(id).ok_or_else(gone)?;
        let trace = telemetry.find_trace(id, &TraceFilter::default());
        let trace = trace.ok_or_else(gone)?;
        let lines = self.lines(id, &trace, &spans, telemetry.records(id));
        Ok(TraceResponse {
            trace: Some(summary(trace)),
            spans: rows(&spans).iter().map(span).collect(),
            lines,
        })
    }

    /// The log records of a trace, or of the traces whose ids begin so, that were received over
    /// OTLP; none if nothing is kept.
    ///
    /// # Errors
    /// It is no id.
    pub(crate) fn records(
        &self,
        request: &TraceRequest,
    ) -> Result<TraceRecordsResponse, ControlError> {
        let digits = trace_digits(&request.id)?;
        let telemetry = self.telemetry.as_ref();
        let records = telemetry.map_or_else(Vec::new, |kept| kept.find_records(&digits));
        Ok(TraceRecordsResponse {
            records: records
                .into_iter()
                .map(|record| record_line(received_line(record)))
                .collect(),
        })
    }

    /// The metrics that a request selects.
    ///
    /// # Errors
    /// Nothing is kept, or a domain is unknown.
    pub(crate) fn metrics(
        &self,
        request: &MetricsRequest,
    ) -> Result<MetricsResponse, ControlError> {
        let telemetry = self.telemetry()?;
        let domains = self.names(&request.domains)?;
        let series = telemetry.series(&request.name, &domains);
        Ok(MetricsResponse {
            series: series.into_iter().map(metric).collect(),
        })
    }

    /// Records a request that changes something. Others are many, such as those of a
    /// client that shows the status all the time.
    pub(crate) fn record_request(&self, request: &FinishedRequest<'_>) {
        let name = request.method.rsplit('/').next().unwrap_or_default();
        let Some(telemetry) = self.telemetry.as_ref().filter(|_| RECORDED.contains(&name)) else {
            return;
        };
        let parent = TraceContext::parse(request.traceparent);
        let trace = parent.map_or_else(TraceId::random, |parent| parent.trace);
        if !telemetry.samples(parent, trace) {
            return;
        }
        let status = match request.status {
            Some(0) => SpanStatus::Unset,
            Some(code) => SpanStatus::Error(format!("gRPC status {code}")),
            None => SpanStatus::Error("the client has gone".to_owned()),
        };
        let code = request.status.unwrap_or(1);
        telemetry.record(OwnSpan {
            trace,
            id: SpanId::random(),
            parent: parent.map_or(SpanId::default(), |parent| parent.span),
            name: request.method.into(),
            kind: SpanKind::Server,
            start: request.started,
            duration: request.duration,
            status,
            attributes: vec![
                ("rpc.system.name".into(), "grpc".into()),
                ("rpc.method".into(), request.method.to_owned().into()),
                ("rpc.response.status_code".into(), code.to_string().into()),
            ]
            .into(),
        });
    }

    fn telemetry(&self) -> Result<&Telemetry, ControlError> {
        let telemetry = self
            .telemetry
            .as_ref()
            .filter(|telemetry| telemetry.keeps());
        telemetry.ok_or_else(|| {
            ControlError::Failed(
                "this instance keeps no traces: `fulcrum dev` does, and others with \
                 `runtime.telemetry.receive: true`"
                    .to_owned(),
            )
        })
    }

    /// The names that patterns select: domains, and services that are none.
    fn names(&self, patterns: &[String]) -> Result<Vec<String>, ControlError> {
        let desired = self.desired.current();
        let mut names = BTreeSet::new();
        for pattern in patterns {
            match select(&desired.app, std::slice::from_ref(pattern)) {
                Ok(selected) => names.extend(selected),
                Err(unknown) if pattern.contains(['*', '?']) => {
                    return Err(ControlError::NotFound(unknown.message(&desired.app)));
                }
                Err(_) => {
                    names.insert(pattern.clone());
                }
            }
        }
        Ok(names.into_iter().collect())
    }

    /// The lines with the id of the trace, those that its domains wrote meanwhile, and the records
    /// that came over OTLP, in the order of their times.
    fn lines(
        &self,
        id: TraceId,
        trace: &KeptTrace,
        spans: &[KeptSpan],
        records: Vec<Record>,
    ) -> Vec<TraceLine> {
        let at = |nanos: u64| UNIX_EPOCH + Duration::from_nanos(nanos);
        let end = trace.start.saturating_add(trace.duration);
        let mut received: Vec<ReceivedLine> = records.into_iter().map(received_line).collect();
        // Records may come before the spans of their domain.
        let said = received.iter().map(|one| one.domain.to_string());
        let domains: BTreeSet<String> = trace.origins.iter().cloned().chain(said).collect();
        let query = LogQuery {
            domains: Some(domains),
            // A line is read a moment after it was written.
            since: Some(at(trace.start)),
            until: Some(at(end) + SETTLE_TIME),
            ..LogQuery::default()
        };
        let busy = busy_times(spans);
        let id = id.to_string();
        let lines = self.hub.tail(&query).into_iter();
        let lines = lines.filter_map(|line| {
            let said = take_said(&mut received, &line);
            let mut line = trace_line(&line, &id);
            // A logger that both prints and exports tells the trace only in one of them.
            if let Some(said) = said {
                line.of_trace = true;
                line.span = said.span_id.unwrap_or_default();
            }
            let busy = busy.get(line.origin.as_str());
            let meanwhile = busy.is_some_and(|(from, to)| (*from..=*to).contains(&line.time_ns));
            (line.of_trace || meanwhile).then_some(line)
        });
        let lines: Vec<TraceLine> = lines.take(MAX_LINES).collect();
        let records = received.into_iter().map(record_line);
        let mut lines: Vec<TraceLine> = lines.into_iter().chain(records).collect();
        lines.sort_by_key(|line| line.time_ns);
        lines
    }
}

/// When each origin was part of a trace: from its first begin to its last end.
fn busy_times(spans: &[KeptSpan]) -> BTreeMap<&str, (u64, u64)> {
    let mut busy: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for span in spans {
        let entry = busy.entry(span.origin.name());
        let (from, to) = entry.or_insert((span.start, span.end));
        *from = span.start.min(*from);
        *to = span.end.max(*to);
    }
    busy
}

/// The digits of a trace's id, or the first ones of it, as they are kept.
fn trace_digits(text: &str) -> Result<String, ControlError> {
    let digits = text.trim().to_ascii_lowercase();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let text = format!("{text:?} is not the id of a trace, which has 32 hexadecimal digits");
        return Err(ControlError::Invalid(text));
    }
    Ok(digits)
}

/// The trace with this id, or with an id that begins so.
fn find(telemetry: &Telemetry, text: &str) -> Result<TraceId, ControlError> {
    let digits = trace_digits(text)?;
    match telemetry.find_by_prefix(&digits)[..] {
        [id] => Ok(id),
        [] => Err(ControlError::NotFound(format!(
            "there is no trace {digits}: `fulcrum traces` lists those that are kept"
        ))),
        [..] => Err(ControlError::Invalid(format!(
            "several traces begin with {digits}: write more of the id"
        ))),
    }
}

/// Sends traces as they are complete.
async fn follow(telemetry: Telemetry, filter: TraceFilter, sender: MessageSender<TraceSummary>) {
    let mut changes = telemetry.changes();
    let mut seen = telemetry.last_change();
    let mut open: BTreeMap<TraceId, Instant> = BTreeMap::new();
    let mut sent: BTreeSet<TraceId> = BTreeSet::new();
    loop {
        let due = open.values().min().copied();
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            () = sender.closed() => return,
        }
        let now = Instant::now();
        let changed = telemetry.changed_since(seen);
        seen = telemetry.last_change();
        open.extend(changed.into_iter().map(|id| (id, now + SETTLE_TIME)));
        let settled: Vec<TraceId> = open
            .iter()
            .filter(|(_, due)| **due <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in settled {
            open.remove(&id);
            // What comes late is in `show`.
            let found = telemetry.find_trace(id, &filter);
            let Some(trace) = found.filter(|_| sent.insert(id)) else {
                continue;
            };
            if sender.send(Ok(summary(trace))).await.is_err() {
                return;
            }
        }
    }
}

fn summary(trace: KeptTrace) -> TraceSummary {
    TraceSummary {
        id: trace.id.to_string(),
        name: trace.name,
        origin: trace.origin,
        start: Some(system_time(trace.start).into()),
        duration_ns: trace.duration,
        spans: u32::try_from(trace.spans).unwrap_or(u32::MAX),
        errors: u32::try_from(trace.errors).unwrap_or(u32::MAX),
        origins: trace.origins,
    }
}

fn span(row: &Row<'_>) -> Span {
    let span = row.span.clone();
    let events = span.events.into_iter().map(|event| SpanEvent {
        time_ns: event.time,
        name: event.name,
        attributes: attributes(event.attributes),
    });
    Span {
        id: span.id.to_string(),
        parent: match span.parent.is_none() {
            true => String::new(),
            false => span.parent.to_string(),
        },
        name: span.name,
        kind: span.kind.name().to_owned(),
        origin: span.origin.name().to_owned(),
        start_ns: span.start,
        duration_ns: span.end.saturating_sub(span.start),
        error: match span.status {
            SpanStatus::Error(text) => Some(text),
            SpanStatus::Unset | SpanStatus::Ok => None,
        },
        attributes: attributes(span.attributes),
        events: events.collect(),
        depth: u32::try_from(row.depth).unwrap_or(u32::MAX),
        orphan: row.is_orphan,
    }
}

fn attributes(attributes: Vec<(String, String)>) -> Vec<SpanAttribute> {
    let attributes = attributes.into_iter();
    attributes
        .map(|(name, value)| SpanAttribute { name, value })
        .collect()
}

fn trace_line(line: &LogLine, id: &str) -> TraceLine {
    TraceLine {
        time_ns: nanos(line.time),
        origin: line.source.domain.to_string(),
        level: line.level.map(|level| level.as_str().to_owned()),
        message: line.content().to_vec(),
        of_trace: detect_trace_id(&line.message).is_some_and(|found| found == id),
        ..TraceLine::default()
    }
}

fn received_line(record: Record) -> ReceivedLine {
    ReceivedLine {
        time: system_time(record.time),
        domain: record.origin.name().into(),
        level: Level::from_name(record.level.as_bytes()),
        trace_id: record.trace.map(|trace| trace.to_string()),
        span_id: (!record.span.is_none()).then(|| record.span.to_string()),
        text: record.text,
    }
}

fn record_line(received: ReceivedLine) -> TraceLine {
    TraceLine {
        time_ns: nanos(received.time),
        origin: received.domain.to_string(),
        level: received.level.map(|level| level.as_str().to_owned()),
        message: received.text.into_bytes(),
        of_trace: true,
        span: received.span_id.unwrap_or_default(),
        otlp: true,
        trace: received.trace_id.unwrap_or_default(),
    }
}

fn metric(series: Series) -> MetricSeries {
    MetricSeries {
        last: series.last(),
        values: series.values(),
        kind: series.kind.name().to_owned(),
        unit: series.unit,
        name: series.id.name,
        origin: series.id.origin.name().to_owned(),
        attributes: attributes(series.id.attributes),
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn system_time(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}
