//! One trace from a caller through two domains, of which one has the stock OpenTelemetry SDK of
//! JavaScript: found by its id in `traces`, in `logs --trace`, and at a stock receiver.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::otlp_export::OtlpReceiver;
use crate::command::CommandRunner;
use crate::node_tools;
use crate::sample::{Running, Sample};
use crate::wait::until;
use crate::workspace;

/// The packages of the domain with OpenTelemetry.
const PACKAGES: [&str; 4] = [
    "@opentelemetry/api@1.10.0",
    "@opentelemetry/sdk-node@0.301.0",
    "@opentelemetry/instrumentation-pino@0.70.0",
    "pino@10.4.0",
];

/// The longest time until a span arrives: the SDK's batches wait for 5 s.
const ARRIVAL: Duration = Duration::from_secs(30);

const TRACE: &str = "7bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

const ORDERS: &str = r#"
import { DomainBase } from '@fulcrum/domain';

export default class Orders extends DomainBase {
  async orderCreateHandler({ sku }) {
    return this.call('catalog', 'item_find_request', { sku });
  }
}
"#;

/// A call by Connect, in a trace of the caller's.
const CALL: &str = "
import sys, urllib.request
address, traceparent, body = sys.argv[1:]
url = f'http://{address}/framework.FrameworkService/SendMessage'
headers = {'content-type': 'application/json', 'traceparent': traceparent, 'tracestate': 'x=1'}
request = urllib.request.Request(url, body.encode(), headers)
print(urllib.request.urlopen(request, timeout=30).read().decode())
";

/// Starts a receiver and the app, makes one call, and follows it.
pub(super) fn check(sample: &Sample, python: &Path, directory: &Path) -> anyhow::Result<()> {
    let packages = workspace::tools()?.join("opentelemetry-js");
    node_tools::install(&packages, &PACKAGES)?;
    let app = sample.app();
    let receiver = OtlpReceiver::start(python, directory, &app, 0)?;
    write_app(&app, &packages, directory, receiver.port)?;
    let running = sample.start()?;
    let status = running.json(&["domains", "status", "-o", "json"])?;
    let address = status["instance"]["grpc"]
        .as_str()
        .with_context(|| format!("the instance has no gRPC address: {status}"))?;
    let payload = json!({"sku": "tea-green"}).to_string();
    let body = json!({"domain": "orders", "type": "order_create_request", "payload": payload});
    CommandRunner::new(python, workspace::root())
        .args(["-c", CALL, address])
        .arg(format!("00-{TRACE}-{CALLER}-01"))
        .arg(body.to_string())
        .run_checked()?;

    let tree = until("the whole trace is kept", ARRIVAL, || {
        let shown = running.fulcrum(&["traces", "show", TRACE, "-o", "json"]);
        let shown: Value = serde_json::from_slice(&shown.output()?.stdout).unwrap_or_default();
        let tree = shown["tree"].as_array().cloned().unwrap_or_default();
        Ok((tree.len() >= EXPECTED.len()).then_some(tree))
    })?;
    check_chain(&tree.iter().map(Span::of_tree).collect::<Vec<_>>())?;
    println!("ok: `traces show` has the caller's trace through both domains, in order");

    check_logs(&running)?;
    println!("ok: `logs --trace` has the line that pino wrote in the SDK's context");

    let received = until("the whole trace is at the receiver", ARRIVAL, || {
        let records = receiver.records().unwrap_or_default();
        let of_trace = records.into_iter().filter(|span| span["trace_id"] == TRACE);
        let spans: Vec<Value> = of_trace.filter(|span| span["name"].is_string()).collect();
        Ok((spans.len() >= EXPECTED.len()).then_some(spans))
    })?;
    let mut spans: Vec<Span> = received.iter().map(Span::of_receiver).collect();
    spans.sort_by(|one, other| one.start.total_cmp(&other.start));
    check_chain(&spans)?;
    ensure!(
        received.iter().all(|span| span["tenant"] == "shop"),
        "each request has the configured headers"
    );
    println!("ok: the receiver has the same spans, with the configured headers");
    running.expect_exit_code(0, &["down"])?;
    sample.assert_no_processes()
}

