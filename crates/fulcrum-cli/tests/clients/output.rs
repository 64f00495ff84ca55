//! What is printed to which output.

use fulcrum_rpc::control::{CallResponse, Details, Domain};
use serde_json::json;

use crate::scripted_instance::{App, Script};

fn users() -> Domain {
    Domain {
        name: "users".into(),
        phase: "running".into(),
        ready: true,
        goal: "up".into(),
        pid: Some(42),
        generation: 1,
        details: Some(Details {
            command: vec!["node".into(), "domain.js".into()],
            ..Details::default()
        }),
        ..Domain::default()
    }
}

fn app() -> App {
    App::running(Script {
        domains: vec![users()],
        ..Script::default()
    })
}

#[tokio::test]
async fn the_list_is_printed_as_json_table_or_names() {
    let app = app();
    let list = app.run("domains list -o json").await;
    assert_eq!(list.json()[0]["name"], "users", "{list:?}");
    assert_eq!((list.code, list.err.as_str()), (Some(0), ""));
    let table = app.run("domains list").await;
    assert!(
        table.out.starts_with("NAME ") && !table.out.contains('\x1b'),
        "{table:?}"
    );
    assert_eq!(app.run("domains list -o name").await.out, "users\n");
}

#[tokio::test]
async fn status_covers_the_instance_or_one_domain() {
    let app = app();
    let whole = app.run("domains status -o json").await.json();
    let instance = json!({
        "pid": 0, "version": "1.2.3", "app": "/srv/shop", "grpc": "127.0.0.1:50051",
        "http": null, "otlp": null, "socket": "/run/control.sock", "started_at": "1970-01-01T00:00:00.000Z", "mode": "serve",
    });
    assert_eq!(whole["instance"], instance);
    assert_eq!(whole["domains"][0]["name"], "users");
    let one = app.run("domains status users -o json").await.json();
    assert_eq!(one["command"], json!(["node", "domain.js"]));
}

#[tokio::test]
async fn a_call_prints_the_payload_unchanged() {
    let response = CallResponse {
        r#type: "x_response".into(),
        payload: r#"{"b":1.50,  "a":2}"#.into(),
        success: true,
        error: String::new(),
    };
    let app = App::running(Script {
        domains: vec![users()],
        call: response,
        ..Script::default()
    });
    let run = app.run("domains call users x_request {}").await;
    assert_eq!(
        (run.code, run.out.as_str()),
        (Some(0), "{\"b\":1.50,  \"a\":2}\n")
    );
    let wrong = app.run("domains call users x_request {").await;
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
    assert!(wrong.err.contains("line 1 column 1"), "{wrong:?}");
}

#[tokio::test]
async fn the_parts_of_a_response_are_printed_as_lines_and_many_calls_as_a_report() {
    let response = CallResponse {
        r#type: "x_response".into(),
        payload: "{\"n\":1}".into(),
        success: true,
        error: String::new(),
    };
    let app = App::running(Script {
        domains: vec![users()],
        call: response,
        ..Script::default()
    });
    let run = app.run("domains call users x_request --stream").await;
    assert_eq!(
        (run.code, run.out.as_str()),
        (Some(0), "{\"n\":1}\n{\"n\":1}\n{\"n\":1}\n")
    );
    let arguments = "domains call users x_request --repeat 20 --concurrency 4";
    let run = app.run(arguments).await;
    assert!(
        run.out.starts_with("20 calls, 4 at a time, in ") && run.out.ends_with("\n20 ok\n"),
        "{run:?}"
    );
    let report = app.run(&format!("{arguments} -o json")).await.json();
    assert_eq!(
        (&report["calls"], &report["outcomes"]),
        (&json!(20), &json!({"ok": 20}))
    );
}

#[tokio::test]
async fn a_failed_call_exits_with_1_and_prints_the_error() {
    let response = CallResponse {
        r#type: "error".into(),
        error: "users: no such user".into(),
        ..CallResponse::default()
    };
    let app = App::running(Script {
        domains: vec![users()],
        call: response,
        ..Script::default()
    });
    let run = app.run("domains call users x_request").await;
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(run.err.contains("no such user"), "{run:?}");
    let run = app.run("domains call users x_request -o json").await;
    assert_eq!(run.json()["success"], false);
    assert_eq!(run.code, Some(1));
}
