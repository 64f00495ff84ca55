//! What joins the parts: spans that are recorded here and telemetry that is received are kept in
//! memory and perhaps on disk, and passed on to a collector.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as ProtoSpan};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::context::{Sampler, TraceContext, TraceId};
use crate::convert;
use crate::disk::Disk;
use crate::export::{Forwarder, Signal};
use crate::records::Record;
use crate::resource::Resource;
use crate::series::Series;
use crate::spans::{self, CallRecord, LibraryReader, OwnSpan};
use crate::stores::{Stores, Usage};
use crate::trace_store::{TraceFilter, TraceStore, TraceSummary};
use crate::traces::{DOMAIN_ATTRIBUTE, Origin, Span};

/// Recorded spans that may wait to be taken. Beyond it they are dropped and counted.
const QUEUE: usize = 16 * 1024;

/// Spans that are passed on together, at most.
const BATCH: usize = 1024;

/// How long the first span of a batch waits for others.
const BATCH_DELAY: Duration = Duration::from_millis(100);

/// What is recorded, kept and passed on.
#[derive(Debug, Default)]
pub struct TelemetryOptions {
    /// The memory for what is kept, in bytes. Nothing is kept without it.
    pub memory: Option<usize>,
    /// A file that what is kept is also written to, within the same bound, and that is read at first.
    pub disk: Option<PathBuf>,
    /// Which traces are recorded.
    pub sampler: Sampler,
    /// What this process is.
    pub resource: Resource,
    /// Where everything is passed on to.
    pub forwarder: Option<Forwarder>,
}

/// A handle to all of it; clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Telemetry {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    stores: Option<Stores>,
    sampler: Sampler,
    resource: Resource,
    own_origin: Arc<Origin>,
    forwarder: Option<Forwarder>,
    disk: Option<Disk>,
    queue: mpsc::Sender<Recorded>,
    dropped: AtomicU64,
    malformed: AtomicU64,
    changes: watch::Sender<()>,
}

/// What waits to be kept and passed on.
#[derive(Debug)]
enum Recorded {
    Call(CallRecord),
    Own(Box<OwnSpan>),
    /// Of a domain's client library: the domain, its generation, and the payload.
    Library(Arc<str>, u64, String),
}

/// What was lost, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Spans that were recorded faster than they could be taken.
    pub unqueued: u64,
    /// Spans that were malformed, or that their sender had dropped already.
    pub malformed: u64,
    /// Spans, records and points that made room for newer ones, or did not fit.
    pub evicted: u64,
    /// Requests that the collector has not taken.
    pub unsent: u64,
    /// Requests that are not in the file on disk.
    pub unwritten: u64,
}

impl Losses {
    /// What was lost, for people; none if nothing was. What made room for newer is no loss.
    #[must_use]
    pub fn describe(&self) -> Option<String> {
        let parts = [
            (self.unqueued, "recorded too fast"),
            (self.malformed, "malformed"),
            (self.unsent, "not taken by the collector"),
            (self.unwritten, "not written to disk"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, why)| format!("{count} {why}")).collect();
        (!parts.is_empty()).then(|| format!("telemetry was dropped: {}", parts.join(", ")))
    }
}

