//! The text of all metrics together.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use super::*;

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Everything that can be emitted, of one domain.
fn everything() -> (Metrics, Snapshot) {
    let metrics = Metrics::default();
    let users = metrics.add_domain("users");
    users.heartbeat(Duration::from_millis(500), now());
    users.started(Duration::from_millis(300));
    users.reloaded(Duration::from_millis(40));
    users.restarted("exit");
    users.exited(ExitFacts {
        code: Some(1),
        signal: None,
    });
    users.exited(ExitFacts {
        code: None,
        signal: Some("SIGKILL"),
    });
    users.failed();
    users.probed("ready", true);
    users.files_changed("code", 2);
    users.event("spawned");
    let call = CallFacts {
        caller: "orders",
        type_: "user_index",
        outcome: CallOutcome::Ok,
        duration: Duration::from_millis(2),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".parse().ok(),
    };
    users.called(&call, SystemTime::UNIX_EPOCH);
    metrics.loop_lag(Duration::from_micros(70));
    metrics.config_reloaded("applied");
    metrics.notified("delivered");
    let output = OutputFacts {
        lines: 3,
        bytes: 99,
    };
    let domain = DomainFacts {
        name: "users".to_owned(),
        phase: "running",
        up: true,
        ready: true,
        wanted: true,
        generation: 2,
        started_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(9)),
        heartbeat_age: Some(Duration::from_millis(1500)),
        heap_used: Some(1),
        heap_total: Some(2),
        usage: Some(UsageFacts::default()),
        cpu_time: Duration::from_millis(250),
        output: vec![("stdout", output)],
        probes: vec![("ready", true)],
        calls_waiting: 0,
        calls_in_flight: 1,
    };
    let instance = InstanceFacts {
        version: "1.2.3",
        mode: "dev",
        ready: true,
        started_at: Some(SystemTime::UNIX_EPOCH),
        process: Some(ProcessFacts::default()),
        connections: vec![("grpc", 2)],
        dropped_lines: vec![("store", 0)],
        log_followers: 1,
    };
    let snapshot = Snapshot {
        instance,
        domains: vec![domain],
    };
    (metrics, snapshot)
}

fn snapshot_of(domain: &str) -> Snapshot {
    let domain = DomainFacts {
        name: domain.to_owned(),
        ..DomainFacts::default()
    };
    Snapshot {
        domains: vec![domain],
        ..Snapshot::default()
    }
}

fn text(format: TextFormat) -> String {
    let (metrics, snapshot) = everything();
    metrics.encode(snapshot, format, now())
}

/// The metrics that a text describes.
fn described(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_defined_metric_is_emitted_and_no_other() {
    let text = text(TextFormat::Prometheus);
    let defined: BTreeSet<String> = METRICS.iter().map(|metric| metric.name()).collect();
    assert_eq!(described(&text), defined, "{text}");
}

#[test]
fn open_metrics_has_units_exemplars_and_an_end() {
    let text = text(TextFormat::OpenMetrics);
    for expected in [
        "# TYPE fulcrum_build info\n",
        "fulcrum_build_info{version=\"1.2.3\",mode=\"dev\"} 1\n",
        "# UNIT fulcrum_domain_cpu_seconds seconds\n",
        "fulcrum_domain_cpu_seconds_total{domain=\"users\"} 0.25\n",
        "fulcrum_domain_up{domain=\"users\"} 1\n",
        "fulcrum_ready 1\n",
        "fulcrum_domain_phase{domain=\"users\",phase=\"running\"} 1\n",
        "fulcrum_domain_phase{domain=\"users\",phase=\"failed\"} 0\n",
        "fulcrum_domain_exits_total{domain=\"users\",code=\"1\",signal=\"\"} 1\n",
        "fulcrum_domain_exits_total{domain=\"users\",code=\"\",signal=\"SIGKILL\"} 1\n",
        "fulcrum_domain_event_loop_lag_max_seconds{domain=\"users\"} 0.5\n",
        "# {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 0.002",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn the_classic_format_has_no_exemplars() {
    let text = text(TextFormat::Prometheus);
    assert!(
        !text.contains("trace_id") && !text.contains("# EOF"),
        "{text}"
    );
    let bucket = "fulcrum_call_duration_seconds_bucket{caller=\"orders\",domain=\"users\",type=\"user_index\",le=\"0.0025\"} 1\n";
    assert!(text.contains(bucket), "{text}");
}

#[test]
fn a_removed_domain_has_no_counts_any_more() {
    let (metrics, mut snapshot) = everything();
    metrics.remove_domain("users");
    snapshot.domains.clear();
    assert!(metrics.domain("users").is_none());
    let text = metrics.encode(snapshot, TextFormat::OpenMetrics, now());
    assert!(!text.contains("users"), "{text}");
}

#[test]
fn labels_are_escaped() {
    let metrics = Metrics::default();
    let users = metrics.add_domain("users");
    let call = CallFacts {
        caller: "web",
        type_: "a\"b\\c\nd",
        outcome: CallOutcome::Invalid,
        duration: Duration::ZERO,
        trace_id: None,
    };
    users.called(&call, SystemTime::UNIX_EPOCH);
    for format in [TextFormat::OpenMetrics, TextFormat::Prometheus] {
        let text = metrics.encode(snapshot_of("users"), format, now());
        assert!(text.contains(r#"type="a\"b\\c\nd""#), "{text}");
    }
}

#[test]
fn open_metrics_is_given_to_those_who_ask_for_it() {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4";
    assert_eq!(
        TextFormat::accepted(Some(prometheus)),
        TextFormat::OpenMetrics
    );
    for other in [None, Some("*/*"), Some("text/html")] {
        assert_eq!(TextFormat::accepted(other), TextFormat::Prometheus);
    }
}
