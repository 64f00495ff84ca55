//! What comes line by line.

use std::process::Stdio;

use fulcrum_rpc::control::log_record::Record;
use fulcrum_rpc::control::{Event, LogLine, LogRecord};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::instance::{App, Run, Script};

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
        logs: vec![line("one"), missed, line("two\x1b[2J")],
        ..Script::default()
    })
}

#[tokio::test]
async fn lines_for_people_and_for_programs_tell_of_gaps() {
    let app = app();
    let text = app.run("logs").await;
    assert_eq!(
        text.out,
        "users   │ one\nfulcrum │ 7 lines missed here: output came too fast\nusers   │ two␛[2J\n"
    );
    let json = app.run("domains logs -o json").await;
    let messages: Vec<serde_json::Value> = json
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(messages.len(), 2, "{json:?}");
    assert_eq!(messages[1]["message"], "two\x1b[2J");
    assert!(json.err.contains("7 lines missed"), "{json:?}");
    assert_eq!(app.run("logs nobody").await.code, Some(4));
}

#[tokio::test]
async fn following_ends_quietly_with_its_reader_even_if_nothing_is_said() {
    let app = app();
    let mut command = app.fulcrum("logs -f");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let first = lines.next_line().await.expect("readable");
    assert_eq!(first.as_deref(), Some("users   │ one"));
    drop(lines);
    let run = Run::of(child.wait_with_output().await.expect("it ends"));
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
        .expect("it lives");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("signalled");
    assert_eq!(child.wait().await.expect("it ends").code(), Some(130));
}

#[tokio::test]
async fn events_are_an_object_a_line() {
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
