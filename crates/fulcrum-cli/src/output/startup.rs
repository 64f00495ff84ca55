//! The output of `analyze`.

use std::collections::BTreeMap;
use std::time::Duration;

use fulcrum_rpc::control::Instance;
use fulcrum_runtime::format::format_measured;
use fulcrum_runtime::startup::{ChainLink, StartRow, StartupReport};
use serde::Serialize;

use super::color::Color;
use super::json::InstanceJson;
use super::stream_info::StreamInfo;
use super::table::{Cell, Table, sanitize};

/// The table of domains, and below it the slowest chain, or the one that ends with `target`.
pub(crate) fn startup_text(
    instance: &Instance,
    report: &StartupReport,
    target: Option<&str>,
    stdout: StreamInfo,
) -> String {
    let (mode, pid) = (&instance.mode, instance.pid);
    let headline = format!("{} ({mode}, pid {pid})", report.headline());
    let mut text = format!(
        "{}\n",
        Color::Bold.paint(&sanitize(&headline), stdout.color)
    );
    let mut table = Table::new(&["NAME", ">TOOK", ">AT", ">WAITED", ">PREPARED", "FROM SPAWN"]);
    for row in &report.ready {
        table.push(cells(row, Color::Green));
    }
    for row in &report.pending {
        table.push(cells(row, Color::Yellow));
    }
    text.push('\n');
    text.push_str(&table.render(stdout.color, stdout.width));
    if !report.chain.is_empty() {
        let which = target.map_or("slowest chain".to_owned(), |name| {
            format!("chain to {name}")
        });
        let title = sanitize(&format!("{which}: each waited for the one above"));
        text.push_str(&format!("\n{}\n", Color::Bold.paint(&title, stdout.color)));
        let names = report.chain.iter();
        let width = names.map(|link| link.domain.chars().count()).max();
        let width = width.unwrap_or_default();
        for link in &report.chain {
            let name = sanitize(&link.domain);
            text.push_str(&format!("  {name:width$}  {}\n", link.describe()));
        }
    }
    text
}

fn cells(row: &StartRow, color: Color) -> [Cell; 6] {
    let time = |time: Option<Duration>| match time {
        Some(time) => Cell::new(&format_measured(time)),
        None => Cell::new("-").colored(Color::Dim),
    };
    [
        Cell::new(&row.start.domain).colored(color),
        time(row.took),
        time(row.start.ready_at),
        time(row.waited),
        time(row.prepared),
        Cell::new(&row.describe()),
    ]
}

/// `analyze -o json`: what took longest first, then what is not ready. Moments are relative to the
/// start of the instance.
#[derive(Debug, Serialize)]
pub(crate) struct StartupJson {
    instance: InstanceJson,
    ready_at_ms: Option<f64>,
    domains: Vec<StartJson>,
    /// Or the chain that was asked for.
    slowest_chain: Vec<LinkJson>,
}

#[derive(Debug, Serialize)]
struct StartJson {
    name: String,
    phase: String,
    reason: String,
    initial: bool,
    attempts: u32,
    completed: bool,
    readiness: String,
    depends_on: BTreeMap<String, &'static str>,
    requested_at_ms: Option<f64>,
    released_at_ms: Option<f64>,
    spawned_at_ms: Option<f64>,
    registered_at_ms: Option<f64>,
    ready_at_ms: Option<f64>,
    waited_ms: Option<f64>,
    retried_ms: Option<f64>,
    prepared_ms: Option<f64>,
    install_ms: f64,
    queue_ms: f64,
    transform_ms: f64,
    hook_ms: f64,
    registered_ms: Option<f64>,
    ready_ms: Option<f64>,
    took_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
struct LinkJson {
    name: String,
    started_at_ms: f64,
    took_ms: f64,
    until: &'static str,
}

impl StartupJson {
    pub(crate) fn new(instance: Instance, report: StartupReport) -> Self {
        let rows = report.ready.into_iter().chain(report.pending);
        Self {
            instance: instance.into(),
            ready_at_ms: report.ready_at.map(millis),
            domains: rows.map(StartJson::from).collect(),
            slowest_chain: report.chain.into_iter().map(LinkJson::from).collect(),
        }
    }
}

impl From<StartRow> for StartJson {
    fn from(row: StartRow) -> Self {
        let start = row.start;
        let needs = start.needs.into_iter();
        Self {
            name: start.domain,
            phase: start.phase,
            reason: start.reason,
            initial: start.is_initial,
            attempts: start.attempts,
            completed: start.completed,
            readiness: start.readiness,
            depends_on: needs
                .map(|(name, needed)| (name, needed.as_str()))
                .collect(),
            requested_at_ms: start.requested_at.map(millis),
            released_at_ms: start.released_at.map(millis),
            spawned_at_ms: start.spawned_at.map(millis),
            registered_at_ms: start.registered_at.map(millis),
            ready_at_ms: start.ready_at.map(millis),
            waited_ms: row.waited.map(millis),
            retried_ms: row.retried.map(millis),
            prepared_ms: row.prepared.map(millis),
            install_ms: millis(start.preparation.install),
            queue_ms: millis(start.preparation.queue),
            transform_ms: millis(start.preparation.transform),
            hook_ms: millis(start.preparation.hook),
            registered_ms: row.registered.map(millis),
            ready_ms: row.ready.map(millis),
            took_ms: row.took.map(millis),
        }
    }
}

impl From<ChainLink> for LinkJson {
    fn from(link: ChainLink) -> Self {
        Self {
            name: link.domain,
            started_at_ms: millis(link.started_at),
            took_ms: millis(link.took),
            until: link.milestone.as_str(),
        }
    }
}

/// With a resolution of microseconds.
fn millis(time: Duration) -> f64 {
    (time.as_micros() as f64) / 1000.0
}
