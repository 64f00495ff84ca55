//! Exit causes in the terminal, in status, in events and in `domains why`.

use std::fs;
use std::path::PathBuf;

use fulcrum_e2e::{
    App, Foreground, LIMIT, Signal, binary, json_lines, not_applicable, text_of, wait_until,
};
use serde_json::Value;

/// A domain that becomes ready and exits on request.
const STEADY: &str = "steady";

/// No restart, so that the state stays.
const NO_RESTART: &str = "process:\n  restart: never\n";

/// The next start is far in the future.
const LONG_BACKOFF: &str = "process:\n  restart: {backoff: {initial: 30s, max: 30s}}\n";

/// A program other than Node, as a domain that is not restarted.
fn shell(app: App, name: &str, script: &str) -> App {
    // `$$` in a configuration is one `$`.
    let script = serde_json::to_string(&script.replace('$', "$$")).expect("a text");
    app.write(
        &format!("domains/{name}/fulcrum.yml"),
        &format!("process:\n  command: [sh, -c, {script}]\n  restart: never\n"),
    )
}

fn has_ended(domain: &Value) -> bool {
    domain["pid"].is_null() && !domain["last_exit"].is_null()
}

fn status(app: &App, name: &str) -> String {
    app.run(&["domains", "status", name]).exits(0).stdout
}

fn why(app: &App, name: &str) -> String {
    app.run(&["domains", "why", name]).exits(0).stdout
}

#[track_caller]
fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

/// A domain that crashes while it starts fails the start that waits for it, with its stderr tail.
#[test]
fn a01_a_crash_at_startup_fails_the_start_with_its_stderr() {
    let app = App::new()
        .domain("users", "throws-at-start")
        .write("domains/users/fulcrum.yml", LONG_BACKOFF);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "waits for its next start", |users| {
        users["phase"] == "backoff"
    });
    app.run(&["domains", "start", "users"])
        .exits(1)
        .stderr_contains(&["exit 1 before it registered", "no database today"])
        .stderr_contains(&["    at Object.<anonymous>", "it starts again in"]);
    let users = app.status("users");
    assert_eq!(users["phase"], "backoff", "{users}");
    assert_eq!(users["last_exit"]["code"], 1, "{users}");
    contains(
        text_of(&users, "reason"),
        &["uncaught Error: no database today at domain.cjs:4:7"],
    );
    app.down();
}

/// An empty entry exits with 0 at once: it is not restarted, but the start has failed.
#[test]
fn a02_exit_0_before_registering_is_a_failed_start() {
    let app = App::new().write("domains/users/domain.js", "");
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["users", "exit 0 before it registered"]);
    let users = app.status("users");
    assert_eq!(
        (&users["ready"], &users["generation"]),
        (&false.into(), &1.into()),
        "{users}"
    );
    assert_eq!(users["last_exit"]["code"], 0, "{users}");
    contains(
        &why(&app, "users"),
        &["exit 0 before it registered", "export default a class"],
    );
    app.down();
}

#[test]
fn a03_an_await_that_never_settles_is_reported() {
    let app = App::new()
        .write("domains/users/domain.mjs", "await new Promise(() => {})\n")
        .write("domains/users/fulcrum.yml", NO_RESTART);
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["exit 13 (top-level await never settled)"]);
    contains(&status(&app, "users"), &["code 13", "nobody resolves"]);
    app.down();
}

/// Scripts with the exit reason and the text in `status` that each must have.
fn statuses() -> Vec<(String, &'static str, &'static str)> {
    let case = |script: &str, reason, status_text| (script.to_owned(), reason, status_text);
    vec![
        case("exit 0", "exit 0 before", "code 0"),
        case("exit 1", "exit 1 before", "code 1"),
        case("exit 126", "exit 126 (", "code 126"),
        case("exit 137", "exit 137 (its own exit code; ", "code 137"),
        case("exit 143", "exit 143 (its own exit code; ", "code 143"),
        case("exit 255", "exit 255 before", "code 255"),
        case("kill -1 $$", "killed by SIGHUP (1)", "signal 1 (SIGHUP)"),
        case("kill -6 $$", "killed by SIGABRT (6)", "signal 6 (SIGABRT)"),
        case(
            "kill -9 $$",
            "killed by SIGKILL (9) before it registered, sender unknown",
            "signal 9 (SIGKILL)",
        ),
        case(
            "kill -11 $$",
            "killed by SIGSEGV (11)",
            "signal 11 (SIGSEGV)",
        ),
        case(
            "kill -15 $$",
            "killed by SIGTERM (15)",
            "signal 15 (SIGTERM)",
        ),
    ]
}

