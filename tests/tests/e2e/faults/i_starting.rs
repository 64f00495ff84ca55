//! Section I, row 5: a start brings up what is needed, and one that cannot succeed ends at once; row
//! 13: started by hand, and a start that finds it running.

use std::time::{Duration, Instant};

use fulcrum_e2e::{App, LIMIT, Signal, measurement, text_of, wait_until};

/// Far from any limit of a command, which is a minute.
const AT_ONCE: Duration = Duration::from_secs(15);

fn program(command: &str, settings: &str) -> String {
    format!("process: {{command: {command}{settings}}}\n")
}

/// `db`, which fails until its file exists; `auth` needs it, and `api` needs that; `web` is alone.
fn chain() -> App {
    let db = "[sh, -c, 'test -e data || { echo no data directory >&2; exit 1; }; exec sleep 1000']";
    let restart = ", restart: {backoff: {initial: 50ms, max: 100ms}, budget: 2, window: 1m}";
    let sleep = "[sleep, '1000']";
    App::new()
        .write("domains/db/fulcrum.yml", &program(db, restart))
        .write(
            "domains/auth/fulcrum.yml",
            &program(sleep, ", depends_on: [db]"),
        )
        .write(
            "domains/api/fulcrum.yml",
            &program(sleep, ", depends_on: [auth]"),
        )
        .write("domains/web/fulcrum.yml", &program(sleep, ""))
}

const CAUSE: &str = "waiting for db: failed (exit 1; last on stderr: no data directory)";
const CURE: &str = "hint: fix the error, then run `fulcrum domains restart db`";

#[test]
fn i05_a_start_that_cannot_succeed_ends_at_once_and_its_cure_works() {
    let app = chain();
    let begun_at = Instant::now();
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&[&format!("api: {CAUSE}"), &format!("auth: {CAUSE}")]);
    let mut slowest = begun_at.elapsed();
    for (verb, name, code) in [
        ("wait", "api", 10),
        ("start", "api", 1),
        ("restart", "api", 1),
        ("wait", "auth", 10),
        ("start", "all", 1),
    ] {
        let begun_at = Instant::now();
        let output = app.run(&["domains", verb, name]).exits(code);
        assert_eq!(output.stderr.matches(CURE).count(), 1, "{output}");
        output.stderr_contains(&[CAUSE]);
        slowest = slowest.max(begun_at.elapsed());
    }
    assert!(slowest < AT_ONCE, "{slowest:?}");
    // The root, not the next in line.
    for name in ["auth", "api"] {
        assert_eq!(text_of(&app.status(name), "reason"), CAUSE);
    }
    assert_eq!(app.status("web")["ready"], true);

    // What the hint says cures it, for all that wait.
    app.write_file("domains/db/data", "");
    app.run(&["domains", "restart", "db"]).exits(0);
    app.run(&["domains", "wait", "all"]).exits(0);
    measurement(
        "I5",
        &format!(
            "the slowest of six commands that could not succeed ended after {} ms",
            slowest.as_millis()
        ),
    );
    app.down();
}

#[test]
fn i05_a_wait_ends_when_what_it_needs_is_stopped_by_hand_or_was_never_selected() {
    let slow = "[sleep, '1000'], ready: {exec: [test, -e, ready], interval: 50ms}";
    let app = chain().write("domains/db/data", "").write(
        "domains/auth/fulcrum.yml",
        &program(slow, ", depends_on: [db]"),
    );
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("auth", "runs", |auth| auth["phase"] == "running");
    // One waits already, when auth is stopped.
    let mut waiting = app.spawn(&["domains", "wait", "api"]);
    let reason = |name: &str| text_of(&app.status(name), "reason").to_owned();
    wait_until("api waits for auth", LIMIT, || {
        (reason("api") == "waiting for auth: running, not ready").then_some(())
    });
    app.run(&["domains", "stop", "auth"]).exits(0);
    waiting.wait_exit().exits(10).stderr_contains(&[
        "waiting for auth: stopped",
        "run `fulcrum domains start auth`",
    ]);
    app.down();

    let app = chain();
    app.run(&["dev", "--detach", "--only", "web"]).exits(0);
    app.run(&["domains", "start", "api", "--no-deps"])
        .exits(1)
        .stderr_contains(&[
            "waiting for auth: not started",
            "run `fulcrum domains start auth`",
        ]);
    app.down();
}

