//! Bad input on the gRPC port: answered or cut off, while domains don't notice.

use fulcrum_e2e::{App, raw};
use serde_json::Value;

#[track_caller]
fn works_undisturbed(app: &App) {
    let call = [
        "domains",
        "call",
        "users",
        "text_echo_request",
        r#"{"text":"x"}"#,
    ];
    let answer = app.run(&call).exits(0).json();
    assert_eq!(answer["pid"].as_u64(), app.see("users")["pid"].as_u64());
    assert_eq!(
        (
            app.times("users", "spawned"),
            app.times("users", "registered")
        ),
        (1, 1)
    );
}

#[test]
fn garbage_on_the_port_disturbs_nobody() {
    let app = App::new().domain("users", "steady");
    app.up();
    let address = app.grpc();
    let noise: Vec<u8> = (0..100_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    raw::send(&address, &noise);
    raw::send(&address, &raw::tls_hello());
    raw::send(&address, b"");
    raw::send(
        &address,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    );
    let answer = raw::send(&address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(
        answer.len() < 10_000,
        "it shouldn't have much to say to HTTP/1.1"
    );
    works_undisturbed(&app);
    app.down();
}

/// A message of 5 MB is over the limit: a clear error, and the domain stays registered.
#[test]
fn a_message_of_five_megabytes_is_refused_clearly() {
    let app = App::new().domain("users", "steady");
    app.up();
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
    let words = big["text"].as_str().or(big["error"].as_str());
    let words = words.unwrap_or_default();
    assert!(words.contains("4194304"), "the limit isn't named: {big}");
    works_undisturbed(&app);

    let payload = format!(r#"{{"text":"{}"}}"#, "x".repeat(5_000_000));
    let call = app.fulcrum(&["domains", "call", "users", "payload_measure_request", "-"]);
    let refused = call.stdin(payload).output().exits(1);
    // What is left of 4 MiB for the payload.
    refused.says(&["users", "larger than 4193280 bytes"]);
    works_undisturbed(&app);
    app.down();
}

/// An answer over the limit fails its caller, with a reason; the domain goes on.
#[test]
fn an_answer_of_five_megabytes_fails_its_caller_only() {
    let app = App::new().domain("users", "steady");
    app.up();
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
    assert_eq!(app.leader("users"), leader, "it had to start again");
    app.down();
}
