//! Clients that do not read, ping too often, or do not disconnect.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use fulcrum_e2e::raw::{ConnectionEnd, Wire, frame, kind, message};
use fulcrum_e2e::{App, LIMIT, measurement, wait_until};

use super::methods::{SEND, STREAM};

/// They request large responses and read none of them.
#[test]
fn f11_callers_that_never_read_are_bounded() {
    let app = App::app_under_attack();
    let address = app.grpc();
    app.run(&["domains", "start", "echo"]).exits(0);
    app.survives("F11", || {
        let request = message("echo", "x_request", &"x".repeat(3_000_000), "1");
        let mut callers = Vec::new();
        for _ in 0..2 {
            let mut wire = Wire::without_window(&address).expect("the port is open");
            for _ in 0..25 {
                wire.send_request(SEND, None, &request)
                    .expect("it is accepted");
            }
            callers.push(wire);
        }
        app.run(&["domains", "call", "echo", "x_request", "{}"]);
    });
    app.down();
}

/// A domain that reads nothing from its stream: its callers get an error, and only this domain is
/// affected.
#[test]
fn f11_a_domain_that_never_reads_fails_its_callers_only() {
    let app = App::app_under_attack();
    let address = app.grpc();
    app.survives("F11", || {
        // In `dev` a free name may be registered by any process.
        let mut domain = Wire::without_window(&address).expect("the port is open");
        let (_, open) = domain.request(STREAM, None);
        let register = message("deaf", "domain_register", "{}", "1");
        let head = fulcrum_e2e::raw::grpc_head(register.len());
        let frames = frame(kind::DATA, 0, 1, &[&head[..], &register].concat());
        domain
            .send(&[open, frames].concat())
            .expect("it is accepted");
        let request = message("deaf", "x_request", &"x".repeat(150_000), "1");
        let mut caller = Wire::connect(&address).expect("the port is open");
        // Fewer than the streams that a connection may have, which a client has to respect, and
        // more than the bytes that may wait.
        for _ in 0..250 {
            caller
                .send_request(SEND, None, &request)
                .expect("it is accepted");
        }
        // As many requests wait as 32 MiB have room for; the others fail at once.
        let response = wait_until("the other requests fail", LIMIT, || {
            let frame = caller.read().expect("answers");
            caller.answer_control_frame(&frame);
            let text = String::from_utf8_lossy(&frame.payload).into_owned();
            text.contains("deaf").then_some(text)
        });
        assert!(
            response.contains("waiting to be read") || response.contains("not connected"),
            "{response}"
        );
    });
    app.down();
}

/// A ping every second is tolerated without limit.
fn ping_every_second(seconds: usize) {
    let app = App::app_under_attack();
    let mut wire = Wire::connect(&app.grpc()).expect("the port is open");
    let mut reader = wire.try_clone().expect("a handle");
    let reading = thread::spawn(move || {
        let mut answered = 0;
        loop {
            match reader.read() {
                Ok(frame) if frame.kind == kind::PING && frame.flags == 1 => answered += 1,
                Ok(frame) if frame.kind == kind::GOAWAY => return Err(frame),
                Ok(frame) => reader.answer_control_frame(&frame),
                Err(_) => return Ok(answered),
            }
        }
    });
    app.survives("F15", || {
        for _ in 0..seconds {
            wire.send(&frame(kind::PING, 0, 0, b"12345678"))
                .expect("it is open");
            thread::sleep(Duration::from_secs(1));
        }
    });
    wire.close();
    let answered = reading
        .join()
        .expect("the reader finishes")
        .expect("no GOAWAY");
    assert_eq!(answered, seconds);
    app.down();
}

#[test]
fn f15_a_ping_every_second_is_tolerated() {
    ping_every_second(5);
}

#[test]
#[ignore = "long: a minute of pings"]
fn f15_a_minute_of_pings_is_tolerated() {
    ping_every_second(60);
}

/// Open streams and idle connections do not delay the shutdown.
#[test]
fn f16_open_streams_and_idle_connections_do_not_delay_the_shutdown() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &[])
        .stub_domain("stubborn", &["--ignore-term"]);
    app.start();
    let address = app.grpc();
    let mut streams: Vec<Wire> = (0..20)
        .map(|n| {
            let mut wire = Wire::connect(&address).expect("the port is open");
            let response = wire
                .register(&format!("stream{n}"), None)
                .expect("accepted in dev");
            assert!(response.contains("register_success"), "{response}");
            wire
        })
        .collect();
    let idle: Vec<TcpStream> = (0..5)
        .filter_map(|_| TcpStream::connect(&address).ok())
        .collect();
    let started = Instant::now();
    app.down();
    let took = started.elapsed();
    measurement(
        "F16",
        &format!(
            "20 open streams, 5 idle connections, grace 1 s: down after {} ms",
            took.as_millis()
        ),
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
    for wire in &mut streams {
        let ended = wire.wait_end().expect("the connection was ended");
        assert!(
            matches!(ended, ConnectionEnd::GoAway(0) | ConnectionEnd::Closed),
            "{ended:?}"
        );
    }
    drop(idle);
}

