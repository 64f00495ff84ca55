//! Two services, of which one is the collector of the other.

use std::time::{Duration, SystemTime};

use super::*;
use crate::context::{SpanId, TraceContext, TraceId};
use crate::export::{ExportProtocol, OtlpClient, SendError};
use crate::spans::OwnSpan;
use crate::traces::{SpanKind, SpanStatus};

const MEMORY: usize = 1 << 20;

fn start(setup: TelemetrySetup) -> TelemetryService {
    let started = TelemetryService::start(setup).expect("a port");
    started.expect("something is to be done")
}

fn collector() -> TelemetryService {
    start(TelemetrySetup {
        receive: Some((0, MEMORY)),
        ..TelemetrySetup::default()
    })
}

fn config(collector: &TelemetryService, protocol: ExportProtocol, gzip: bool) -> ExportConfig {
    ExportConfig {
        endpoint: format!("http://{}", collector.address().expect("it receives")),
        protocol,
        gzip,
        ..ExportConfig::default()
    }
}

fn span(trace: TraceId) -> OwnSpan {
    OwnSpan {
        trace,
        id: SpanId(7),
        parent: SpanId(6),
        name: "work".into(),
        kind: SpanKind::Server,
        start: SystemTime::UNIX_EPOCH,
        duration: Duration::from_millis(3),
        status: SpanStatus::Error("boom".into()),
        attributes: vec![("a".into(), "b".into()), ("n".into(), 3_u64.into())].into(),
    }
}

/// Waits until a trace is kept.
async fn arrived(telemetry: &Telemetry, trace: TraceId) -> Vec<crate::traces::Span> {
    let mut changes = telemetry.changes();
    loop {
        if let Some(spans) = telemetry.spans(trace) {
            return spans;
        }
        let changed = tokio::time::timeout(Duration::from_secs(20), changes.changed());
        changed.await.expect("in time").expect("it runs");
    }
}

#[tokio::test]
async fn a_span_arrives_at_the_collector_by_each_protocol() {
    let collector = collector();
    for (protocol, gzip) in [
        (ExportProtocol::Grpc, false),
        (ExportProtocol::Grpc, true),
        (ExportProtocol::HttpProtobuf, false),
        (ExportProtocol::HttpProtobuf, true),
    ] {
        let sender = start(TelemetrySetup {
            resource: Resource::new("shop", "1"),
            export: Some(config(&collector, protocol, gzip)),
            ..TelemetrySetup::default()
        });
        let trace = TraceId::random();
        sender.telemetry().record(span(trace));
        let spans = arrived(&collector.telemetry(), trace).await;
        let [kept] = &spans[..] else {
            panic!("{spans:?}")
        };
        assert_eq!(kept.origin.name(), "shop");
        assert_eq!((kept.id, kept.parent), (SpanId(7), SpanId(6)));
        assert_eq!(kept.status, SpanStatus::Error("boom".into()));
        assert_eq!(kept.duration(), 3_000_000);
        assert_eq!(kept.attributes[1], ("n".to_owned(), "3".to_owned()));
        assert_eq!(sender.stop(Duration::from_secs(5)).await, Losses::default());
    }
    collector.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn the_last_spans_arrive_before_the_end() {
    let collector = collector();
    let sender = start(TelemetrySetup {
        export: Some(config(&collector, ExportProtocol::Grpc, false)),
        ..TelemetrySetup::default()
    });
    let traces: Vec<TraceId> = (0..100).map(|_| TraceId::random()).collect();
    for trace in &traces {
        sender.telemetry().record(span(*trace));
    }
    let losses = sender.stop(Duration::from_secs(5)).await;
    assert_eq!(losses, Losses::default());
    let kept = collector.telemetry();
    assert!(traces.iter().all(|trace| kept.spans(*trace).is_some()));
}

#[tokio::test]
async fn an_absent_collector_costs_only_what_it_does_not_take() {
    let gone = collector();
    let config = config(&gone, ExportProtocol::HttpProtobuf, false);
    gone.stop(Duration::ZERO).await;
    let sender = start(TelemetrySetup {
        export: Some(config),
        ..TelemetrySetup::default()
    });
    sender.telemetry().record(span(TraceId::random()));
    let losses = sender.stop(Duration::from_secs(5)).await;
    assert_eq!(losses.unsent, 1);
    assert!(
        losses
            .describe()
            .is_some_and(|text| text.contains("collector"))
    );
}

#[tokio::test]
async fn a_burst_is_bounded_and_counted_and_what_is_not_sampled_is_not_recorded() {
    let service = start(TelemetrySetup {
        receive: Some((0, MEMORY)),
        sampler: Sampler::ratio(0.0),
        ..TelemetrySetup::default()
    });
    let telemetry = service.telemetry();
    let parent = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert!(telemetry.samples(parent, TraceId::random()));
    assert!(!telemetry.samples(None, TraceId::random()));
    for _ in 0..100_000 {
        telemetry.record(span(TraceId::random()));
    }
    let losses = service.stop(Duration::ZERO).await;
    let usage = telemetry.usage();
    assert!(usage.bytes <= MEMORY && usage.spans > 0, "{usage:?}");
    assert_eq!(
        usage.spans as u64 + losses.evicted + losses.unqueued,
        100_000
    );
}

#[tokio::test]
async fn a_rejected_request_is_told_from_an_unreachable_receiver() {
    let collector = collector();
    for protocol in [ExportProtocol::Grpc, ExportProtocol::HttpProtobuf] {
        let mut client = OtlpClient::new(config(&collector, protocol, false));
        let rejected = client.send_logs(vec![0xff; 16]).await;
        assert!(
            matches!(rejected, Err(SendError::Rejected(_))),
            "{rejected:?}"
        );
        assert_eq!(client.send_logs(Vec::new()).await, Ok(()));
    }
    let config = config(&collector, ExportProtocol::Grpc, false);
    collector.stop(Duration::ZERO).await;
    let gone = OtlpClient::new(config).send_logs(Vec::new()).await;
    assert!(matches!(gone, Err(SendError::Unreachable(_))), "{gone:?}");
}