/// Who records which span, from the outermost on.
const EXPECTED: [(&str, &str); 8] = [
    ("fulcrum", "framework.FrameworkService/SendMessage"),
    ("fulcrum", "orders/order_create_request"),
    ("orders", "order_create_request"),
    ("orders", "catalog/item_find_request"),
    ("fulcrum", "framework.FrameworkService/SendMessage"),
    ("fulcrum", "catalog/item_find_request"),
    ("catalog", "item_find_request"),
    ("catalog", "read the shelf"),
];

/// What both sides say of a span. Times are in milliseconds.
#[derive(Debug)]
struct Span {
    id: String,
    parent: String,
    service: String,
    name: String,
    start: f64,
    end: f64,
}

impl Span {
    fn of_tree(span: &Value) -> Self {
        let text = |key: &str| span[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| span[key].as_f64().unwrap_or_default();
        Self {
            id: text("id"),
            parent: text("parent"),
            service: text("origin"),
            name: text("name"),
            start: number("offset_ms"),
            end: number("offset_ms") + number("duration_ms"),
        }
    }

    fn of_receiver(span: &Value) -> Self {
        let text = |key: &str| span[key].as_str().unwrap_or_default().to_owned();
        let millis = |key: &str| span[key].as_f64().unwrap_or_default() / 1e6;
        let service = span["resource"]["service.name"].as_str();
        Self {
            id: text("span_id"),
            parent: text("parent_span_id"),
            service: service.unwrap_or_default().to_owned(),
            name: text("name"),
            start: millis("start"),
            end: millis("end"),
        }
    }
}

/// Each span is below the one before it, and begins and ends within it.
fn check_chain(spans: &[Span]) -> anyhow::Result<()> {
    let by_parent: BTreeMap<&str, &Span> = spans
        .iter()
        .map(|span| (span.parent.as_str(), span))
        .collect();
    ensure!(
        by_parent.len() == spans.len(),
        "two spans have the same parent: {spans:#?}"
    );
    let mut parent = CALLER;
    let mut outer: Option<&Span> = None;
    for (service, name) in EXPECTED {
        let span = by_parent
            .get(parent)
            .with_context(|| format!("no span is below {parent}: {spans:#?}"))?;
        ensure!(
            span.service == service && span.name == name,
            "{name} of {service} is expected, not {span:?}"
        );
        if let Some(outer) = outer {
            // The clocks of the processes differ by less.
            let tolerance = 2.0;
            ensure!(
                span.start + tolerance >= outer.start && span.end <= outer.end + tolerance,
                "{span:?} is not within {outer:?}"
            );
        }
        outer = Some(span);
        parent = &span.id;
    }
    Ok(())
}

fn check_logs(running: &Running<'_>) -> anyhow::Result<()> {
    let line = until("the line is logged", ARRIVAL, || {
        let output = running.expect_exit_code(0, &["logs", "--trace", TRACE, "-o", "json"])?;
        let text = String::from_utf8(output.stdout)?;
        Ok(text.lines().next().map(str::to_owned))
    })?;
    let line: Value = serde_json::from_str(&line)?;
    let message = line["message"].as_str().unwrap_or_default();
    let message: Value = serde_json::from_str(message)?;
    ensure!(
        line["domain"] == "catalog"
            && message["msg"] == "looking for tea-green"
            && message["trace_id"] == TRACE,
        "{line}"
    );
    Ok(())
}

fn write_app(app: &Path, packages: &Path, directory: &Path, port: u16) -> anyhow::Result<()> {
    for domain in ["orders", "catalog"] {
        let path = app.join("domains").join(domain);
        fs::remove_dir_all(&path)?;
        fs::create_dir_all(&path)?;
    }
    fs::write(app.join("domains/orders/domain.mjs"), ORDERS)?;
    let domain = directory.join("otel-domain.cjs");
    fs::copy(domain, app.join("domains/catalog/domain.cjs"))?;
    let environment = format!(
        "process:\n  env: {{OTEL_JS_DIR: \"{}\", OTEL_BSP_SCHEDULE_DELAY: \"200\"}}\n",
        packages.display()
    );
    fs::write(app.join("domains/catalog/fulcrum.yml"), environment)?;
    let settings = format!(
        "runtime:\n  domains: [domains/orders, domains/catalog]\n  telemetry:\n    export:\n      \
         otlp: http://127.0.0.1:{port}\n      protocol: grpc\n      headers: {{X-Tenant: shop}}\n      \
         compression: gzip\n"
    );
    fs::write(app.join("fulcrum.yml"), settings)?;
    Ok(())
}
