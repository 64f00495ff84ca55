//! The documentation, the alert rules and the dashboard name the metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fulcrum_telemetry::metrics::{METRICS, MetricKind};

fn docs(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("docs").join(name)
}

fn read(name: &str) -> String {
    let path = docs(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A row of the table for each metric, in the order of the definitions.
fn expected_rows() -> Vec<String> {
    let rows = METRICS.iter().map(|metric| {
        let kind = match metric.kind {
            MetricKind::Gauge => "gauge",
            MetricKind::Counter => "counter",
            MetricKind::Histogram => "histogram",
            MetricKind::Info => "info",
        };
        let labels = metric.labels.iter().map(|label| format!("`{label}`"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        format!(
            "| `{}` | {kind} | {labels} | {} |",
            metric.name(),
            metric.help
        )
    });
    rows.collect()
}

#[test]
fn the_table_of_metrics_is_that_of_the_definitions() {
    let text = read("observability.md");
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `fulcrum_") || line.starts_with("| `process_"));
    let rows: Vec<&str> = rows.collect();
    let expected = expected_rows();
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
    assert_eq!(
        rows.len(),
        expected.len(),
        "{:#?}",
        expected.get(rows.len()..)
    );
}

/// The names of metrics in a text, without the suffixes of a histogram.
fn named(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c| !is_name(c));
    let names = words.filter(|word| word.starts_with("fulcrum_") || word.starts_with("process_"));
    names
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_owned())
        .collect()
}

#[test]
fn rules_and_dashboard_use_metrics_that_exist() {
    let known: BTreeSet<String> = METRICS.iter().map(|metric| metric.name()).collect();
    for file in [
        "observability/alerts.yml",
        "observability/grafana-dashboard.json",
    ] {
        let used = named(&read(file));
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty() && used.len() > 5, "{file}: {unknown:?}");
    }
}
