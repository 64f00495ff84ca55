//! Frames of the view.

use std::time::{Duration, SystemTime};

use fulcrum_rpc::control::{Details, Domain, Event, Instance, LastExit, LogLine};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::model::{Input, LogItem, Model, Now};
use crate::term::{ColorDepth, Key, TermEvent};

fn now() -> Now {
    Now {
        elapsed: Duration::from_secs(100),
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(100),
    }
}

fn shop() -> Vec<Domain> {
    let base = Domain {
        goal: "up".into(),
        phase: "running".into(),
        ready: true,
        ..Domain::default()
    };
    vec![
        Domain {
            name: "users".into(),
            pid: Some(4242),
            uptime_ms: 192_000,
            cpu_percent: 1.34,
            memory_bytes: 50_645_811,
            event_loop_lag_ms: Some(0.4),
            reason: "registered".into(),
            depends_on: vec!["catalog".into()],
            ..base.clone()
        },
        Domain {
            name: "catalog".into(),
            pid: Some(4243),
            uptime_ms: 192_000,
            ..base.clone()
        },
        Domain {
            name: "orders".into(),
            phase: "backoff".into(),
            ready: false,
            restarts: 3,
            reason: "exit code 3\nError: boom".into(),
            retry_in_ms: Some(1_600),
            generation: 4,
            depends_on: vec!["users".into(), "catalog".into()],
            last_exit: Some(LastExit {
                code: Some(3),
                reason: "exit code 3; last on stderr: boom".into(),
                at: Some((SystemTime::UNIX_EPOCH + Duration::from_secs(90)).into()),
                ..LastExit::default()
            }),
            ..base
        },
    ]
}

fn model(columns: u16, rows: u16) -> Model {
    let mut model = Model::new((columns, rows), 0, now());
    let instance = Instance {
        pid: 41,
        app: "/srv/shop".into(),
        mode: "dev".into(),
        grpc: "127.0.0.1:50051".into(),
        ..Instance::default()
    };
    model.update(Input::Connected(Box::new(instance)), now());
    model.update(Input::Status(shop()), now());
    model
}

fn press(model: &mut Model, keys: &str) {
    for key in keys.chars() {
        let key = match key {
            '\n' => Key::Enter,
            key => Key::Char(key),
        };
        model.update(Input::Term(TermEvent::Key(key)), now());
    }
}

fn write(model: &mut Model, lines: &[(&str, Option<&str>)]) {
    let items = lines.iter().zip(1..).map(|((text, level), seq)| {
        LogItem::Line(LogLine {
            seq,
            domain: "catalog".into(),
            stream: "stdout".into(),
            level: level.map(str::to_owned),
            message: text.as_bytes().to_vec(),
            ..LogLine::default()
        })
    });
    let items = items.collect();
    let feed = model.logs.feed;
    model.update(Input::Lines { feed, items }, now());
}

/// The frame on a terminal without colors.
fn frame(model: &Model) -> String {
    let (columns, rows) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
    let theme = Theme::new(0, ColorDepth::None);
    terminal
        .draw(|frame| {
            draw(model, &theme, frame.buffer_mut());
        })
        .expect("a frame");
    frame_text(terminal.backend().buffer(), false)
}

