//! The native stub domain does what its flags say; what tests see through it they may believe.

use fulcrum_e2e::{App, LIMIT, Signal, wait_until};

#[test]
fn a_stub_is_a_domain_like_any_other() {
    let app = App::new().impatient().stub_domain("users", &[]);
    app.up();
    let call = ["domains", "call", "users", "text_echo_request", "[7]"];
    let answer = app.run(&call).exits(0).json();
    let leader = app.leader("users");
    assert_eq!(answer["echo"][0], 7, "{answer}");
    assert_eq!(answer["pid"].as_u64(), Some(u64::from(leader.pid)));
    app.wait_for("users", "beats", |users| {
        users["heartbeat_age_ms"].is_number()
    });
    app.settled(&["users"]);
    app.down();
    let events: Vec<_> = app.ledger().into_iter().map(|entry| entry.event).collect();
    assert_eq!(events, ["spawned", "registered", "stopping"]);
}

#[test]
fn a_stub_ends_as_it_is_told() {
    for (flags, key, value) in [
        (["--die-ready", "0ms", "--exit", "42"], "code", 42),
        (["--die-ready", "0ms", "--signal", "11"], "signal", 11),
        (["--die-ready", "0ms", "--signal", "13"], "signal", 13),
    ] {
        let app = App::new().stub_domain_with("users", &flags, "{restart: never}");
        app.run(&["dev", "--detach"]).exits(0);
        let users = app.wait_for("users", "has ended", |users| {
            users["last_exit"].is_object() && users["pid"].is_null()
        });
        assert_eq!(users["last_exit"][key], value, "{users}");
        app.down();
    }
}

#[test]
fn a_stub_has_descendants_that_ignore_sigterm() {
    let flags = ["--spawn-grandchild", "--spawn-daemon"];
    let app = App::new().impatient().stub_domain("users", &flags);
    app.up();
    let ledger = app.ledger();
    let pid = |event: &str| {
        let entry = ledger.iter().find(|entry| entry.event == event);
        entry
            .map(|entry| entry.pid)
            .unwrap_or_else(|| panic!("no {event}: {ledger:?}"))
    };
    let (grandchild, daemon) = (pid("grandchild"), pid("daemon"));
    let processes = app.processes();
    let find = |pid: u32| processes.iter().find(|process| process.pid == pid);
    assert!(find(grandchild).is_some(), "{processes:?}");
    let daemon = find(daemon).unwrap_or_else(|| panic!("no {daemon} in {processes:?}"));
    daemon.signal(Signal::TERM);
    wait_until("the daemon has ignored it", LIMIT, || {
        let entries = app.ledger();
        let ignored = entries.iter().find(|entry| entry.event == "ignored")?;
        (ignored.pid == daemon.pid).then_some(())
    });
    assert!(daemon.is_alive());
    // What becomes of them is the catalogue's affair.
    daemon.signal(Signal::KILL);
    app.run(&["down"]).exits(0);
}

#[test]
fn a_stub_comes_back_after_it_has_lost_its_connection() {
    let flags = ["--drop-stream-every", "300ms", "--redial", "50ms"];
    let app = App::new().stub_domain("users", &flags);
    app.up();
    wait_until("users has registered again", LIMIT, || {
        (app.times("users", "registered") >= 3).then_some(())
    });
    app.down();
}

/// The oracle against two lives at once sees them, and takes no stranger for one that has a number
/// which was used before.
#[test]
fn two_lives_at_once_are_told_and_reused_numbers_are_not() {
    let app = App::new();
    let stub = fulcrum_e2e::stub();
    let stub = stub.to_str().expect("a path that is text");
    let life = |domain: &str| {
        let run = app.program(stub, &["--never-register"]);
        app.foreground(run.env("FULCRUM_DOMAIN_NAME", domain))
    };
    // This process lives, but another had its number when the ledger was written.
    let us = std::process::id();
    let ledger = app.beside().join("ledger");
    let line = format!(r#"{{"pid":{us},"domain":"users","event":"spawned","ts":1,"start":1}}"#);
    std::fs::write(ledger, format!("{line}\n")).expect("a ledger");
    let _first = life("users");
    app.wait_for_times("users", "spawned", 2);
    let _other = life("orders");
    app.wait_for_times("orders", "spawned", 1);
    let second = life("users");
    app.wait_for_times("users", "overlap", 1);
    let told = app
        .ledger()
        .into_iter()
        .filter(|entry| entry.event == "overlap");
    let pids: Vec<_> = told.map(|entry| entry.pid).collect();
    assert_eq!(pids, [second.pid()], "only the second of two");
}
