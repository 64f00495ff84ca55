//! Section O, traces: one request through two domains, and what is sent as telemetry.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, LIMIT, measurement, text_of, wait_until};
use serde_json::{Value, json};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A domain that calls another one, and one that says which trace it works for.
fn app() -> App {
    App::new()
        .write(
            "domains/orders/domain.mjs",
            r"import { DomainBase } from '@fulcrum/domain';
export default class Orders extends DomainBase {
  onStart() {
    const { TRACEPARENT, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL } = process.env;
    console.log('variables ' + JSON.stringify({ TRACEPARENT, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL }));
  }
  async orderCreateHandler({ sku }) {
    const item = await this.call('catalog', 'item_find_request', { sku });
    return { item };
  }
}
",
        )
        .write(
            "domains/catalog/domain.mjs",
            r"import { DomainBase } from '@fulcrum/domain';
export default class Catalog extends DomainBase {
  async itemFindHandler({ sku }, { traceId }) {
    console.log(`looking for ${sku} trace_id=${traceId}`);
    if (sku === 'none') throw new Error('no such item');
    return { sku };
  }
}
",
        )
}

/// Calls `orders` in a trace of the caller's.
fn order(app: &App, trace: &str, sku: &str) -> Value {
    let script = format!("{FIXTURES}/call.cjs");
    let metadata = json!({"traceparent": format!("00-{trace}-{CALLER}-01"), "baggage": "shop=7"});
    let metadata = metadata.to_string();
    let payload = json!({ "sku": sku }).to_string();
    let args = [
        &*script,
        &app.grpc(),
        "orders",
        "order_create_request",
        &payload,
        &metadata,
    ];
    app.program("node", &args).output().exits(0).json()
}

/// The spans of a trace, once there are so many.
fn spans(app: &App, trace: &str, count: usize) -> (Value, Vec<Value>) {
    wait_until(&format!("trace {trace} has {count} spans"), LIMIT, || {
        let shown = app.run(&["traces", "show", trace, "-o", "json"]);
        let shown: Value = serde_json::from_str(&shown.stdout).ok()?;
        let spans = shown["tree"].as_array()?.clone();
        (spans.len() >= count).then_some((shown, spans))
    })
}

#[test]
fn o01_a_trace_goes_from_the_caller_through_two_domains() {
    let app = app();
    app.start();
    order(&app, TRACE, "7");
    let (shown, spans) = spans(&app, TRACE, 7);
    let names: Vec<&str> = spans.iter().map(|span| text_of(span, "name")).collect();
    let send = "framework.FrameworkService/SendMessage";
    assert_eq!(
        names,
        [
            send,
            "orders/order_create_request",
            "order_create_request",
            "catalog/item_find_request",
            send,
            "catalog/item_find_request",
            "item_find_request",
        ]
    );
    let origins: Vec<&str> = spans.iter().map(|span| text_of(span, "origin")).collect();
    let expected = [
        "fulcrum", "fulcrum", "orders", "orders", "fulcrum", "fulcrum", "catalog",
    ];
    assert_eq!(origins, expected);
    // Each is part of the one before it, in time, too.
    assert_eq!(spans[0]["parent"], CALLER);
    for pair in spans.windows(2) {
        assert_eq!(pair[1]["parent"], pair[0]["id"], "{pair:?}");
        let ends = |span: &Value| {
            let time = |key: &str| span[key].as_f64().expect("a number");
            (time("offset_ms"), time("offset_ms") + time("duration_ms"))
        };
        // The clocks of two processes differ by less.
        let tolerance = 1.0;
        let (outer, inner) = (ends(&pair[0]), ends(&pair[1]));
        assert!(inner.0 + tolerance >= outer.0, "{pair:?}");
        assert!(inner.1 <= outer.1 + tolerance, "{pair:?}");
    }
    let line = &shown["lines"];
    assert!(line.to_string().contains("looking for 7"), "{line}");

    let listed = app.run(&["traces", "--domain", "catalog", "-o", "json"]);
    let listed = listed.exits(0).json();
    assert_eq!(listed[0]["id"], TRACE, "{listed}");
    let logged = app.run(&["logs", "--trace", TRACE]).exits(0).stdout;
    assert!(
        logged.contains("looking for 7") && logged.lines().count() == 1,
        "{logged}"
    );
    let text = app.run(&["traces", "show", &TRACE[..8]]).exits(0).stdout;
    assert!(text.contains("          item_find_request"), "{text}");
    measurement("O1", "7 spans of one request, each below the one before it");
}

