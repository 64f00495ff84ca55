//! The cost of a line, in nanoseconds, and of a pump, in MiB/s. Not part of the ordinary suite:
//! `cargo test --release -p fulcrum-logs --test throughput -- --ignored --nocapture`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a measurement reads the clock and prints"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use fulcrum_logs::{
    Hub, HubConfig, Level, LogLine, PumpCounters, Source, Stream, detect_level, detect_trace_id,
    pump, sanitize, to_json,
};

const ROUNDS: u32 = 200_000;

/// 100 bytes each.
const LINES: [(&str, &str); 5] = [
    (
        "plain",
        "GET /products/tea-green 200 in 12 ms, from 192.168.11.12, with 1834 bytes, cache hit, for user 48213",
    ),
    (
        "plain, with a level",
        "2026-11-24T12:00:00.123Z ERROR the order 4213 of user 812 can't be paid: the bank says no to the car",
    ),
    (
        "pino",
        r#"{"level":30,"time":1531171074631,"pid":657,"hostname":"web-1","reqId":"req-18","msg":"request done"}"#,
    ),
    (
        "winston, level last",
        r#"{"message":"request done","service":"users","timestamp":"2026-11-24T12:00:00.123Z","level":"warn"  }"#,
    ),
    (
        "pino, with a trace",
        r#"{"level":30,"time":1531171074631,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","pid":1,"msg":"done"}"#,
    ),
];

fn source() -> Source {
    Source {
        domain: Arc::from("users"),
        generation: 3,
        pid: 4242,
    }
}

fn nanoseconds(mut work: impl FnMut()) -> f64 {
    // The best of several: other load only adds time.
    (0..7)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..ROUNDS {
                work();
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
        })
        .fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "a measurement, of use in a release build only"]
fn nanoseconds_per_line() {
    let mut out = Vec::new();
    for (name, line) in LINES {
        assert_eq!(line.len(), 100, "{name}");
        let line = line.as_bytes();
        let level = nanoseconds(|| {
            let _level: Option<Level> =
                black_box(detect_level(black_box(line), black_box(Stream::Stdout)));
        });
        let trace = nanoseconds(|| {
            black_box(detect_trace_id(black_box(line)));
        });
        let sanitized = nanoseconds(|| {
            out.clear();
            black_box(sanitize(black_box(line), true, &mut out));
        });
        let full = LogLine {
            seq: 123_456,
            time: SystemTime::UNIX_EPOCH + Duration::from_micros(1_770_000_000_123_456),
            source: source(),
            stream: Stream::Stdout,
            level: Some(Level::Info),
            message: Bytes::copy_from_slice(line),
            partial: false,
            continues: false,
            message_trace: None,
        };
        let json = nanoseconds(|| {
            black_box(to_json(black_box(&full)));
        });
        println!(
            "{name:20}  level {level:5.1} ns  trace {trace:5.1} ns  sanitize {sanitized:5.1} ns  \
             json {json:6.1} ns"
        );
    }
}

#[tokio::test]
#[ignore = "a measurement, of use in a release build only"]
async fn mebibytes_per_second_of_a_pump() {
    let input = LINES[0].1.to_owned() + "\n";
    let input = input.repeat(640_000);
    let mut best = 0.0_f64;
    for _ in 0..7 {
        let hub = Hub::new(HubConfig::default());
        let start = Instant::now();
        let counters = PumpCounters::default();
        let stats = pump(input.as_bytes(), &hub, source(), Stream::Stdout, &counters).await;
        assert_eq!(stats.expect("memory can be read").lines, 640_000);
        best = best.max(input.len() as f64 / 1_048_576.0 / start.elapsed().as_secs_f64());
    }
    println!("pump  {best:6.0} MiB/s");
}
