//! Traces for people and for programs.

use std::fmt::Write as _;
use std::time::SystemTime;

use fulcrum_logs::{rfc3339_millis, truncate_to_width};
use fulcrum_rpc::control::{
    Span, SpanAttribute, SpanEvent, TraceLine, TraceResponse, TraceSummary,
};
use fulcrum_runtime::format::pluralize;
use fulcrum_telemetry::traces::bar;
use serde::Serialize;
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use super::color::Color;
use super::table::{Cell, Table, sanitize};

/// The columns of a bar.
const BAR: usize = 24;

/// The width where there is no terminal.
const WIDTH: usize = 120;

/// A trace, in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct TraceJson {
    id: String,
    name: String,
    origin: String,
    start: Option<String>,
    duration_ms: f64,
    spans: u32,
    errors: u32,
    origins: Vec<String>,
}

impl From<TraceSummary> for TraceJson {
    fn from(trace: TraceSummary) -> Self {
        Self {
            start: start(&trace),
            id: trace.id,
            name: trace.name,
            origin: trace.origin,
            duration_ms: millis(trace.duration_ns),
            spans: trace.spans,
            errors: trace.errors,
            origins: trace.origins,
        }
    }
}

/// A trace with its spans and lines, in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct TraceDetailJson {
    #[serde(flatten)]
    trace: TraceJson,
    #[serde(rename = "tree")]
    spans: Vec<SpanJson>,
    lines: Vec<LineJson>,
}

#[derive(Debug, Serialize)]
struct SpanJson {
    id: String,
    parent: Option<String>,
    name: String,
    kind: String,
    origin: String,
    depth: u32,
    offset_ms: f64,
    duration_ms: f64,
    error: Option<String>,
    attributes: Map<String, Value>,
    events: Vec<EventJson>,
}

