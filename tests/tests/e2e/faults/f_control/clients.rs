//! Clients that are killed midway, are of another version, or have no terminal.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use fulcrum_e2e::raw::{frame, kind, random};
use fulcrum_e2e::{App, Process, Signal, binary, measurement};

/// Clients are killed at random moments of an operation. It is done completely or not at all, and
/// the next command works.
fn kill_clients_midway(count: usize) {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &["--slow-stop", "50ms"])
        .stub_domain("orders", &[]);
    app.start();
    let orders = app.leader("orders");
    for delay_ms in random(count) {
        let client = app.spawn(&["domains", "restart", "users"]);
        // The whole command takes some 150 ms.
        thread::sleep(Duration::from_millis(u64::from(delay_ms)));
        if let Some(process) = Process::find(client.pid()) {
            process.signal(Signal::KILL);
        }
        drop(client);
        assert_eq!(app.list().len(), 2);
    }
    app.run(&["domains", "wait", "users", "--timeout", "30s"])
        .exits(0);
    app.run(&["domains", "restart", "users"]).exits(0);
    let generations = app.event_count("users", "spawned");
    let restarted = app.status("users")["generation"]
        .as_u64()
        .expect("a number");
    // A generation that was stopped at once may not have recorded its start.
    assert!(
        generations as u64 <= restarted,
        "{generations} processes in {restarted} generations"
    );
    assert_eq!(
        app.event_count("users", "overlap"),
        0,
        "two generations at once"
    );
    assert!(
        generations <= count + 2,
        "{generations} generations of {count} restarts"
    );
    assert_eq!(app.leader("orders"), orders);
    measurement(
        "F18",
        &format!(
            "{count} clients killed in the middle: {} restarts done, 0 half",
            generations - 2
        ),
    );
    app.down();
}

#[test]
fn f18_clients_killed_midway_leave_complete_operations() {
    kill_clients_midway(20);
}

#[test]
#[ignore = "long: two hundred clients"]
fn f18_two_hundred_clients_killed_midway_leave_complete_operations() {
    kill_clients_midway(200);
}

/// Takes the app's lock as an instance with this socket does.
fn hold_lock(app: &App, socket: &str) -> fs::File {
    let uid = fs::metadata("/proc/self").expect("this process").uid();
    let path = app.root().join(".fulcrum/lock");
    let text = format!("{}\n{uid}\n{socket}\n", std::process::id());
    fs::write(&path, text).expect("writable");
    let file = fs::File::open(&path).expect("readable");
    file.try_lock().expect("no instance runs");
    file
}

/// An instance of another version has the socket: every command names both versions.
#[test]
fn f19_an_instance_of_another_protocol_version_is_reported() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    let socket = status["instance"]["socket"]
        .as_str()
        .expect("a socket")
        .to_owned();
    let ours = status["instance"]["version"]
        .as_str()
        .expect("a version")
        .to_owned();
    app.down();

    let other = UnixListener::bind(&socket).expect("the path is free");
    let _lock = hold_lock(&app, &socket);
    // Protocol 999; an instance whose field 2 is its version.
    let hello = [&[0x08, 0xe7, 0x07, 0x12, 0x07, 0x12, 0x05][..], b"9.9.9"].concat();
    let commands = [
        &["domains", "list"][..],
        &["domains", "restart", "users"],
        &["down"],
    ];
    let served = commands.len();
    let serving = thread::spawn(move || {
        for _ in 0..served {
            let (mut stream, _) = other.accept().expect("a client");
            let header = |name: &str, value: &str| {
                let (name_length, value_length) = (name.len() as u8, value.len() as u8);
                [
                    &[0, name_length],
                    name.as_bytes(),
                    &[value_length],
                    value.as_bytes(),
                ]
                .concat()
            };
            let status = [&[0x88][..], &header("content-type", "application/grpc")].concat();
            let body = [&[0, 0, 0, 0, hello.len() as u8], &hello[..]].concat();
            let answer = [
                frame(kind::SETTINGS, 0, 0, b""),
                frame(kind::SETTINGS, 1, 0, b""),
                frame(kind::HEADERS, 4, 1, &status),
                frame(kind::DATA, 0, 1, &body),
                frame(kind::HEADERS, 5, 1, &header("grpc-status", "0")),
            ];
            // It responds once the request has arrived: its headers and its message.
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            while !request
                .windows(8)
                .any(|part| part == b"\x08\x02\x12\x050.1.")
            {
                let count = stream.read(&mut chunk).expect("a request");
                assert!(count > 0, "it went without asking: {request:?}");
                request.extend(&chunk[..count]);
            }
            stream
                .write_all(&answer.concat())
                .expect("the client reads");
            // Until the client closes the connection.
            let _ = stream.read_to_end(&mut request);
        }
    });
    for args in commands {
        app.run(args)
            .exits(6)
            .stderr_contains(&["9.9.9", "999", &ours, "protocol 2"]);
    }
    serving.join().expect("every client was answered");
}

/// Without standard streams, and with a dumb terminal.
#[test]
fn f20_commands_work_with_closed_standard_streams() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    let fulcrum = binary().to_str().expect("a UTF-8 path");
    let run = |script: &str, args: &[&str]| {
        let run = app.program("sh", &[&["-c", script, fulcrum], args].concat());
        run.env("TERM", "dumb").output()
    };
    run(
        "exec \"$0\" \"$@\" <&- >&- 2>&-",
        &["dev", "--detach", "--wait"],
    )
    .exits(0);
    assert_eq!(app.status("users")["ready"], true);
    run("exec \"$0\" \"$@\" >&-", &["domains", "list"]).exits(0);
    run(
        "exec \"$0\" \"$@\" <&- 2>&-",
        &["domains", "restart", "users"],
    )
    .exits(0);
    app.down();

    let mut dev =
        app.spawn_command(app.program("sh", &["-c", "exec \"$0\" dev <&- >&- 2>&-", fulcrum]));
    app.wait_for_instance();
    app.run(&["domains", "wait", "users", "--timeout", "30s"])
        .exits(0);
    app.run(&["down"]).exits(0);
    dev.wait_exit().exits(0);
    app.assert_no_processes();
}
