//! What looking at a line costs. Not part of the ordinary suite:
//! `cargo test --release -p fulcrum-logs --test speed -- --ignored --nocapture`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a measurement reads the clock and prints what it found"
)]

use std::hint::black_box;
use std::time::Instant;

use fulcrum_logs::{Level, Stream, detect_level, detect_trace_id, sanitize};

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

fn nanoseconds(mut work: impl FnMut()) -> f64 {
    // The best of several: what else runs on the machine only adds.
    (0..7)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..ROUNDS {
                work();
            }
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
        })
        .fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "a measurement, of use in a release build only"]
fn nanoseconds_a_line() {
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
        let shown = nanoseconds(|| {
            out.clear();
            black_box(sanitize(black_box(line), true, &mut out));
        });
        println!("{name:20}  level {level:5.1} ns  trace {trace:5.1} ns  sanitise {shown:5.1} ns");
    }
}
