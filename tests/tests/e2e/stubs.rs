//! The native stub domain behaves as its flags say, so that tests can rely on it.

use fulcrum_e2e::{App, LIMIT, Signal, wait_until};

#[test]
fn a_stub_is_a_domain_like_any_other() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    let call = ["domains", "call", "users", "text_echo_request", "[7]"];
    let answer = app.run(&call).exits(0).json();
    let leader = app.leader("users");
    assert_eq!(answer["echo"][0], 7, "{answer}");
    assert_eq!(answer["pid"].as_u64(), Some(u64::from(leader.pid)));
    app.wait_for("users", "sends heartbeats", |users| {
        users["heartbeat_age_ms"].is_number()
    });
    app.wait_until_stable(&["users"]);
    app.down();
    let events: Vec<_> = app
        .activity_log()
        .into_iter()
        .map(|entry| entry.event)
        .collect();
    assert_eq!(events, ["spawned", "registered", "stopping"]);
}

#[test]
fn a_stub_exits_as_its_flags_say() {
    for (flags, key, value) in [
        (["--exit-after-ready", "0ms", "--exit", "42"], "code", 42),
        (
            ["--exit-after-ready", "0ms", "--signal", "11"],
            "signal",
            11,
        ),
        (
            ["--exit-after-ready", "0ms", "--signal", "13"],
            "signal",
            13,
        ),
    ] {
        let app = App::new().stub_domain_with("users", &flags, "{restart: never}");
        app.run(&["dev", "--detach"]).exits(0);
        let users = app.wait_for("users", "has exited", |users| {
            users["last_exit"].is_object() && users["pid"].is_null()
        });
        assert_eq!(users["last_exit"][key], value, "{users}");
        app.down();
    }
}

#[test]
fn a_stub_has_descendants_that_ignore_sigterm() {
    let flags = ["--spawn-grandchild", "--spawn-daemon"];
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &flags);
    app.start();
    let entries = app.activity_log();
    let pid = |event: &str| {
        let entry = entries.iter().find(|entry| entry.event == event);
        entry
            .map(|entry| entry.pid)
            .unwrap_or_else(|| panic!("no {event}: {entries:?}"))
    };
    let (grandchild, daemon) = (pid("grandchild"), pid("daemon"));
    let processes = app.processes();
    let find = |pid: u32| processes.iter().find(|process| process.pid == pid);
    assert!(find(grandchild).is_some(), "{processes:?}");
    let daemon = find(daemon).unwrap_or_else(|| panic!("no {daemon} in {processes:?}"));
    daemon.signal(Signal::TERM);
    wait_until("the daemon has ignored it", LIMIT, || {
        let entries = app.activity_log();
        let ignored = entries.iter().find(|entry| entry.event == "ignored")?;
        (ignored.pid == daemon.pid).then_some(())
    });
    assert!(daemon.is_alive());
    // What Fulcrum does with them is tested in the failure catalog.
    daemon.signal(Signal::KILL);
    app.run(&["down"]).exits(0);
}

#[test]
fn a_stub_reconnects_after_it_has_lost_its_connection() {
    let flags = ["--drop-stream-every", "300ms", "--reconnect-after", "50ms"];
    let app = App::new().stub_domain("users", &flags);
    app.start();
    wait_until("users has registered again", LIMIT, || {
        (app.event_count("users", "registered") >= 3).then_some(())
    });
    app.down();
}

/// The activity log detects overlapping generations, and does not mistake another process with a
/// reused pid for one.
#[test]
fn overlapping_generations_are_recorded_and_reused_pids_are_not() {
    let app = App::new();
    let stub = fulcrum_e2e::stub();
    let stub = stub.to_str().expect("a UTF-8 path");
    let start_stub = |domain: &str| {
        let run = app.program(stub, &["--never-register"]);
        app.spawn_command(run.env("FULCRUM_DOMAIN_NAME", domain))
    };
    // This process is running, but another one had its pid when the entry was written.
    let own_pid = std::process::id();
    let entries = app.scratch_dir().join("activity-log");
    let line =
        format!(r#"{{"pid":{own_pid},"domain":"users","event":"spawned","ts":1,"start":1}}"#);
    std::fs::write(entries, format!("{line}\n")).expect("a ledger");
    let _first = start_stub("users");
    app.wait_for_event_count("users", "spawned", 2);
    let _other = start_stub("orders");
    app.wait_for_event_count("orders", "spawned", 1);
    let second = start_stub("users");
    app.wait_for_event_count("users", "overlap", 1);
    let overlaps = app
        .activity_log()
        .into_iter()
        .filter(|entry| entry.event == "overlap");
    let pids: Vec<_> = overlaps.map(|entry| entry.pid).collect();
    assert_eq!(pids, [second.pid()], "only the second of two");
}