impl Telemetry {
    /// Starts the task that takes recorded spans; it ends after the shutdown, when all are taken.
    /// Blocks while a file on disk is read.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(
        options: TelemetryOptions,
        shutdown: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, recorded) = mpsc::channel(QUEUE);
        let own_origin = Arc::new(Origin {
            service: options.resource.service().to_owned(),
            domain: None,
        });
        let stores = options
            .memory
            .map(|memory| Stores::new(memory, Arc::clone(&own_origin)));
        let disk = stores.as_ref().zip(options.disk.zip(options.memory));
        let disk = disk.map(|(stores, (path, limit))| {
            Disk::start(path, limit, &mut |signal, body| {
                stores.restore(signal, body);
            })
        });
        let telemetry = Self {
            shared: Arc::new(Shared {
                stores,
                sampler: options.sampler,
                resource: options.resource,
                own_origin,
                forwarder: options.forwarder,
                disk,
                queue,
                dropped: AtomicU64::new(0),
                malformed: AtomicU64::new(0),
                changes: watch::Sender::new(()),
            }),
        };
        let task = tokio::spawn(take_recorded(telemetry.clone(), recorded, shutdown));
        (telemetry, task)
    }

    /// Whether a trace is recorded that is continued from `parent`, or begins here.
    #[must_use]
    pub fn samples(&self, parent: Option<TraceContext>, trace: TraceId) -> bool {
        self.shared.sampler.samples(parent, trace)
    }

    /// Records a call. Never waits.
    pub fn record_call(&self, call: CallRecord) {
        self.push(Recorded::Call(call));
    }

    /// Records a span of this process. Never waits.
    pub fn record(&self, span: OwnSpan) {
        self.push(Recorded::Own(Box::new(span)));
    }

    /// Records spans of a domain's client library, from the payload of its message. Never waits.
    pub fn record_library(&self, domain: &str, generation: u64, payload: &str) {
        let domain = Arc::from(domain);
        self.push(Recorded::Library(domain, generation, payload.to_owned()));
    }

    fn push(&self, recorded: Recorded) {
        if self.shared.queue.try_send(recorded).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes traces that were received.
    pub fn receive_traces(
        &self,
        request: &ExportTraceServiceRequest,
    ) -> ExportTraceServiceResponse {
        let (spans, malformed) = convert::spans(request);
        self.keep(|stores| stores.insert_spans(spans));
        self.pass_on(Signal::Traces, request);
        let mut response = ExportTraceServiceResponse::default();
        if malformed > 0 {
            self.add_malformed(malformed);
            response.partial_success = Some(ExportTracePartialSuccess {
                rejected_spans: i64::try_from(malformed).unwrap_or(i64::MAX),
                error_message: format!("{malformed} spans have no valid trace id and span id"),
            });
        }
        response
    }

    /// Takes metrics that were received.
    pub fn receive_metrics(&self, request: &ExportMetricsServiceRequest) {
        if let Some(stores) = &self.shared.stores {
            stores.insert_metrics(request);
        }
        self.pass_on(Signal::Metrics, request);
    }

    /// Takes log records that were received.
    pub fn receive_logs(&self, request: &ExportLogsServiceRequest) {
        if let Some(stores) = &self.shared.stores {
            stores.insert_logs(request);
        }
        self.pass_on(Signal::Logs, request);
    }

    /// The traces that a filter accepts, the newest first, at most so many.
    #[must_use]
    pub fn traces(&self, filter: &TraceFilter, limit: usize) -> Vec<TraceSummary> {
        self.with_traces(|traces| traces.list(filter, limit))
    }

    /// The traces that have changed since a number of [`TraceSummary::changed`].
    #[must_use]
    pub fn changed_since(&self, number: u64) -> Vec<TraceId> {
        self.with_traces(|traces| traces.changed_since(number))
    }

    /// The number of the last change of a trace.
    #[must_use]
    pub fn last_change(&self) -> u64 {
        self.with_traces(|traces| traces.last_change())
    }

    /// One trace in short, if the filter accepts it.
    #[must_use]
    pub fn find_trace(&self, id: TraceId, filter: &TraceFilter) -> Option<TraceSummary> {
        self.with_traces(|traces| traces.find(id, filter))
    }

    /// The ids of the traces that begin with these hexadecimal digits.
    #[must_use]
    pub fn find_by_prefix(&self, digits: &str) -> Vec<TraceId> {
        self.with_traces(|traces| traces.find_by_prefix(digits))
    }

    /// The spans of a trace, in the order of their begin; none if it is not kept.
    #[must_use]
    pub fn spans(&self, id: TraceId) -> Option<Vec<Span>> {
        self.with_traces(|traces| traces.spans(id))
    }

    /// The log records of a trace that came over OTLP.
    #[must_use]
    pub fn records(&self, id: TraceId) -> Vec<Record> {
        let stores = self.shared.stores.as_ref();
        stores.map_or_else(Vec::new, |stores| stores.records().of_trace(id))
    }

    /// The log records that came over OTLP, of the traces whose ids begin with these hexadecimal
    /// digits.
    #[must_use]
    pub fn find_records(&self, digits: &str) -> Vec<Record> {
        let stores = self.shared.stores.as_ref();
        stores.map_or_else(Vec::new, |stores| stores.records().of_traces(digits))
    }

    /// The series whose metric's name contains a text, of some domains (all, if there are none).
    #[must_use]
    pub fn series(&self, name: &str, domains: &[String]) -> Vec<Series> {
        let stores = self.shared.stores.as_ref();
        stores.map_or_else(Vec::new, |stores| stores.series().find(name, domains))
    }

    /// Notified when traces have changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changes.subscribe()
    }

    /// Whether anything is kept in memory.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.shared.stores.is_some()
    }

    /// What was lost, since the start.
    #[must_use]
    pub fn losses(&self) -> Losses {
        let Shared {
            stores,
            forwarder,
            disk,
            dropped,
            malformed,
            ..
        } = &*self.shared;
        Losses {
            unqueued: dropped.load(Ordering::Relaxed),
            malformed: malformed.load(Ordering::Relaxed),
            evicted: stores.as_ref().map_or(0, Stores::evicted),
            unsent: forwarder.as_ref().map_or(0, Forwarder::dropped),
            unwritten: disk.as_ref().map_or(0, Disk::lost),
        }
    }

    /// How much is kept.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let stores = self.shared.stores.as_ref();
        stores.map_or_else(Usage::default, Stores::usage)
    }

    /// Writes to disk what waits for it, for at most `limit`. What comes later is not written.
    pub async fn close(&self, limit: Duration) {
        if let Some(disk) = &self.shared.disk {
            disk.close(limit).await;
        }
    }

    fn with_traces<T: Default>(&self, read: impl FnOnce(&mut TraceStore) -> T) -> T {
        let stores = self.shared.stores.as_ref();
        stores.map_or_else(T::default, |stores| read(&mut stores.traces()))
    }

    /// Adds to what is kept, if anything is, and says that it has changed.
    fn keep(&self, insert: impl FnOnce(&Stores)) {
        if let Some(stores) = &self.shared.stores {
            insert(stores);
            self.shared.changes.send_replace(());
        }
    }

    fn add_malformed(&self, count: u64) {
        self.shared.malformed.fetch_add(count, Ordering::Relaxed);
    }

    fn pass_on(&self, signal: Signal, request: &impl prost::Message) {
        let Shared {
            forwarder, disk, ..
        } = &*self.shared;
        if forwarder.is_none() && disk.is_none() {
            return;
        }
        let body: axum::body::Bytes = request.encode_to_vec().into();
        if let Some(disk) = disk {
            disk.push(signal, body.clone());
        }
        if let Some(forwarder) = forwarder {
            forwarder.push(signal, body);
        }
    }

    /// Keeps and passes on a batch.
    fn take(&self, batch: &mut Vec<Recorded>, reader: &mut LibraryReader) {
        let mut calls = Vec::with_capacity(batch.len());
        let mut own = Vec::new();
        for recorded in batch.drain(..) {
            match recorded {
                Recorded::Call(call) => calls.push(call),
                Recorded::Own(span) => own.push(*span),
                Recorded::Library(domain, generation, payload) => {
                    let (spans, lost) = reader.read(&payload);
                    self.add_malformed(lost);
                    let resource = self.domain_resource(&domain, generation);
                    let origin = Arc::new(Origin {
                        service: domain.as_ref().to_owned(),
                        domain: Some(domain.as_ref().to_owned()),
                    });
                    self.export(spans.iter().map(OwnSpan::to_proto), &resource);
                    self.keep(|stores| stores.insert_own(spans, &origin));
                }
            }
        }
        if calls.is_empty() && own.is_empty() {
            return;
        }
        let of_calls = calls.iter().flat_map(|call| call.to_spans()).flatten();
        let of_calls = of_calls.map(|span| span.to_proto());
        let exported = of_calls.chain(own.iter().map(OwnSpan::to_proto));
        self.export(exported, &self.shared.resource);
        self.keep(|stores| {
            stores.insert_own(own, &self.shared.own_origin);
            stores.insert_calls(calls);
        });
    }

    /// Passes spans on, if anybody takes them.
    fn export(&self, spans: impl Iterator<Item = ProtoSpan>, resource: &Resource) {
        if self.shared.forwarder.is_some() || self.shared.disk.is_some() {
            self.pass_on(Signal::Traces, &request(spans.collect(), resource));
        }
    }

    fn domain_resource(&self, domain: &str, generation: u64) -> Resource {
        let instance = format!("{}-{domain}-{generation}", self.shared.resource.instance());
        Resource::new(domain, instance)
            .with(DOMAIN_ATTRIBUTE, domain.to_owned())
            .with("fulcrum.generation", generation)
    }
}

fn request(spans: Vec<ProtoSpan>, resource: &Resource) -> ExportTraceServiceRequest {
    let attributes = resource.attributes().iter();
    let attributes = attributes.map(|(name, value)| spans::key_value(name, value));
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(ProtoResource {
                attributes: attributes.collect(),
                ..ProtoResource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "fulcrum".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

async fn take_recorded(
    telemetry: Telemetry,
    mut recorded: mpsc::Receiver<Recorded>,
    shutdown: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut reader = LibraryReader::default();
    loop {
        tokio::select! {
            count = recorded.recv_many(&mut batch, BATCH) => if count == 0 {
                break;
            },
            () = shutdown.cancelled() => {
                recorded.close();
                while recorded.recv_many(&mut batch, BATCH).await > 0 {
                    telemetry.take(&mut batch, &mut reader);
                }
                break;
            }
        }
        // Others follow soon, if anything goes on.
        if batch.len() < BATCH {
            tokio::select! {
                () = tokio::time::sleep(BATCH_DELAY) => {}
                () = shutdown.cancelled() => {}
            }
            while batch.len() < BATCH
                && let Ok(next) = recorded.try_recv()
            {
                batch.push(next);
            }
        }
        telemetry.take(&mut batch, &mut reader);
    }
}