#[test]
fn b03_exit_codes_and_signals_are_not_confused() {
    let cases = statuses();
    let app = cases
        .iter()
        .enumerate()
        .fold(App::new(), |app, (at, (script, ..))| {
            shell(app, &format!("case{at}"), script)
        });
    app.run(&["dev", "--detach"]).exits(0);
    for (at, (script, expected_reason, status_text)) in cases.iter().enumerate() {
        let name = format!("case{at}");
        let domain = app.wait_for(&name, "has exited", has_ended);
        let exit = &domain["last_exit"];
        let number = script.trim_end_matches(" $$").rsplit([' ', '-']).next();
        let number: i64 = number.expect("a number").parse().expect("a number");
        let expected = if script.starts_with("exit") {
            (Value::from(number), Value::Null)
        } else {
            (Value::Null, Value::from(number))
        };
        assert_eq!((exit["code"].clone(), exit["signal"].clone()), expected);
        let reason = exit["reason"].as_str().expect("a text");
        assert!(reason.starts_with(expected_reason), "{script}: {reason}");
        contains(&status(&app, &name), &[status_text]);
    }
    app.down();
}

/// One domain that exits differently in each generation: every exit code, and every fatal signal.
#[test]
#[ignore = "long: 283 generations"]
fn b03_every_code_and_every_fatal_signal_is_exact() {
    let signals = (1..=31).filter(|signal| !matches!(signal, 17..=23 | 28));
    let cases: Vec<String> = (0..=255)
        .map(|code| format!("exit {code}"))
        .chain(signals.map(|signal| format!("kill -{signal} $$")))
        .collect();
    let app = App::new()
        .write("cases", &(cases.join("\n") + "\n"))
        .write(
            "domains/users/fulcrum.yml",
            "process:\n  \
               command: [sh, ./domain.sh]\n  \
               restart: {policy: always, backoff: {initial: 20ms, max: 20ms, jitter: 0}, \
                         budget: 100000, window: 1s}\n",
        )
        .write(
            "domains/users/domain.sh",
            "n=$(cat \"$TEST_ACTIVITY_LOG.n\" 2>/dev/null || echo 0)\n\
             echo $((n + 1)) > \"$TEST_ACTIVITY_LOG.n\"\n\
             ulimit -c 0\n\
             eval \"$(sed -n \"$((n + 1))p\" ../../cases)\"\n\
             exec sleep 600\n",
        );
    app.run(&["dev", "--detach"]).exits(0);
    let follower = app.spawn(&["domains", "events", "users", "-f", "-o", "json"]);
    let exits = wait_until("all generations have exited", LIMIT * 6, || {
        let exits: Vec<Value> = whole_lines(&follower)
            .into_iter()
            .filter(|event| event["type"] == "exited")
            .collect();
        (exits.len() >= cases.len()).then_some(exits)
    });
    for (case, event) in cases.iter().zip(&exits) {
        let reason = event["reason"].as_str().expect("a text");
        let exact = match case.split_once(" -") {
            None => reason.starts_with(&format!("{case} ")) && !reason.contains("killed by"),
            Some((_, signal)) => {
                let signal = signal.trim_end_matches(" $$");
                reason.starts_with("killed by SIG") && reason.contains(&format!(" ({signal}) "))
            }
        };
        assert!(exact, "`{case}` is reported as: {reason}");
    }
    fulcrum_e2e::measurement("B3", &format!("{} of {} exact", exits.len(), cases.len()));
    app.run(&["domains", "stop", "users"]).exits(0);
    app.down();
}

/// The complete lines that a follower has printed.
fn whole_lines(follower: &Foreground) -> Vec<Value> {
    let text = follower.stdout();
    json_lines(&text[..text.rfind('\n').map_or(0, |end| end + 1)])
}

/// A memory cgroup of version 1, removed on drop.
struct Cgroup(PathBuf);