#[test]
fn i05_a_start_brings_up_the_whole_chain_and_says_it() {
    let app = chain().write("domains/db/data", "");
    app.start();
    app.run(&["domains", "stop", "all"]).exits(0);
    app.run(&["domains", "start", "api"])
        .exits(0)
        .stderr_contains(&[
            "db: starting as well: api needs it",
            "auth: starting as well: api needs it",
        ]);
    for name in ["db", "auth", "api"] {
        assert_eq!(app.status(name)["ready"], true, "{name}");
    }
    assert_eq!(app.status("web")["phase"], "stopped");
    app.down();
}

#[test]
fn i05_the_foreground_says_once_what_will_not_come() {
    let app = chain();
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for(&format!("not started: api, auth ({CAUSE})"));
    dev.wait_for(CURE);
    dev.signal(Signal::INT);
    let output = dev.wait_exit().exits(0);
    for text in ["not started: ", "fulcrum │ hint: "] {
        assert_eq!(output.stdout.matches(text).count(), 1, "{output}");
    }
    // The first thing that is said of those that wait is the root.
    for name in ["auth", "api"] {
        let lines = output.stdout.lines();
        let mut lines = lines.filter(|line| line.starts_with(name));
        let first = lines.next().expect("a line");
        assert!(first.contains("waiting for db: "), "{output}");
    }
}

#[test]
fn i13_what_is_started_by_hand_waits_for_it_or_for_one_that_needs_it() {
    let sleep = "[sleep, '1000']";
    let app = App::new()
        .write(
            "domains/seed/fulcrum.yml",
            &program(sleep, ", autostart: false"),
        )
        .write("domains/web/fulcrum.yml", &program(sleep, ""));
    let started = app.run(&["dev", "--detach", "--wait"]).exits(0);
    started.stderr_contains(&["1 domain ready in "]);
    let seed = app.status("seed");
    assert_eq!(
        (&seed["phase"], &seed["goal"]),
        (&"stopped".into(), &"down".into())
    );
    // Others come and go without it; a reload doesn't start it.
    app.write_file("domains/web/fulcrum.yml", &program(sleep, ", env: {A: b}"));
    app.run(&["reload"]).exits(0);
    app.run(&["domains", "wait"]).exits(0);
    assert_eq!(app.status("seed")["generation"], 0);
    app.run(&["domains", "start", "seed"]).exits(0);
    // Neither does one stop it.
    app.write_file("domains/web/fulcrum.yml", &program(sleep, ", env: {A: c}"));
    app.run(&["reload"]).exits(0);
    assert_eq!(app.status("seed")["ready"], true);
    app.down();

    let app = app.write(
        "domains/web/fulcrum.yml",
        &program(sleep, ", depends_on: [seed]"),
    );
    app.start();
    assert_eq!(app.status("seed")["ready"], true, "web needs it");
    app.down();
}

#[test]
fn i13_a_start_that_waits_finds_an_instance_that_runs() {
    let slow = "[sleep, '1000'], ready: {exec: [test, -e, ready], interval: 50ms}";
    let app = App::new().write("domains/web/fulcrum.yml", &program(slow, ""));
    app.run(&["dev", "--detach"]).exits(0);
    // It waits for readiness, and does not merely find a process.
    app.run(&["dev", "--detach", "--wait", "--timeout", "1s"])
        .exits(17)
        .stderr_contains(&[
            "already running (pid ",
            "web is running (ready probe failed",
        ]);
    app.write_file("domains/web/ready", "");
    let joined = app.run(&["dev", "--detach", "--wait"]).exits(0);
    let joined = joined.stderr_contains(&["already running (pid "]);
    assert!(!joined.stderr.contains("fulcrum reload"), "{joined}");
    app.write_file("domains/web/fulcrum.yml", &program(slow, ", env: {A: b}"));
    app.run(&["dev", "--detach", "--wait"])
        .exits(0)
        .stderr_contains(&["already running (pid ", "fulcrum reload"]);
    assert_eq!(app.status("web")["generation"], 1, "nothing is applied");
    app.down();
}
