//! Section I, row 2: the leader gets the stop signal first; row 18: signals by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, LIMIT, measurement, wait_until};

/// A parent with a child, and these settings of `process`.
fn parent(parent_ms: u32, settings: &str) -> App {
    let env = format!("env: {{PARENT_MS: \"{parent_ms}\"");
    let settings = settings.replace("env: {", &format!("{env}, "));
    let settings = match settings.contains("env: {") {
        true => settings,
        false => format!("{env}}}, {settings}"),
    };
    let yml = format!("process: {{{settings}}}\n");
    App::new()
        .cleanup_domain("parent")
        .write("domains/parent/fulcrum.yml", &yml)
}

/// The times of the signals in milliseconds: to the parent, its end, and to the child.
#[track_caller]
fn stop(app: &App) -> (u64, u64) {
    app.start();
    app.run(&["domains", "stop", "parent"]).exits(0);
    let at = |event: &str| {
        let times = app.event_times("parent", event);
        assert_eq!(times.len(), 1, "{event}: {:?}", app.activity_log());
        times[0] / 1000
    };
    let signaled = at("parent");
    (
        at("parent ends").saturating_sub(signaled),
        at("child").saturating_sub(signaled),
    )
}

#[test]
fn i02_the_rest_of_the_tree_is_signaled_when_the_leader_has_ended() {
    let app = parent(400, "stop: {grace: 5s}");
    let (ended, child) = stop(&app);
    assert!(
        child >= ended,
        "the child got it after {child} ms, the parent ended after {ended} ms"
    );
    assert!(child < ended + 1_500, "{child} ms, {ended} ms");
    measurement(
        "I2",
        &format!("the parent ended after {ended} ms, its child was signaled after {child} ms"),
    );
    app.down();
}

#[test]
fn i02_after_half_of_the_grace_the_rest_is_signaled_anyway() {
    let app = parent(1_400, "stop: {grace: 2s}");
    let (ended, child) = stop(&app);
    // The parent records its signal a moment after it was sent.
    assert!((900..ended).contains(&child), "{child} ms, {ended} ms");
    app.down();
}

#[test]
fn i02_the_whole_tree_is_signaled_at_once_where_it_is_so_configured() {
    let app = parent(400, "stop: {grace: 5s, to: tree}");
    let (ended, child) = stop(&app);
    assert!(child < 300, "{child} ms, {ended} ms");
    app.down();
}

#[test]
fn i02_a_child_that_ignores_the_signal_is_killed_at_the_end_of_the_grace() {
    let app = parent(100, "env: {CHILD_IGNORES: \"1\"}, stop: {grace: 1s}");
    app.start();
    let started = Instant::now();
    app.run(&["domains", "stop", "parent"]).exits(0);
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert_eq!(app.event_count("parent", "child"), 1);
    app.down();
}

/// Connects to Node's inspector as a debugger does, and keeps the connection.
fn attach_debugger(app: &App) -> TcpStream {
    let url = wait_until("the inspector listens", LIMIT, || {
        let logs = app.logs("users");
        logs.iter()
            .rev()
            .find_map(|line| Some(line.message.split_once("ws://")?.1.to_owned()))
    });
    let (host, path) = url.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("the inspector accepts");
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .expect("written");
    let mut response = [0; 64];
    let length = stream.read(&mut response).expect("a response");
    assert!(response[..length].starts_with(b"HTTP/1.1 101"));
    let command = br#"{"id":1,"method":"Runtime.enable"}"#;
    let length = u8::try_from(command.len()).expect("short");
    // A masked text frame, whose mask is zero.
    let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0][..], command].concat();
    stream.write_all(&frame).expect("written");
    wait_until("the debugger is attached", LIMIT, || {
        let logs = app.logs("users");
        logs.iter()
            .any(|line| line.message.contains("Debugger attached"))
            .then_some(())
    });
    stream
}

#[test]
fn i01_an_attached_debugger_does_not_hold_a_restart() {
    let app = App::new().domain("users", "steady").write(
        "domains/users/fulcrum.yml",
        "process: {node_args: [\"--inspect=127.0.0.1:0\"]}\n",
    );
    app.start();
    let debugger = attach_debugger(&app);
    let started = Instant::now();
    app.run(&["domains", "restart", "users"]).exits(0);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?} of a grace of 5 s");
    measurement(
        "I1",
        &format!(
            "a restart with a debugger attached took {} ms",
            took.as_millis()
        ),
    );
    drop(debugger);
    app.down();
}

#[test]
fn i18_a_signal_reaches_the_program_behind_a_shell_or_its_whole_tree() {
    let app = App::new().cleanup_domain("signals");
    app.start();
    let run = app.run(&["domains", "signal", "signals", "hup"]).exits(0);
    run.stderr_contains(&["signals: SIGHUP sent (pid "]);
    app.wait_for_event_count("signals", "program SIGHUP", 1);
    app.run(&["domains", "signal", "all", "SIGUSR2", "--tree"])
        .exits(0);
    app.wait_for_event_count("signals", "program SIGUSR2", 1);
    app.wait_for_event_count("signals", "child SIGUSR2", 1);
    assert_eq!(app.event_count("signals", "child SIGHUP"), 0);
    assert_eq!(app.status("signals")["generation"], 1);

    let unknown = app.run(&["domains", "signal", "signals", "FOO"]).exits(1);
    unknown.stderr_contains(&["unknown signal `SIGFOO`", "SIGHUP"]);
    app.run(&["domains", "signal", "nobody", "HUP"]).exits(4);
    app.run(&["domains", "kill", "signals"]).exits(0);
    let status = app.status("signals");
    assert_eq!(
        (&status["phase"], &status["goal"]),
        (&"stopped".into(), &"down".into())
    );
    let none = app.run(&["domains", "signal", "signals", "HUP"]).exits(1);
    none.stderr_contains(&["signals: it has no process (stopped)"]);
    app.down();
}