impl Cgroup {
    fn limited_to(bytes: u64) -> Option<Self> {
        let memory = PathBuf::from("/sys/fs/cgroup/memory");
        if !memory.join("memory.oom_control").is_file() {
            return None;
        }
        let group = Self(memory.join(format!("fulcrum-e2e-{}", std::process::id())));
        fs::create_dir(&group.0).ok()?;
        fs::write(group.0.join("memory.limit_in_bytes"), bytes.to_string()).ok()?;
        Some(group)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Its last process may still be exiting.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::yield_now();
        }
    }
}

#[test]
fn b04_an_oom_kill_is_distinguished_from_other_kills() {
    let Some(group) = Cgroup::limited_to(250 << 20) else {
        return not_applicable("B4", "no memory cgroup of version 1 can be made here");
    };
    let domain = "const { DomainBase } = require('@fulcrum/domain');\n\
                  module.exports = class Hoards extends DomainBase {\n  \
                    memoryHoardHandler() {\n    \
                      const kept = [];\n    \
                      setInterval(() => kept.push(Buffer.alloc(16 << 20, 1)), 1);\n    \
                      return { success: true };\n  \
                    }\n\
                  };\n";
    let app = App::new()
        .write("domains/users/domain.cjs", domain)
        .write("domains/users/fulcrum.yml", NO_RESTART)
        .domain("orders", STEADY)
        .write("domains/orders/fulcrum.yml", NO_RESTART);
    let script = format!(
        "echo $$ > {}/cgroup.procs && exec {} dev --detach --wait",
        group.0.display(),
        binary().display()
    );
    app.program("sh", &["-c", &script]).output().exits(0);
    // The counter of kernel kills has not changed before this kill.
    app.leader("orders").signal(Signal::KILL);
    let orders = app.wait_for("orders", "has exited", has_ended);
    contains(&orders["last_exit"].to_string(), &["sender unknown"]);
    app.run(&["domains", "call", "users", "memory_hoard_request", "{}"]);
    let users = app.wait_for("users", "has exited", has_ended);
    assert_eq!(users["last_exit"]["signal"], 9, "{users}");
    let expected = [
        "out of memory: killed by the kernel (oom_kill rose to 1 in ",
        "memory.oom_control)",
    ];
    contains(&users["last_exit"].to_string(), &expected);
    contains(&why(&app, "users"), &expected);
    app.down();
}

#[test]
fn b05_the_heap_limit_is_distinguished_from_a_plain_abort() {
    let app = App::new()
        .write(
            "domains/users/domain.js",
            "const kept = [];\nfor (;;) kept.push(new Array(1000).fill(Math.random()));\n",
        )
        .write(
            "domains/users/fulcrum.yml",
            "process:\n  restart: never\n  node_args: [--max-old-space-size=20]\n",
        );
    let app = shell(app, "aborts", "ulimit -c 0; kill -6 $$");
    app.run(&["dev", "--detach"]).exits(0);
    let users = app.wait_for("users", "has exited", has_ended);
    contains(
        &users["last_exit"].to_string(),
        &[
            "SIGABRT",
            "V8 reached its heap limit",
            "--max-old-space-size",
        ],
    );
    let aborts = app.wait_for("aborts", "has exited", has_ended);
    assert!(!aborts.to_string().contains("heap"), "{aborts}");
    app.down();
}

