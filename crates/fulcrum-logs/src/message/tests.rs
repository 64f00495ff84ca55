//! Messages of several lines, as runtimes and loggers print them.

use std::time::{Duration, SystemTime};

use super::*;
use crate::test_support;

fn line(text: &str, stream: Stream, millis: u64) -> LogLine {
    LogLine {
        time: SystemTime::UNIX_EPOCH + Duration::from_millis(millis),
        stream,
        level: detect_level(text.as_bytes(), stream),
        ..test_support::line("users", text.as_bytes().to_vec())
    }
}

/// The lines of `text` on standard error, read at once: each continuing one with its level.
fn grouped(text: &str) -> Vec<(bool, Option<Level>)> {
    let mut grouper = MessageGrouper::default();
    let group = |text| {
        let mut line = line(text, Stream::Stderr, 0);
        grouper.assign(&mut line);
        (line.continues, line.level)
    };
    text.lines().map(group).collect()
}

/// All lines after the first continue it, and have its level; empty ones aside.
fn is_one_message(text: &str, level: Level) {
    for (at, (line, found)) in text.lines().zip(grouped(text)).enumerate() {
        if !line.is_empty() {
            assert_eq!(found, (at > 0, Some(level)), "line {at}: {line:?}");
        }
    }
}

#[test]
fn a_stack_trace_belongs_to_its_error() {
    is_one_message(
        "TypeError: x is not a function\n    at f (/app/a.js:1:2)\n    at g (/app/a.js:3:4) {\n  code: 'E',\n  error: null,\n  [cause]: Error: inner\n      at h (/app/b.js:1:1)\n}",
        Level::Error,
    );
    is_one_message(
        "ERROR c.e.D : boom\njava.lang.X: y\n"
            .lines()
            .next()
            .expect("one"),
        Level::Error,
    );
    is_one_message(
        "2026-11-29 12:00:00 ERROR app : boom\n\tat c.e.D.f(D.java:1)\nCaused by: java.io.IOException: x\n\tat c.e.D.g(D.java:2)\n\t... 12 more",
        Level::Error,
    );
    is_one_message(
        "Error: cannot start\n\nCaused by:\n    0: no such file\n    1: os error 2",
        Level::Error,
    );
}

#[test]
fn a_traceback_ends_with_its_exception() {
    let traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\nValueError: x\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n    g()\napp.Failed: y";
    is_one_message(traceback, Level::Error);
    is_one_message(&format!("CRITICAL:root:boom\n{traceback}"), Level::Fatal);
    let after = grouped(&format!("{traceback}\nINFO:root:next\nplain"));
    assert_eq!(
        after[after.len() - 2..],
        [(false, Some(Level::Info)), (false, None)]
    );
    // Nothing failed before: it is a message of its own.
    let own = grouped(&format!("starting\n{traceback}"));
    assert_eq!(own[1], (false, Some(Level::Error)));
}

#[test]
fn panics_of_rust_and_go_belong_together() {
    is_one_message(
        "thread 'main' (42) panicked at src/main.rs:2:5:\nboom\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
        Level::Error,
    );
    is_one_message(
        "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:5 +0x1d\nexit status 2",
        Level::Fatal,
    );
}

#[test]
fn lines_that_stand_alone_start_messages() {
    for text in [
        "ERROR boom\nnext",
        "ERROR boom\n WARN app: low",
        "ERROR boom\n  WARN app: low",
        "ERROR boom\n \u{2713} Ready",
        "up\nat noon it ends",
    ] {
        assert!(!grouped(text)[1].0, "{text:?}");
    }
}

#[test]
fn a_message_ends_after_a_pause_and_is_one_stream_of_one_generation() {
    let mut grouper = MessageGrouper::default();
    let mut add = |mut line: LogLine| {
        grouper.assign(&mut line);
        line.continues
    };
    assert!(!add(line("ERROR boom", Stream::Stdout, 0)));
    assert!(!add(line("  at once", Stream::Stderr, 0)));
    let mut other = line("  at once", Stream::Stdout, 0);
    other.source.generation = 2;
    assert!(!add(other));
    assert!(add(line("  at once", Stream::Stdout, 100)));
    assert!(add(line("  a little later", Stream::Stdout, 200)));
    assert!(!add(line("  too late", Stream::Stdout, 301)));
}

#[test]
fn a_continuing_line_has_the_trace_id_of_its_message() {
    let mut grouper = MessageGrouper::default();
    let mut first = line("ERROR boom trace_id=abc", Stream::Stdout, 0);
    let mut second = line("    at f (a.js:1:2)", Stream::Stdout, 0);
    grouper.assign(&mut first);
    grouper.assign(&mut second);
    assert_eq!(second.trace_id().as_deref(), Some("abc"));
}