#[derive(Debug, Serialize)]
struct EventJson {
    name: String,
    offset_ms: f64,
    attributes: Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct LineJson {
    offset_ms: f64,
    origin: String,
    level: Option<String>,
    message: String,
    of_trace: bool,
    span: Option<String>,
}

impl From<TraceResponse> for TraceDetailJson {
    fn from(response: TraceResponse) -> Self {
        let begin = begin(&response);
        let offset_ms = |time: u64| (time as f64 - begin as f64) / 1e6;
        let event = |event: SpanEvent| EventJson {
            name: event.name,
            offset_ms: offset_ms(event.time_ns),
            attributes: attributes(event.attributes),
        };
        let spans = response.spans.into_iter().map(|span| SpanJson {
            id: span.id,
            parent: (!span.parent.is_empty()).then_some(span.parent),
            name: span.name,
            kind: span.kind,
            origin: span.origin,
            depth: span.depth,
            offset_ms: offset_ms(span.start_ns),
            duration_ms: millis(span.duration_ns),
            error: span.error,
            attributes: attributes(span.attributes),
            events: span.events.into_iter().map(event).collect(),
        });
        let lines = response.lines.into_iter().map(|line| LineJson {
            offset_ms: offset_ms(line.time_ns),
            message: String::from_utf8_lossy(&line.message).into_owned(),
            origin: line.origin,
            level: line.level,
            of_trace: line.of_trace,
            span: (!line.span.is_empty()).then_some(line.span),
        });
        Self {
            spans: spans.collect(),
            lines: lines.collect(),
            trace: response.trace.unwrap_or_default().into(),
        }
    }
}

fn attributes(attributes: Vec<SpanAttribute>) -> Map<String, Value> {
    let attributes = attributes.into_iter();
    attributes
        .map(|attribute| (attribute.name, attribute.value.into()))
        .collect()
}

/// Traces as a table.
pub(crate) fn trace_table(traces: &[TraceSummary]) -> Table {
    let mut table = Table::new(&[
        "ID",
        "START",
        ">DURATION",
        ">SPANS",
        ">ERRORS",
        "ORIGIN",
        "NAME",
    ]);
    for trace in traces {
        let failed = (trace.errors > 0).then_some(Color::Red);
        table.push([
            Cell::new(&trace.id),
            Cell::new(&start(trace).unwrap_or_default()).colored(Color::Dim),
            Cell::new(&duration(trace.duration_ns)),
            Cell::new(&trace.spans.to_string()),
            Cell::new(&trace.errors.to_string()).colored(failed),
            Cell::new(&trace.origin),
            Cell::new(&trace.name).colored(failed),
        ]);
    }
    table
}

/// A trace as a line of its own.
pub(crate) fn trace_line(trace: &TraceSummary, color: bool) -> String {
    let failed = match trace.errors {
        0 => String::new(),
        errors => format!("  {}", pluralize(errors as usize, "error")),
    };
    let start = start(trace).unwrap_or_default();
    format!(
        "{}  {}  {:>9}  {}  {}{}",
        Color::Dim.paint(&start, color),
        trace.id,
        duration(trace.duration_ns),
        sanitize(&trace.origin),
        sanitize(&trace.name),
        Color::Red.paint(&failed, color && !failed.is_empty()),
    )
}

/// A trace as an indented waterfall, with the lines that were written meanwhile.
pub(crate) fn waterfall(
    response: &TraceResponse,
    verbose: bool,
    color: bool,
    width: Option<u16>,
) -> String {
    let width = width.map_or(WIDTH, usize::from);
    let trace = response.trace.clone().unwrap_or_default();
    let mut text = heading(&trace, color);
    let begin = begin(response);
    let label = |span: &Span| {
        let indent = "  ".repeat(span.depth.min(24) as usize);
        let orphan = if span.orphan { "… " } else { "" };
        sanitize(&format!("{indent}{orphan}{}", span.name))
    };
    let origins = response.spans.iter().map(|span| span.origin.width());
    let origin_width = origins.max().unwrap_or_default();
    let labels = response.spans.iter().map(|span| label(span).width());
    // Two gaps, the times, and the bar.
    let rest = width.saturating_sub(origin_width + BAR + 26).max(16);
    let label_width = labels.max().unwrap_or_default().min(rest);
    for span in &response.spans {
        let offset = span.start_ns.saturating_sub(begin);
        let name = truncate_to_width(&label(span), label_width);
        let padding = " ".repeat(label_width.saturating_sub(name.width()));
        let failed = span.error.is_some();
        let bar = bar((offset, span.duration_ns), trace.duration_ns, BAR);
        let paint = |part: &str, otherwise: Option<Color>| match (failed, otherwise) {
            (true, _) => Color::Red.paint(part, color),
            (false, Some(other)) => other.paint(part, color),
            (false, None) => part.to_owned(),
        };
        let line = format!(
            "{:<origin_width$}  {}{padding}  {}  {:>9}  {}",
            sanitize(&span.origin),
            paint(&name, None),
            Color::Dim.paint(&format!("{:>9}", format!("+{}", duration(offset))), color),
            duration(span.duration_ns),
            paint(bar.trim_end(), Some(Color::Green)),
        );
        let _ = writeln!(text, "{}", line.trim_end());
        let indent = origin_width + 4 + 2 * span.depth.min(24) as usize;
        details(span, verbose, (indent, color, begin), &mut text);
    }
    lines(&response.lines, begin, color, &mut text);
    text
}

fn heading(trace: &TraceSummary, color: bool) -> String {
    let mut text = format!(
        "trace {}  {}  {}  {}",
        Color::Bold.paint(&trace.id, color),
        start(trace).unwrap_or_default(),
        duration(trace.duration_ns),
        pluralize(trace.spans as usize, "span"),
    );
    if trace.errors > 0 {
        let errors = pluralize(trace.errors as usize, "error");
        let _ = write!(text, "  {}", Color::Red.paint(&errors, color));
    }
    text.push_str("\n\n");
    text
}

/// The error of a span, and what else is known of it.
fn details(
    span: &Span,
    verbose: bool,
    (indent, color, begin): (usize, bool, u64),
    text: &mut String,
) {
    let indent = " ".repeat(indent);
    if let Some(error) = span.error.as_deref().filter(|error| !error.is_empty()) {
        for line in error.lines().take(8) {
            let line = Color::Red.paint(&sanitize(line), color);
            let _ = writeln!(text, "{indent}{line}");
        }
    }
    if !verbose {
        return;
    }
    let show = |attributes: &[SpanAttribute]| {
        let attributes = attributes.iter();
        let shown = attributes.map(|one| format!("{}={}", one.name, one.value));
        sanitize(&shown.collect::<Vec<_>>().join(" "))
    };
    for attribute in &span.attributes {
        let line = show(std::slice::from_ref(attribute));
        let _ = writeln!(text, "{indent}{}", Color::Dim.paint(&line, color));
    }
    for event in &span.events {
        let at = duration(event.time_ns.saturating_sub(begin));
        let line = format!("+{at} {} {}", event.name, show(&event.attributes));
        let line = sanitize(line.trim_end());
        let _ = writeln!(text, "{indent}{}", Color::Dim.paint(&line, color));
    }
}

fn lines(lines: &[TraceLine], begin: u64, color: bool, text: &mut String) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", Color::Bold.paint("log lines", color));
    let width = lines.iter().map(|line| line.origin.width()).max();
    let width = width.unwrap_or_default();
    for line in lines {
        let at = format!("+{}", duration(line.time_ns.saturating_sub(begin)));
        let message = sanitize(&String::from_utf8_lossy(&line.message));
        let level = line.level.as_deref().unwrap_or_default();
        let message = match level {
            "error" | "fatal" => Color::Red.paint(&message, color),
            "warn" => Color::Yellow.paint(&message, color),
            // It may be of another request that was handled meanwhile.
            _ if !line.of_trace => Color::Dim.paint(&message, color),
            _ => message,
        };
        let _ = writeln!(
            text,
            "{}  {:<width$} │ {message}",
            Color::Dim.paint(&format!("{at:>9}"), color),
            sanitize(&line.origin),
        );
    }
}