#[test]
fn x04_a_crash_is_reported_with_its_stderr_and_the_next_attempt() {
    let app = App::new()
        .write(
            "domains/users/domain.js",
            "console.error('boom');\nprocess.exit(3);\n",
        )
        .write("domains/users/fulcrum.yml", LONG_BACKOFF);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "waits", |users| users["phase"] == "backoff");
    let status_text = status(&app, "users");
    contains(
        &status_text,
        &[
            "exit 3 before it registered; last on stderr: boom",
            "attempt 1 of 8 in 1m",
            "retry in ",
            "last stderr boom",
            "#1  never ready, lived ",
        ],
    );
    let users = app
        .run(&["domains", "status", "users", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(users["last_stderr"], serde_json::json!(["boom"]));
    assert_eq!(users["lives"][0]["ended_by"], "exited", "{users}");
    assert!(users["retry_in_ms"].as_u64().is_some(), "{users}");
    let lines = app.logs("users");
    let lines = |text: &str| lines.iter().any(|line| line.message.contains(text));
    assert!(lines("starts again in "), "the restart is not logged");
    app.down();
}

/// A domain in a crash loop fails permanently, with a hint; a start by a command resets its budget.
#[test]
fn x03_a_crash_loop_names_the_command_to_continue() {
    let app = App::new().domain("users", "throws-at-start").write(
        "domains/users/fulcrum.yml",
        "process:\n  restart: {backoff: {initial: 20ms, max: 20ms}, budget: 2, window: 60s}\n",
    );
    app.run(&["dev", "--detach"]).exits(0);
    let failed = |users: &Value| users["phase"] == "failed";
    let users = app.wait_for("users", "has failed", failed);
    let expected = [
        "crash loop: 2 restarts in 1m",
        "no database today",
        "`fulcrum domains restart users`",
    ];
    contains(text_of(&users, "reason"), &expected);
    let explanation = why(&app, "users");
    contains(explanation.lines().next().unwrap_or_default(), &expected);
    app.write_file("domains/users/domain.cjs", steady());
    app.run(&["domains", "restart", "users"]).exits(0);
    contains(
        why(&app, "users").lines().next().unwrap_or_default(),
        &["ready", "`fulcrum domains restart users` asked for it"],
    );
    app.down();
}

fn steady() -> &'static str {
    "module.exports = class Mended extends require('@fulcrum/domain').DomainBase {};\n"
}

fn listens(port: &str) -> String {
    format!(
        "const net = require('node:net');\n\
         const {{ DomainBase }} = require('@fulcrum/domain');\n\
         module.exports = class Listens extends DomainBase {{\n  \
           onStart() {{\n    \
             return new Promise((done) => net.createServer().listen({port}, '127.0.0.1', done));\n  \
           }}\n\
         }};\n"
    )
}

#[test]
fn x06_a_process_that_holds_the_port_is_named() {
    let app = App::new();
    let server = "require('net').createServer().listen(0, '127.0.0.1', \
                  function () { console.log(`port ${this.address().port} open`) })";
    let mut holder = app.spawn_command(app.program("node", &["-e", server]));
    holder.wait_for(" open");
    let output = holder.stdout();
    let port = output.split(' ').nth(1).expect("a port").to_owned();
    let app = app
        .write("domains/users/domain.js", &listens(&port))
        .write("domains/users/fulcrum.yml", LONG_BACKOFF);
    app.run(&["dev", "--detach"]).exits(0);
    let users = app.wait_for("users", "waits", |users| users["phase"] == "backoff");
    contains(
        text_of(&users, "reason"),
        &[
            &format!(
                "port {port} is held by pid {} (node -e require('net')",
                holder.pid()
            ),
            "which Fulcrum didn't start",
        ],
    );
    holder.signal(Signal::KILL);
    holder.wait_exit();
    app.down();
}

#[test]
fn x06_a_domain_that_holds_the_port_is_named() {
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        free.local_addr().expect("its address").port().to_string()
    };
    let app = App::new()
        .write("domains/orders/domain.js", &listens(&port))
        .write("domains/users/domain.js", &listens(&port))
        .write(
            "domains/users/fulcrum.yml",
            &format!("{LONG_BACKOFF}  depends_on: [orders]\n"),
        );
    app.run(&["dev", "--detach"]).exits(0);
    let users = app.wait_for("users", "waits", |users| users["phase"] == "backoff");
    let pid = app.leader("orders").pid;
    contains(
        text_of(&users, "reason"),
        &[
            &format!("port {port} is held by pid {pid} (node "),
            "a process of orders generation 1",
            "give orders or users another one",
        ],
    );
    app.down();
}

#[test]
fn h04_secrets_are_redacted_everywhere() {
    let app = App::new().domain("users", STEADY).write(
        "domains/users/fulcrum.yml",
        "process:\n  \
           args: [--api-key=hunter2]\n  \
           env:\n    \
             SECRET_TOKEN: hunter2\n    \
             DATABASE_URL: postgres://shop:hunter2@db/shop\n    \
             PLAIN: shown\n",
    );
    app.start();
    app.leader("users").signal(Signal::KILL);
    app.wait_for("users", "is restarted", |users| {
        users["ready"] == true && users["generation"] == 2
    });
    let status = status(&app, "users");
    contains(
        &status,
        &["PLAIN=shown", "SECRET_TOKEN=***", "postgres://shop:***@db"],
    );
    for args in [
        &["domains", "status", "users"][..],
        &["domains", "status", "users", "-o", "json"],
        &["domains", "list", "-o", "json"],
        &["domains", "events", "-o", "json"],
        &["domains", "why", "users"],
        &["domains", "why", "users", "-o", "json"],
        &["domains", "logs", "-o", "json"],
    ] {
        let output = app.run(args).exits(0);
        assert!(!output.stdout.contains("hunter2"), "{output}");
    }
    app.down();
}

