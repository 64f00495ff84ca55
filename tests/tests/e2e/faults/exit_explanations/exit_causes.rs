//! B3 to B5: exit codes, signals, memory kills and the heap limit are distinguished.

use std::fs;
use std::path::PathBuf;

use fulcrum_e2e::{App, LIMIT, Signal, binary, not_applicable, wait_until};
use serde_json::Value;

use super::support::{
    NO_RESTART, STEADY, assert_contains, has_ended, shell, status_text, whole_lines, why_text,
};

/// Scripts with the exit reason and the text in `status` that each must have.
fn exit_cases() -> Vec<(String, &'static str, &'static str)> {
    let case = |script: &str, reason, status_text| (script.to_owned(), reason, status_text);
    vec![
        case("exit 0", "exit 0", "code 0"),
        case("exit 1", "exit 1", "code 1"),
        case("exit 126", "exit 126 (", "code 126"),
        case("exit 137", "exit 137 (its own exit code; ", "code 137"),
        case("exit 143", "exit 143 (its own exit code; ", "code 143"),
        case("exit 255", "exit 255", "code 255"),
        case("kill -1 $$", "killed by SIGHUP (1)", "signal 1 (SIGHUP)"),
        case("kill -6 $$", "killed by SIGABRT (6)", "signal 6 (SIGABRT)"),
        case(
            "kill -9 $$",
            "killed by SIGKILL (9), sender unknown",
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
    let cases = exit_cases();
    let app = cases
        .iter()
        .enumerate()
        .fold(App::new(), |app, (at, (script, ..))| {
            shell(app, &format!("case{at}"), script)
        });
    app.run(&["dev", "--detach"]).exits(0);
    for (at, (script, expected_reason, expected_status)) in cases.iter().enumerate() {
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
        assert_contains(&status_text(&app, &name), &[expected_status]);
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
            None if reason == case => true,
            // A shell's for its own failures, and for signals.
            None => {
                let is_shells = reason.contains("shell") && !reason.contains("killed by");
                case != "exit 0" && is_shells && reason.starts_with(&format!("{case} ("))
            }
            Some((_, signal)) => {
                let signal = signal.trim_end_matches(" $$");
                reason.starts_with("killed by SIG") && reason.contains(&format!(" ({signal})"))
            }
        };
        // A success is no failure, and needs no explanation.
        let is_explained = event["code"].is_string() == (case != "exit 0");
        assert!(exact && is_explained, "`{case}` is reported as: {event}");
    }
    fulcrum_e2e::measurement("B3", &format!("{} of {} exact", exits.len(), cases.len()));
    app.run(&["domains", "stop", "users"]).exits(0);
    app.down();
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
    assert_contains(&orders["last_exit"].to_string(), &["sender unknown"]);
    app.run(&["domains", "call", "users", "memory_hoard_request", "{}"]);
    let users = app.wait_for("users", "has exited", has_ended);
    assert_eq!(users["last_exit"]["signal"], 9, "{users}");
    let expected = [
        "out of memory: killed by the kernel (oom_kill rose to 1 in ",
        "memory.oom_control)",
    ];
    assert_contains(&users["last_exit"].to_string(), &expected);
    assert_contains(&why_text(&app, "users"), &expected);
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
    assert_contains(
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