#[test]
fn o01_an_error_is_found_and_named() {
    let app = app();
    app.start();
    let trace = TRACE.replace("4bf9", "aaaa");
    order(&app, &trace, "none");
    let (shown, _) = spans(&app, &trace, 7);
    assert_eq!(shown["errors"], 7, "{shown}");
    let failed = app
        .run(&["traces", "--errors", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(failed[0]["id"], trace.as_str(), "{failed}");
    let text = app.run(&["traces", "show", &trace]).exits(0).stdout;
    assert!(text.contains("no such item"), "{text}");
    let none = app.run(&["traces", "--min-duration", "1h", "-o", "json"]);
    assert_eq!(none.exits(0).json(), json!([]));
}

#[test]
fn o01_a_start_is_a_trace_that_the_domain_gets_with_its_variables() {
    let app = app();
    app.start();
    let line = wait_until("the domain has printed its variables", LIMIT, || {
        let lines = app.logs("orders").into_iter();
        lines
            .map(|line| line.message)
            .find(|message| message.starts_with("variables "))
    });
    let variables: Value = serde_json::from_str(&line["variables ".len()..]).expect("JSON");
    assert_eq!(variables["OTEL_SERVICE_NAME"], "orders");
    assert_eq!(variables["OTEL_EXPORTER_OTLP_PROTOCOL"], "http/protobuf");
    let attributes = text_of(&variables, "OTEL_RESOURCE_ATTRIBUTES");
    assert!(attributes.contains("fulcrum.domain=orders"), "{attributes}");
    let trace = text_of(&variables, "TRACEPARENT").split('-').nth(1);
    let trace = trace.expect("a trace");
    let parts = ["transform", "spawn", "register", "onStart"];
    wait_until(&format!("the trace has {parts:?}"), LIMIT, || {
        let (_, spans) = spans(&app, trace, 1);
        let names: Vec<&str> = spans.iter().map(|span| text_of(span, "name")).collect();
        // The span of the start is recorded when it has ended, after its parts.
        let is_whole = names[0] == "start orders" && parts.iter().all(|part| names.contains(part));
        is_whole.then_some(())
    });
}

/// Where the instance receives OTLP.
fn endpoint(app: &App) -> String {
    let status = app.run(&["domains", "status", "-o", "json"]).exits(0);
    text_of(&status.json()["instance"], "otlp").to_owned()
}

/// Sends a request, and returns the status of the response; none if there is no response.
fn post(address: &str, path: &str, content_type: &str, body: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).expect("the receiver listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut response = String::new();
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    stream.read_to_string(&mut response).ok()?;
    response.split(' ').nth(1)?.parse().ok()
}

#[test]
fn o02_rubbish_and_a_burst_are_bounded_and_block_nothing() {
    let app = app();
    app.start();
    let address = endpoint(&app);
    for (content_type, body) in [
        ("application/x-protobuf", &[0xff; 1024][..]),
        ("application/json", b"{\"resourceSpans\": 7}"),
        ("text/plain", b"hello"),
    ] {
        let status = post(&address, "/v1/traces", content_type, body);
        assert!(matches!(status, Some(400 | 415)), "{status:?}");
    }
    let nobody = TcpStream::connect(&address).and_then(|mut raw| raw.write_all(&[0; 4096]));
    nobody.expect("raw bytes are read or the connection is closed");

    let before = app.instance().usage().map_or(0, |usage| usage.rss);
    let started = Instant::now();
    for batch in 0..100_u64 {
        let spans: Vec<Value> = (0..1_000_u64)
            .map(|number| {
                let id = batch * 1_000 + number + 1;
                json!({
                    "traceId": format!("{:032x}", id / 10 + 1),
                    "spanId": format!("{id:016x}"),
                    "name": "burst",
                    "startTimeUnixNano": "1700000000000000000",
                    "endTimeUnixNano": "1700000000001000000",
                    "attributes": [{"key": "text", "value": {"stringValue": "x".repeat(1_000)}}],
                })
            })
            .collect();
        let request = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string();
        let status = post(
            &address,
            "/v1/traces",
            "application/json",
            request.as_bytes(),
        );
        assert_eq!(status, Some(200));
    }
    let took = started.elapsed();
    let after = app.instance().usage().map_or(0, |usage| usage.rss);
    let grown = after.saturating_sub(before) / (1024 * 1024);
    assert!(grown < 200, "the memory has grown by {grown} MiB");
    // The newest are there, and calls work.
    let newest = format!("{:032x}", 10_000);
    assert_eq!(spans(&app, &newest, 9).0["name"], "burst");
    order(&app, TRACE, "7");
    spans(&app, TRACE, 7);
    measurement(
        "O2",
        &format!("100,000 spans in {} ms, {grown} MiB more", took.as_millis()),
    );
}

/// A collector for HTTP: the bodies that it gets, and whether it answers.
struct Collector {
    address: String,
    bodies: Receiver<Vec<u8>>,
}

impl Collector {
    fn listen(address: &str, answers: bool) -> Self {
        let listener = wait_until("the port is free", LIMIT, || {
            TcpListener::bind(address).ok()
        });
        let address = listener.local_addr().expect("an address").to_string();
        let (sender, bodies) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let sender = sender.clone();
                thread::spawn(move || {
                    while let Some(body) = read_request(&mut stream) {
                        if sender.send(body).is_err() {
                            return;
                        }
                        if !answers {
                            thread::sleep(LIMIT);
                            return;
                        }
                        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                        if stream.write_all(response).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, bodies }
    }

    /// Waits until a request has these bytes.
    #[track_caller]
    fn expect(&self, bytes: &[u8]) {
        let started = Instant::now();
        while started.elapsed() < LIMIT {
            let body = self.bodies.recv_timeout(LIMIT).expect("a request");
            if body.windows(bytes.len()).any(|window| window == bytes) {
                return;
            }
        }
        panic!("no request has the bytes");
    }
}

/// The body of the next request.
fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1)?;
    let length: usize = length.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

/// The trace's id as it is in a request.
fn bytes_of(trace: &str) -> Vec<u8> {
    let number = u128::from_str_radix(trace, 16).expect("an id");
    number.to_be_bytes().to_vec()
}

fn with_collector(app: App, address: &str) -> App {
    let settings = format!(
        "runtime: {{telemetry: {{export: {{otlp: 'http://{address}', protocol: http/protobuf}}}}}}\n"
    );
    app.write("fulcrum.yml", &settings)
}

#[test]
fn o02_a_collector_that_is_absent_there_gone_and_back_is_told_once() {
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let app = with_collector(app(), &address);
    app.start();
    order(&app, TRACE, "7");
    let warnings = || {
        let lines = app.logs("fulcrum").into_iter();
        let warned = lines.filter(|line| line.message.contains("export of telemetry to"));
        warned.map(|line| line.message).collect::<Vec<_>>()
    };
    wait_until("the failure is told", LIMIT, || {
        (!warnings().is_empty()).then_some(())
    });
    let collector = Collector::listen(&address, true);
    collector.expect(&bytes_of(TRACE));
    wait_until("the recovery is told", LIMIT, || {
        let told = warnings();
        told.last()?.contains("works again").then_some(())
    });
    assert_eq!(warnings().len(), 2, "{:?}", warnings());
    let second = TRACE.replace("4bf9", "bbbb");
    order(&app, &second, "7");
    collector.expect(&bytes_of(&second));
    app.down();
}

#[test]
fn o02_a_collector_that_never_answers_delays_nothing() {
    let collector = Collector::listen("127.0.0.1:0", false);
    let app = with_collector(app(), &collector.address);
    app.start();
    for number in 0..20 {
        order(&app, &TRACE.replace("4bf9", &format!("{number:04x}")), "7");
    }
    spans(&app, &TRACE.replace("4bf9", "0013"), 7);
    let started = Instant::now();
    app.down();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "the end took {took:?}");
}