/// C6: a follower gets all earlier and all later events, each once and in order.
#[test]
fn c06_events_are_replayed_and_followed_without_a_gap() {
    let app = App::new().domain("users", STEADY).domain("orders", STEADY);
    app.start();
    let follower = app.spawn(&["domains", "events", "users", "-f", "-o", "json"]);
    app.leader("users").signal(Signal::KILL);
    let events = wait_until("the second generation is ready", LIMIT, || {
        let events = whole_lines(&follower);
        let ready = |event: &&Value| event["type"] == "ready";
        (events.iter().filter(ready).count() == 2).then_some(events)
    });
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let kinds: Vec<_> = events.iter().map(|event| text_of(event, "type")).collect();
    let mut rest = kinds.iter();
    for kind in ["spawned", "ready", "exited", "backoff", "spawned", "ready"] {
        assert!(rest.any(|found| *found == kind), "no {kind} in {kinds:?}");
    }
    let exited = events.iter().find(|event| event["type"] == "exited");
    let exited = exited.expect("it was killed");
    assert_eq!(
        (&exited["from"], &exited["to"]),
        (&"running".into(), &"stopping".into())
    );
    contains(text_of(exited, "reason"), &["SIGKILL (9)"]);
    assert!(events.iter().all(|event| event["domain"] == "users"));
    // A later query returns the same events.
    let stored: Vec<Value> = app
        .events()
        .into_iter()
        .filter(|event| event["domain"] == "users")
        .collect();
    assert_eq!(stored[..events.len()], events[..]);
    // The request to stop is an event too, without a transition.
    app.run(&["domains", "stop", "users"]).exits(0);
    let stop_event = app
        .events()
        .into_iter()
        .find(|event| event["type"] == "asked");
    let stop_event = stop_event.expect("the stop was requested");
    assert_eq!(
        (&stop_event["from"], &stop_event["to"]),
        (&Value::Null, &Value::Null)
    );
    let piped = format!("{} domains events -f | head -1", binary().display());
    let one = app.program("sh", &["-c", &piped]).output().exits(0);
    assert_eq!((one.stdout.lines().count(), one.stderr.as_str()), (1, ""));
    assert!(!one.stdout.contains('\x1b'), "{one}");
    app.down();
}

/// U6: the first line is the cause of the current state.
#[test]
fn u06_why_starts_with_the_cause_of_the_current_state() {
    let app = App::new()
        .domain("users", STEADY)
        .write("domains/pricing/fulcrum.yml", "process: {}\n");
    app.start();
    let first = |name: &str| {
        why(&app, name)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    contains(
        &first("users"),
        &["generation 1", "started with the instance"],
    );
    app.leader("users").signal(Signal::KILL);
    app.wait_for("users", "is restarted", |users| {
        users["ready"] == true && users["generation"] == 2
    });
    contains(
        &first("users"),
        &[
            "(generation 2)",
            "generation 1 ended: killed by SIGKILL (9), sender unknown",
        ],
    );
    let explanation = why(&app, "users");
    contains(
        &explanation,
        &["generation 1, spawned ", "backoff", "attempt 1 of 8"],
    );
    let json = app
        .run(&["domains", "why", "users", "-o", "json"])
        .exits(0)
        .json();
    contains(text_of(&json, "summary"), &["SIGKILL"]);
    assert_eq!(json["lives"].as_array().map(Vec::len), Some(2), "{json}");
    assert!(json["events"].as_array().is_some_and(|all| all.len() > 5));
    app.run(&["domains", "stop", "users"]).exits(0);
    contains(
        &first("users"),
        &["stopped", "`fulcrum domains stop users` asked for it"],
    );
    contains(&first("pricing"), &["no entry point"]);
    app.run(&["domains", "why", "nobody"]).exits(4);
    app.down();
}
