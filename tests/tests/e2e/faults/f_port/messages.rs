//! Messages that are too long or invalid: answered or rejected, without affecting domains.

use fulcrum_e2e::raw::{Wire, frame, grpc_head, kind};
use fulcrum_e2e::{App, measurement, not_applicable, raw};
use serde_json::Value;

use super::methods::{SEND, STREAM};

#[track_caller]
fn assert_working(app: &App) {
    let call = [
        "domains",
        "call",
        "users",
        "text_echo_request",
        r#"{"text":"x"}"#,
    ];
    let answer = app.run(&call).exits(0).json();
    assert_eq!(answer["pid"].as_u64(), app.status("users")["pid"].as_u64());
    assert_eq!(
        (
            app.event_count("users", "spawned"),
            app.event_count("users", "registered")
        ),
        (1, 1)
    );
}

/// The limit that stock clients have.
fn limited_app() -> App {
    App::new().domain("users", "steady").write(
        "fulcrum.yml",
        "runtime:\n  grpc: {listen: 127.0.0.1:0, max_message: 4MiB}\n",
    )
}

/// A message of 5 MB exceeds the limit: the error names it, and the domain stays registered.
#[test]
fn f09_a_message_of_five_megabytes_is_rejected_with_the_limit() {
    let app = limited_app();
    app.start();
    let send = |bytes: &str| -> Value {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/send.cjs");
        let args = [
            script,
            &app.grpc(),
            "users",
            "payload_measure_request",
            bytes,
        ];
        app.program("node", &args).output().exits(0).json()
    };
    let small = send("1000000");
    assert_eq!(small["success"], true, "{small}");
    let big = send("5000000");
    let code = big["code"].as_u64();
    let refused = matches!(code, Some(8 | 11)) || big["success"] == false;
    assert!(
        refused,
        "RESOURCE_EXHAUSTED, OUT_OF_RANGE or an answer: {big}"
    );
    let message = big["text"].as_str().or(big["error"].as_str());
    let message = message.unwrap_or_default();
    assert!(message.contains("4194304"), "the limit is not named: {big}");
    assert_working(&app);

    let payload = format!(r#"{{"text":"{}"}}"#, "x".repeat(5_000_000));
    let call = app.fulcrum(&["domains", "call", "users", "payload_measure_request", "-"]);
    let refused = call.stdin(payload).output().exits(1);
    // The part of 4 MiB that is left for the payload.
    refused.stderr_contains(&["users", "the limit is 4193280 bytes"]);
    assert_working(&app);
    app.down();
}

/// A response over the limit fails its caller, with a reason; the domain keeps running.
#[test]
fn f09_a_response_of_five_megabytes_fails_its_caller_only() {
    let app = limited_app();
    app.start();
    let leader = app.leader("users");
    let inflate = ["domains", "call", "users", "payload_inflate_request"];
    let whole = app
        .run(&[&inflate[..], &[r#"{"bytes":3000000}"#]].concat())
        .exits(0);
    assert!(whole.stdout.len() > 3_000_000);
    let failed = app
        .run(&[&inflate[..], &[r#"{"bytes":5000000}"#]].concat())
        .exits(1);
    assert!(failed.stderr.contains("users"), "{failed}");
    app.run(&["domains", "wait", "users", "--timeout", "30s"])
        .exits(0);
    let call = [
        "domains",
        "call",
        "users",
        "text_echo_request",
        r#"{"text":"x"}"#,
    ];
    app.run(&call).exits(0);
    assert_eq!(app.leader("users"), leader, "it was restarted");
    app.down();
}

/// Damaged messages: valid ones with some bytes changed.
fn damaged_messages(count: usize) -> impl Iterator<Item = Vec<u8>> {
    let good = raw::message(
        "users",
        "domain_register",
        r#"{"capabilities":["heartbeat"]}"#,
        "1",
    );
    let chance = raw::random(count * 8);
    (0..count).map(move |n| {
        let mut bytes = good.clone();
        for pair in chance[8 * n..8 * n + 6].chunks(2) {
            let at = usize::from(pair[0]) % bytes.len();
            bytes[at] = pair[1];
        }
        bytes.truncate(bytes.len() - usize::from(chance[8 * n + 6]) % 8);
        bytes
    })
}

fn survives_damaged_messages(count: usize) {
    let app = App::app_under_attack();
    let address = app.grpc();
    app.survives("F12", || {
        let mut wire = Wire::connect(&address).expect("the port is open");
        for (n, message) in damaged_messages(count).enumerate() {
            let path = if n % 2 == 0 { SEND } else { STREAM };
            let (stream, mut bytes) = wire.request(path, None);
            let body = [&grpc_head(message.len())[..], &message].concat();
            bytes.extend(frame(kind::DATA, 1, stream, &body));
            wire.send(&bytes).expect("it is accepted");
            // Whatever the response is, the stream ends.
            loop {
                let frame = wire.read().expect("an answer");
                wire.answer_control_frame(&frame);
                wire.give_back_room(&frame);
                let ends =
                    [kind::HEADERS, kind::DATA].contains(&frame.kind) && frame.flags & 1 == 1;
                if frame.stream == stream && (ends || frame.kind == kind::RST_STREAM) {
                    break;
                }
            }
        }
    });
    measurement(
        "F12",
        &format!("{count} damaged messages over the wire, 0 panics"),
    );
    app.down();
}

#[test]
fn f12_damaged_messages_are_rejected() {
    survives_damaged_messages(500);
}

#[test]
#[ignore = "long: twenty thousand messages"]
fn f12_twenty_thousand_damaged_messages_are_rejected() {
    survives_damaged_messages(20_000);
}

#[test]
fn f13_a_panicking_handler_is_tested_in_fulcrum_rpc() {
    not_applicable(
        "F13",
        "no message makes a handler panic; fulcrum-rpc's own tests have handlers and an authorizer that do",
    );
}
