//! Section K, rows 13 to 18: output of domains and events.

use std::fs;

use fulcrum_e2e::{App, CTRL_C, LIMIT, TerminalStep, json_lines, measurement, wait_until};
use serde_json::Value;

/// A logger that colors its time and level, an object with a property `error`, and an error with its
/// cause, each printed at once.
const TALK: &str = r#"
process.stdout.write("\u001b[90m12:00:00\u001b[0m \u001b[33mWRN\u001b[0m \u001b[1mlow\u001b[0m disk trace_id=req-7\n");
process.stdout.write("{\n  user: 'a',\n  error: null,\n}\n");
process.stderr.write("Error: boom trace_id=req-8\n    at f (/a.js:1:2) {\n  [cause]: TypeError: inner\n      at g (/a.js:3:4)\n}\nnext\n");
setInterval(() => {}, 1000);
"#;

const STACK: [&str; 5] = [
    "Error: boom trace_id=req-8",
    "    at f (/a.js:1:2) {",
    "  [cause]: TypeError: inner",
    "      at g (/a.js:3:4)",
    "}",
];

fn talking_app() -> App {
    let app = App::new().write("domains/talk/talk.cjs", TALK).write(
        "domains/talk/fulcrum.yml",
        "process: {command: [node, talk.cjs], ready: {log: next}}\n",
    );
    app.run(&["dev", "--detach", "--wait"]).exits(0);
    app
}

/// The lines of the domain that a command prints.
fn printed(app: &App, args: &[&str]) -> Vec<Value> {
    let args = [&["logs", "talk", "-o", "json"], args].concat();
    let lines = json_lines(&app.run(&args).exits(0).stdout);
    let is_own = |line: &Value| line["stream"] == "fulcrum";
    lines.into_iter().filter(|line| !is_own(line)).collect()
}

fn texts(lines: &[Value]) -> Vec<&str> {
    let messages = lines.iter().map(|line| line["message"].as_str());
    messages.map(|message| message.expect("a text")).collect()
}

#[test]
fn k13_a_stack_trace_is_one_message_in_memory_and_in_the_store() {
    let app = talking_app();
    let check = |app: &App| {
        let errors = printed(app, &["--level", "error"]);
        assert_eq!(texts(&errors), STACK);
        for (at, line) in errors.iter().enumerate() {
            assert_eq!(line["level"], "error", "{line}");
            assert_eq!(line["trace_id"], "req-8", "{line}");
            assert_eq!(line["continues"] == true, at > 0, "{line}");
        }
        // A match in the middle selects the whole.
        assert_eq!(texts(&printed(app, &["--grep", "TypeError: inner"])), STACK);
        assert_eq!(
            texts(&printed(app, &["--level", "error", "-n", "2"])),
            STACK[3..]
        );
    };
    check(&app);
    app.down();
    check(&app);
    measurement(
        "K13",
        "an error of 5 lines: 5 lines by --level error and by --grep",
    );
}