/// A hundred unknown clients connect at once, and each one's process has to be looked up. Only they
/// are delayed by that.
#[test]
fn f17_a_hundred_unknown_clients_at_once_delay_no_domain() {
    let app = App::app_under_attack();
    let address = app.grpc();
    app.survives("F17", || {
        let started = Instant::now();
        let clients: Vec<_> = (0..100)
            .map(|n| {
                let address = address.clone();
                thread::spawn(move || {
                    let mut wire = Wire::connect(&address).expect("the port is open");
                    // Waits for the response: reading times out after ten seconds.
                    let _ = wire.register(&format!("client{n}"), None);
                })
            })
            .collect();
        for client in clients {
            client.join().expect("it is answered");
        }
        measurement(
            "F17",
            &format!(
                "100 unknown clients were checked in {} ms",
                started.elapsed().as_millis()
            ),
        );
    });
    app.down();
}

/// All domains lose their connections at once, repeatedly, and reconnect.
fn reconnect_all(count: usize) {
    let names: Vec<String> = (0..count).map(|n| format!("d{n:03}")).collect();
    // Two hundred on a busy machine: slow domains must not be declared hung.
    let app = "runtime: {defaults: {heartbeat: {interval: 1s, misses: 5}}}\n";
    let app = App::new().write("fulcrum.yml", app);
    let app = names.iter().fold(app, |app, name| {
        app.stub_domain(
            name,
            &["--drop-stream-every", "4s", "--reconnect-after", "200ms"],
        )
    });
    app.start();
    let started = Instant::now();
    wait_until("all have reconnected", LIMIT + LIMIT, || {
        let entries = app.activity_log();
        let came = |name: &String| {
            let events = entries.iter().filter(|entry| entry.domain == *name);
            events.filter(|entry| entry.event == "registered").count() > 2
        };
        names.iter().all(came).then_some(())
    });
    for domain in app.list() {
        assert_eq!(domain["restarts"], 0, "{domain}");
    }
    let twice = names
        .iter()
        .filter(|name| app.event_count(name, "spawned") != 1)
        .count();
    assert_eq!(twice, 0, "one generation for each");
    measurement(
        "F17",
        &format!(
            "{count} domains reconnected twice within {:.1} s, 0 restarts",
            started.elapsed().as_secs_f64()
        ),
    );
    app.down();
}

#[test]
#[ignore = "long: they lose their connections every four seconds"]
fn f17_two_hundred_domains_reconnect_at_once() {
    reconnect_all(200);
}

/// They send requests without their end, on as many streams as allowed.
#[test]
fn f11_requests_that_never_end_are_bounded() {
    let app = App::app_under_attack();
    let address = app.grpc();
    app.survives("F11", || {
        let body = [
            &fulcrum_e2e::raw::grpc_head(4_000_000)[..],
            &[b'x'; 3_000_000],
        ]
        .concat();
        for _ in 0..2 {
            let mut wire = Wire::connect(&address).expect("the port is open");
            // Closed midway, as intended.
            let _ = (0..150).try_for_each(|_| wire.start_request(SEND, None, &body).map(|_| ()));
        }
    });
    app.down();
}

/// The link goes down under an open connection: nothing is sent, and only keep-alive can detect it.
#[test]
#[ignore = "long: keep-alive takes half a minute"]
fn f14_a_connection_over_a_downed_link_is_detected() {
    const SCRIPT: &str = "ip link set lo up || exit 77; exec \"$0\" dev --detach --wait";
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &["--no-heartbeat"]);
    let fulcrum = fulcrum_e2e::binary().to_str().expect("a UTF-8 path");
    let started = app
        .program("unshare", &["-n", "sh", "-c", SCRIPT, fulcrum])
        .output();
    if started.code == Some(77) || started.stderr.contains("unshare failed") {
        fulcrum_e2e::not_applicable("F14", "a network namespace of one's own needs root");
        return;
    }
    started.exits(0);
    let instance = app.instance().pid.to_string();
    let users = app.leader("users");
    let link = |state| {
        let args = ["-n", "-t", &instance, "ip", "link", "set", "lo", state];
        app.program("nsenter", &args).output().exits(0)
    };
    link("down");
    let started = Instant::now();
    wait_until("it is detected", LIMIT + LIMIT, || {
        let domain = app.status("users");
        (domain["ready"] == false || domain["pid"] != users.pid).then_some(())
    });
    measurement(
        "F14",
        &format!("detected after {:.1} s", started.elapsed().as_secs_f64()),
    );
    link("up");
    app.wait_for("users", "is restarted", |users| users["ready"] == true);
    app.down();
}
