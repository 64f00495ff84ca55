//! Output line by line.

use std::process::Stdio;

use fulcrum_rpc::control::log_record::Record;
use fulcrum_rpc::control::{Event, LogLine, LogRecord};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::scripted_instance::{App, CommandRun, Script};

fn line(message: &str) -> LogRecord {
    LogRecord {
        record: Some(Record::Line(LogLine {
            domain: "users".into(),
            stream: "stdout".into(),
            message: message.into(),
            ..LogLine::default()
        })),
    }
}

fn app() -> App {
    let missed = LogRecord {
        record: Some(Record::Missed(7)),
    };
    App::running(Script {
        logs: vec![line("one")],
        later_logs: vec![missed, line("two\x1b[2J")],
        ..Script::default()
    })
}

/// Runs a following command: the process, its lines of standard output until one has `two`, and its
/// standard error.
async fn follow(app: &App, command: &str) -> (tokio::process::Child, Vec<String>, String) {
    let mut command = app.fulcrum(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().expect("started");
    let mut out = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut lines = Vec::new();
    while !lines
        .last()
        .is_some_and(|line: &String| line.contains("two"))
    {
        lines.push(out.next_line().await.expect("readable").expect("a line"));
    }
    drop(out);
    let mut err = String::new();
    let mut stderr = child.stderr.take().expect("piped");
    stderr.read_to_string(&mut err).await.expect("readable");
    (child, lines, err)
}

#[tokio::test]
async fn text_and_json_report_gaps() {
    let app = app();
    assert_eq!(app.run("logs").await.out, "users   │ one\n");
    let (_, text, _) = follow(&app, "logs -f").await;
    let expected = [
        "users   │ one",
        "fulcrum │ 7 lines dropped (output rate too high)",
        "users   │ two␛[2J",
    ];
    assert_eq!(text, expected);
    let (_, json, told) = follow(&app, "domains logs -f -o json").await;
    let messages: Vec<serde_json::Value> = json
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(messages.len(), 2, "{json:?}");
    assert_eq!(messages[1]["message"], "two\x1b[2J");
    assert!(told.contains("7 lines dropped"), "{told}");
    assert_eq!(app.run("logs nobody").await.code, Some(4));
}

#[tokio::test]
async fn following_ends_without_an_error_when_its_reader_is_gone() {
    let app = app();
    let mut command = app.fulcrum("logs -f");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let first = lines.next_line().await.expect("readable");
    assert_eq!(first.as_deref(), Some("users   │ one"));
    drop(lines);
    let run = CommandRun::new(child.wait_with_output().await.expect("it ends"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn ctrl_c_ends_following_with_130() {
    let app = app();
    let mut command = app.fulcrum("logs -f");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    lines.next_line().await.expect("readable");
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let pid = pid
        .and_then(rustix::process::Pid::from_raw)
        .expect("a running process");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("signaled");
    assert_eq!(child.wait().await.expect("it ends").code(), Some(130));
}

#[tokio::test]
async fn events_are_printed_as_one_object_a_line() {
    let event = |seq| Event {
        seq,
        domain: "users".into(),
        from: "starting".into(),
        to: "running".into(),
        ..Event::default()
    };
    let app = App::running(Script {
        events: vec![event(1), event(2)],
        ..Script::default()
    });
    let run = app.run("domains events -o json").await;
    let last: serde_json::Value =
        serde_json::from_str(run.out.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["seq"], &last["to"]), (&2.into(), &"running".into()));
    assert_eq!(run.out.lines().count(), 2);
}