#[test]
fn a_frame_at_80_by_24() {
    let mut model = model(80, 24);
    write(
        &mut model,
        &[("hello", None), ("it \x1b[31mfailed\x1b[0m", Some("error"))],
    );
    let text = frame(&model);
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(
        rows[..5],
        [
            " fulcrum  shop  dev  2/3 ready                                CPU 1.3%  MEM 48M",
            "  NAME         PHASE     READY    CPU          MEM          LAG RST UPTIME  PORT",
            "▌ catalog      running   yes     0.0%     ▁     0B     ▁          0  3m12s",
            "  orders       backoff   no                                       3",
            "  users        running   yes     1.3%     ▂    48M     ▅  0.4ms   0  3m12s",
        ]
    );
    for expected in [
        "▌ catalog",
        "orders       backoff   no",
        "hello",
        "it failed",
        "4 Detail",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert_eq!(text.lines().count(), 24);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(!text.contains('\x1b'));
}

#[test]
fn a_wide_frame_has_pid_and_reason() {
    let text = frame(&model(160, 48));
    for expected in [
        "4242",
        "registered",
        "exit code 3 (retry in 2s)",
        "127.0.0.1:50051  pid 41",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(!text.contains("boom"), "one line of the reason:\n{text}");
}

#[test]
fn every_pane_and_overlay_is_drawn_at_every_size() {
    for (columns, rows) in [
        (0, 0),
        (1, 1),
        (5, 3),
        (20, 6),
        (40, 10),
        (80, 24),
        (160, 48),
        (300, 90),
    ] {
        for keys in [
            "1", "2", "3", "4", "?", ":", "/x", "f", "r", "z", "z4", "J", "w", "a",
        ] {
            let mut model = model(columns, rows);
            write(
                &mut model,
                &[("{\"a\":{\"b\":1}}", Some("info")), ("日本語", None)],
            );
            press(&mut model, keys);
            let text = frame(&model);
            assert_eq!(
                text.lines().count(),
                usize::from(rows),
                "{keys} at {columns}×{rows}"
            );
        }
    }
}

#[test]
fn the_tree_shows_who_needs_whom() {
    let mut model = model(80, 24);
    press(&mut model, "3");
    let text = frame(&model);
    let tree: Vec<&str> = text.lines().skip(6).take(4).map(str::trim_end).collect();
    assert_eq!(
        tree,
        [
            " orders  backoff",
            " ├─ users  running, ready",
            " │  └─ catalog  running, ready",
            " └─ catalog  running, ready",
        ]
    );
}

#[test]
fn details_have_exits_lives_and_a_masked_environment() {
    let mut model = model(80, 40);
    for (seq, kind, from, to) in [
        (1, "spawned", "waiting", "starting"),
        (2, "exited", "starting", "stopping"),
    ] {
        let event = Event {
            seq,
            domain: "orders".into(),
            generation: 4,
            kind: kind.into(),
            from: from.into(),
            to: to.into(),
            reason: "exit code 3".into(),
            time: Some((SystemTime::UNIX_EPOCH + Duration::from_secs(80 + seq)).into()),
            ..Event::default()
        };
        model.update(Input::Event(Box::new(event)), now());
    }
    press(&mut model, "4j");
    let details = Details {
        command: vec!["node".into(), "domain.js".into()],
        env: [("TOKEN".to_owned(), "***".to_owned())].into(),
        last_stderr: vec!["Error: boom".into()],
        ..Details::default()
    };
    let orders = Domain {
        name: "orders".into(),
        details: Some(details),
        ..Domain::default()
    };
    model.update(Input::Details(Box::new(orders)), now());
    let text = frame(&model);
    for expected in [
        "exit code 3, 10s ago",
        "last on stderr: boom",
        "#4     started 19s ago      ran 1s; exited: exit code 3",
        "node domain.js",
        "Error: boom",
        "TOKEN=***",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
}

#[test]
fn json_is_shown_on_several_lines_and_long_lines_are_wrapped() {
    let mut model = model(40, 24);
    let long = "x".repeat(50);
    write(
        &mut model,
        &[
            ("{\"level\":30,\"msg\":\"hi\"}", Some("info")),
            (&long, None),
        ],
    );
    let text = frame(&model);
    assert!(text.contains("{\"level\":30,\"msg\":\"hi\"}"), "{text}");
    assert!(text.contains(&"x".repeat(40)) && text.contains(&format!("\n{}\n", "x".repeat(10))));
    press(&mut model, "Jw");
    let text = frame(&model);
    assert!(text.contains("\n  \"msg\": \"hi\"\n"), "{text}");
    assert!(!text.contains(&format!("\n{}\n", "x".repeat(10))), "{text}");
}

#[test]
fn a_lost_instance_is_told() {
    let mut model = model(80, 24);
    model.update(
        Input::Disconnected("no running instance for this app".into()),
        now(),
    );
    assert!(frame(&model).contains("no instance for 0s"));
    let mut empty = Model::new((80, 24), 0, now());
    empty.update(
        Input::Disconnected("no running instance for this app".into()),
        now(),
    );
    assert!(frame(&empty).contains("no running instance for this app"));
}

#[test]
fn scrolling_ends_at_the_last_page() {
    let mut model = model(80, 12);
    press(&mut model, "4G");
    assert!(model.scroll > 1_000);
    let last = last_scroll(&model);
    model.scroll = model.scroll.min(last);
    let end = frame(&model);
    model.update(Input::Term(TermEvent::Key(Key::PageUp)), now());
    assert!(model.scroll < last);
    assert_ne!(frame(&model), end);
    press(&mut model, "1");
    assert_eq!(last_scroll(&model), 0);
}

#[test]
fn a_question_names_its_domain() {
    let mut model = model(80, 24);
    press(&mut model, "x");
    let text = frame(&model);
    assert!(
        text.contains("Stop catalog?") && text.contains("y yes"),
        "{text}"
    );
}