#[test]
fn k14_colors_hide_neither_level_nor_text_and_a_property_is_no_level() {
    let app = talking_app();
    let warnings = printed(&app, &["--grep", "^12:00:00 WRN low disk"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["level"], "warn");
    assert_eq!(warnings[0]["trace_id"], "req-7");
    let object = printed(&app, &["--grep", "error: null"]);
    assert_eq!(texts(&object), ["{", "  user: 'a',", "  error: null,", "}"]);
    assert!(
        object.iter().all(|line| line["level"].is_null()),
        "{object:?}"
    );
    app.down();
}

/// Says how it writes, and that it ends.
const BUFFERED: &str = r#"
import os, signal, sys, time
def end(*_):
    print("bye", end="")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("terminal", sys.stdout.isatty(), sys.stderr.isatty(), "color", os.environ.get("FORCE_COLOR"))
print("on stderr", file=sys.stderr)
print("up")
while True: time.sleep(1)
"#;

fn buffered_app() -> App {
    App::new()
        .write("domains/pipe/main.py", BUFFERED)
        .write("domains/tty/main.py", BUFFERED)
        .write(
            "domains/pipe/fulcrum.yml",
            "process: {command: [python3, main.py], ready: {log: up}}\n",
        )
        .write(
            "domains/tty/fulcrum.yml",
            "process: {command: [python3, main.py], ready: {log: up}, tty: true}\n",
        )
}

#[test]
fn k15_programs_that_buffer_are_shown_at_once_with_pipes_and_with_a_terminal() {
    let app = buffered_app();
    app.run(&["dev", "--detach", "--wait"]).exits(0);
    let leader = app.leader("tty");
    let descriptors = || {
        let dir = format!("/proc/{}/fd", app.instance().pid);
        fs::read_dir(dir).expect("the instance").count()
    };
    let before = descriptors();
    for _ in 0..3 {
        app.run(&["domains", "restart", "tty"]).exits(0);
    }
    assert!(descriptors() <= before, "{} of {before}", descriptors());
    assert_ne!(app.leader("tty").pid, leader.pid);
    app.down();
    for (domain, terminal, stderr) in [("pipe", "False", "stderr"), ("tty", "True", "stdout")] {
        let args = ["logs", domain, "-o", "json", "--current"];
        let lines = json_lines(&app.run(&args).exits(0).stdout);
        let found: Vec<_> = lines
            .iter()
            .filter(|line| line["stream"] != "fulcrum")
            .map(|line| (line["message"].as_str(), line["stream"].as_str()))
            .collect();
        let first = format!("terminal {terminal} {terminal} color None");
        let expected = [
            (Some(&*first), Some("stdout")),
            (Some("on stderr"), Some(stderr)),
            (Some("up"), Some("stdout")),
            (Some("bye"), Some("stdout")),
        ];
        assert_eq!(found.len(), expected.len(), "{domain}: {found:?}");
        for line in expected {
            assert!(found.contains(&line), "{line:?} of {domain}: {found:?}");
        }
    }
    measurement(
        "K15",
        "4 of 4 lines of a Python program that is stopped, by pipe and by terminal",
    );
}

#[test]
fn k15_domains_have_colors_where_dev_shows_them_on_a_color_terminal() {
    let app = buffered_app();
    let program = fulcrum_e2e::binary().display().to_string();
    let session = |variables: &[&str], command: &str, steps: &[TerminalStep<'_>]| {
        let run = [
            &[
                "env",
                "-u",
                "NO_COLOR",
                "-u",
                "CI",
                "-u",
                "FORCE_COLOR",
                "TERM=xterm-256color",
            ],
            variables,
            &[&program, command],
        ];
        let session = app.terminal_session(&run.concat(), steps);
        assert_eq!(session.code, Some(0), "{}", session.output);
        session.output
    };
    let ready = TerminalStep::Expect("2 domains ready");
    let colored = std::thread::scope(|scope| {
        let steps = [ready, TerminalStep::Exit];
        let shown = scope.spawn(move || session(&[], "dev", &steps));
        wait_until("the domains are ready", LIMIT, || {
            let list = app.run(&["list", "-o", "json"]).stdout;
            (list.matches("\"ready\": true").count() == 2).then_some(())
        });
        let status = app.run(&["domains", "status", "tty", "-o", "json"]);
        let status = status.exits(0).json();
        assert_eq!(status["env"]["FORCE_COLOR"], "2", "{status}");
        let origin = status["env_origins"]["FORCE_COLOR"].as_str();
        assert!(
            origin.is_some_and(|text| text.contains("color terminal")),
            "{status}"
        );
        // No change of the configuration.
        let plan = app.run(&["reload", "--dry-run"]).exits(0);
        assert!(!plan.stdout.contains("restart"), "{}", plan.stdout);
        app.run(&["down"]).exits(0);
        shown.join().expect("the session")
    });
    assert!(
        colored.contains("terminal False False color 2"),
        "{colored}"
    );
    assert!(colored.contains("terminal True True color 2"), "{colored}");
    // Ctrl-C of the terminal is for the instance, which stops the domains.
    let steps = |expected| {
        [
            TerminalStep::Expect(expected),
            ready,
            CTRL_C,
            TerminalStep::Exit,
        ]
    };
    let stopped = session(&["FORCE_COLOR=0"], "dev", &steps("True color 0"));
    assert_eq!(stopped.matches("bye").count(), 2, "{stopped}");
    session(&["NO_COLOR=1"], "dev", &steps("True color None"));
    session(&[], "serve", &steps("True color None"));
}

/// A bar that is written over itself for longer than any other unfinished line is held, what npm, pnpm
/// and pip draw while they install, and a spinner that leaves nothing.
const BARS: &str = r#"
const write = (text) => process.stdout.write(text);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
(async () => {
  for (let n = 0; n <= 100; n += 20) { write(`\r[${"=".repeat(n / 20).padEnd(5)}] ${n}%`); await sleep(150); }
  write("\n");
  write("\x1b[?25l\x1b[1G⠙\x1b[1G\x1b[0K⠹\x1b[1G\x1b[0K\x1b[?25h\n");
  write("\x1b[2K\x1b[1GProgress: resolved \x1b[96m1\x1b[39m\n");
  write("\x1b[1A\x1b[0K\rProgress: resolved \x1b[96m7\x1b[39m, done\n");
  write("   ━━━━━━ 1.0/2.0 MB\r\x1b[2K   ━━━━━━ \x1b[32m2.0/2.0 MB\x1b[0m\nup\n");
})();
setInterval(() => {}, 1000);
"#;

#[test]
fn k16_progress_bars_show_their_last_state_and_installers_leave_no_rubbish() {
    let app = App::new().write("domains/bars/bars.cjs", BARS).write(
        "domains/bars/fulcrum.yml",
        "process: {command: [node, bars.cjs], ready: {log: up}}\n",
    );
    let live = app.run(&["dev", "--wait", "--detach"]).exits(0);
    drop(live);
    let args = ["logs", "bars", "--stream", "stdout"];
    let shown = app.run(&args).exits(0).stdout;
    let expected = "\
bars    │ [=====] 100%
bars    │ Progress: resolved 1
bars    │ Progress: resolved 7, done
bars    │    ━━━━━━ 2.0/2.0 MB
bars    │ up
";
    assert_eq!(shown, expected);
    // What is matched is what is shown.
    let found = |pattern| {
        app.run(&["logs", "bars", "--grep", pattern])
            .exits(0)
            .stdout
    };
    assert_eq!(found("20%"), "");
    assert_eq!(found(r"^\[=====\] 100%$").lines().count(), 1);
    // All bytes are kept.
    let raw = app.run(&["logs", "bars", "--raw"]).exits(0).stdout;
    for part in [
        "\r[=    ] 20%\r[==   ] 40%",
        "\x1b[1A\x1b[0K\r",
        "1.0/2.0 MB\r\x1b[2K",
    ] {
        assert!(raw.contains(part), "{part:?} in {raw:?}");
    }
    app.down();
    measurement("K16", "a bar of 6 states: 1 line");
}

#[test]
fn k17_lines_of_a_damaged_segment_are_a_gap_with_domain_numbers_and_file() {
    let app = talking_app();
    app.run(&["domains", "restart", "talk"]).exits(0);
    app.down();
    let dir = app.root().join(".fulcrum/logs/talk");
    let entries = fs::read_dir(&dir).expect("the domain's segments");
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let file = files.first().expect("a segment");
    let complete = fs::read(file).expect("a segment");
    let before = printed(&app, &[]).len();
    // The second half is lost, but for the last lines.
    let mut damaged = complete.clone();
    damaged[complete.len() / 2..complete.len() * 3 / 4].fill(0);
    fs::write(file, &damaged).expect("the file is damaged");
    let check = |format: &[&str]| {
        let shown = app.run(&[&["logs", "talk"], format].concat()).exits(0);
        let text = format!("{}{}", shown.stdout, shown.stderr);
        let gaps: Vec<_> = text
            .lines()
            .filter(|line| line.contains("missing"))
            .collect();
        let [gap] = gaps[..] else {
            panic!("one gap: {text}");
        };
        for part in [
            "lines of talk with numbers from",
            "is damaged",
            &file.display().to_string(),
        ] {
            assert!(gap.contains(part), "{part} in {gap}");
        }
        gap.to_owned()
    };
    let text = check(&[]);
    assert!(text.starts_with("talk"), "{text}");
    check(&["--raw"]);
    check(&["--level", "error"]);
    let json = check(&["-o", "json"]);
    let json: Value = serde_json::from_str(&json).expect("one object");
    assert_eq!(json["domain"], "talk");
    assert!(
        json["gap"]["first_seq"].as_u64() <= json["gap"]["last_seq"].as_u64(),
        "{json}"
    );
    let after = printed(&app, &[]).len();
    assert!(after < before, "{after} of {before}");
    // An instance that runs tells it as well, and none is told where nothing was asked for.
    app.run(&["dev", "--detach", "--wait"]).exits(0);
    check(&[]);
    let newest = app.run(&["logs", "talk", "-n", "2"]).exits(0);
    assert!(!newest.stdout.contains("missing"), "{}", newest.stdout);
    app.down();
    measurement("K17", &text);
}

/// Writes one file again and again, and 95 others at a time, after `go` exists.
const CHATTY: &str = r#"
const fs = require("node:fs");
console.log("up");
let n = 0;
setInterval(() => {
  if (!fs.existsSync(__dirname + "/../../go") || n >= 12) return;
  fs.writeFileSync(__dirname + "/page.html", String(n++));
  for (let i = 0; i < 95; i++) fs.writeFileSync(`${__dirname}/${n}-${i}.html`, "x");
}, 500);
"#;

#[test]
fn k18_a_chatty_domain_does_not_push_out_the_events_of_others_and_repeats_are_folded() {
    let app = App::new()
        .write("domains/chatty/chatty.cjs", CHATTY)
        .write(
            "domains/quiet/quiet.cjs",
            "console.log('up'); setInterval(() => {}, 1000);",
        )
        .write(
            "domains/chatty/fulcrum.yml",
            "process: {command: [node, chatty.cjs], ready: {log: up}, watch: {paths: [.]}}\n",
        )
        .write(
            "domains/quiet/fulcrum.yml",
            "process: {command: [node, quiet.cjs], ready: {log: up}}\n",
        );
    app.start_watching();
    app.write_file("go", "");
    let all = wait_until("the oldest events of one domain are dropped", LIMIT, || {
        let is_full = app.event_reasons("chatty", "spawned").is_empty();
        is_full.then(|| app.event_reasons("chatty", "asset_changed").len())
    });
    assert_eq!(app.event_reasons("quiet", "spawned").len(), 1);
    assert_eq!(app.event_reasons("fulcrum", "watching").len(), 1);
    // One file, written again and again by hand: one event, with its count.
    let of_quiet = || {
        let events = app.events().into_iter();
        let of_file = events.filter(|event| event["reason"] == "note.html changed");
        of_file.collect::<Vec<_>>()
    };
    for n in 1..=3 {
        app.write_file("domains/quiet/note.html", &n.to_string());
        wait_until("the save is an event", LIMIT, || {
            Some(()).filter(|()| {
                of_quiet()
                    .last()
                    .is_some_and(|event| event["count"].as_u64().unwrap_or(1) == n)
            })
        });
    }
    let folded = of_quiet();
    assert_eq!(folded.len(), 1, "{folded:?}");
    assert!(
        folded[0]["first_time"].as_str() < folded[0]["time"].as_str(),
        "{folded:?}"
    );
    // Times as people write them.
    let count = |args: &[&str]| {
        let args = [&["events", "quiet", "-o", "json"], args].concat();
        json_lines(&app.run(&args).exits(0).stdout).len()
    };
    let events = count(&[]);
    for since in [
        "1h",
        "yesterday",
        "yesterday 15:00",
        "2026-01-01 15:00",
        "2026-01-01",
    ] {
        assert_eq!(count(&["--since", since]), events, "{since}");
        assert_eq!(count(&["--until", since]), 0, "{since}");
        assert!(
            app.run(&["logs", "--since", since])
                .exits(0)
                .stdout
                .contains("up")
        );
    }
    for (time, error) in [
        ("25:00", "there is no time of day 25:00"),
        ("tomorrow", "expected a duration such as 5m"),
        ("2126-01-01", "--since is in the future"),
    ] {
        let refused = app.run(&["events", "--since", time]).exits(2);
        assert!(refused.stderr.contains(error), "{}", refused.stderr);
    }
    app.down();
    measurement(
        "K18",
        &format!("{all} events of one domain, all of the others kept"),
    );
}