fn begin(response: &TraceResponse) -> u64 {
    let starts = response.spans.iter().map(|span| span.start_ns);
    starts.min().unwrap_or_default()
}

fn start(trace: &TraceSummary) -> Option<String> {
    let time = trace.start.and_then(|time| SystemTime::try_from(time).ok());
    time.map(rfc3339_millis)
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// A time of nanoseconds, with three digits: `840 µs`, `12.4 ms`, `3.10 s`.
pub(crate) fn duration(nanos: u64) -> String {
    let (value, unit) = match nanos {
        0..1_000_000 => (nanos as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
        _ => (nanos as f64 / 1e9, "s"),
    };
    let digits = match value {
        0.0..10.0 if unit != "µs" => 2,
        10.0..100.0 if unit != "µs" => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(name: &str, depth: u32, (start_ns, duration_ns): (u64, u64)) -> Span {
        Span {
            id: "00000000000000f1".into(),
            name: name.into(),
            kind: "server".into(),
            origin: "orders".into(),
            start_ns,
            duration_ns,
            depth,
            ..Span::default()
        }
    }

    fn response() -> TraceResponse {
        let failed = Span {
            origin: "catalog".into(),
            error: Some("no such \x1b[2Jitem".into()),
            ..span("item_find_request", 1, (3_000_000, 4_500_000))
        };
        let line = TraceLine {
            time_ns: 4_000_000,
            origin: "catalog".into(),
            level: Some("error".into()),
            message: b"item 7 is missing".to_vec(),
            of_trace: true,
            ..TraceLine::default()
        };
        TraceResponse {
            trace: Some(TraceSummary {
                id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
                name: "order_create_request".into(),
                duration_ns: 10_000_000,
                spans: 2,
                errors: 1,
                ..TraceSummary::default()
            }),
            spans: vec![span("order_create_request", 0, (0, 10_000_000)), failed],
            lines: vec![line],
        }
    }

    #[test]
    fn a_waterfall_is_indented_and_has_times_errors_and_lines() {
        let text = waterfall(&response(), false, false, Some(120));
        let expected = "\
trace 4bf92f3577b34da6a3ce929d0e0e4736    10.0 ms  2 spans  1 error

orders   order_create_request      +0 µs    10.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━
catalog    item_find_request    +3.00 ms    4.50 ms         ━━━━━━━━━━━
             no such ␛[2Jitem

log lines
 +4.00 ms  catalog │ item 7 is missing
";
        assert_eq!(text, expected);
    }

    #[test]
    fn errors_are_red() {
        let text = waterfall(&response(), true, true, Some(100));
        assert!(
            text.contains("\x1b[31m  item_find_request\x1b[0m"),
            "{text}"
        );
        assert!(text.contains("\x1b[31mitem 7 is missing\x1b[0m"), "{text}");
        assert!(!text.contains("\x1b[2J"), "{text}");
    }

    #[test]
    fn a_duration_has_three_digits() {
        for (nanos, shown) in [
            (0, "0 µs"),
            (840_400, "840 µs"),
            (1_234_567, "1.23 ms"),
            (123_456_789, "123 ms"),
            (3_100_000_000, "3.10 s"),
            (61_000_000_000, "61.0 s"),
        ] {
            assert_eq!(duration(nanos), shown);
        }
    }
}
