//! Section O, telemetry on disk: what the next instance knows of the one before it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use fulcrum_e2e::{App, LIMIT, Signal, measurement, wait_until};
use serde_json::{Value, json};

use super::o_traces::{TRACE, app, endpoint, log_record, order, post, send_log, spans};

fn on_disk() -> App {
    app().write("fulcrum.yml", "runtime: {telemetry: {store: disk}}\n")
}

fn send_metric(address: &str) {
    let body = json!({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "orders"}}]},
        "scopeMetrics": [{"metrics": [{
            "name": "carts",
            "gauge": {"dataPoints": [{"timeUnixNano": "1700000000000000000", "asDouble": 7}]},
        }]}],
    }]});
    let body = body.to_string();
    let status = post(address, "/v1/metrics", "application/json", body.as_bytes());
    assert_eq!(status, Some(200));
}

fn now() -> u128 {
    let since = SystemTime::UNIX_EPOCH.elapsed();
    since.expect("after 1970").as_nanos()
}

fn trace_count(app: &App) -> usize {
    let listed = app.run(&["traces", "-o", "json"]).exits(0).json();
    listed.as_array().map_or(0, Vec::len)
}

#[test]
fn o06_traces_metrics_and_logs_are_there_after_a_restart_and_a_kill() {
    let app = on_disk();
    app.start();
    order(&app, TRACE, "7");
    spans(&app, TRACE, 7);
    let address = endpoint(&app);
    send_log(&address, &log_record("catalog", (now(), "only exported")));
    send_metric(&address);
    app.down();
    let file = app.root().join(".fulcrum/telemetry.redb");
    let mode = fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    app.start();
    let shown = spans(&app, TRACE, 7).0.to_string();
    assert!(shown.contains("only exported"), "{shown}");
    let metrics = app.run(&["metrics", "carts", "-o", "json"]).exits(0).json();
    assert_eq!(
        (&metrics[0]["origin"], &metrics[0]["last"]),
        (&json!("orders"), &json!(7.0))
    );
    let logged = app.run(&["logs", "--trace", TRACE]).exits(0).stdout;
    assert!(
        logged.contains("catalog │ [otlp warn] only exported"),
        "{logged}"
    );

    // A kill costs what has waited for the disk, a second at most.
    let second = TRACE.replace("4bf9", "bbbb");
    order(&app, &second, "7");
    spans(&app, &second, 7);
    let before = fs::metadata(&file)
        .and_then(|found| found.modified())
        .expect("its time");
    wait_until("the file was written", LIMIT, || {
        let after = fs::metadata(&file).and_then(|found| found.modified());
        (after.expect("its time") > before).then_some(())
    });
    app.instance().signal(Signal::KILL);
    wait_until("a new instance starts", LIMIT, || {
        let started = app.run(&["dev", "--detach", "--wait"]);
        (started.code == Some(0)).then_some(())
    });
    spans(&app, &second, 7);
    spans(&app, TRACE, 7);
    let size = fs::metadata(&file).expect("the file").len() / 1024;
    measurement(
        "O6",
        &format!(
            "{} traces after a kill, a file of {size} KiB",
            trace_count(&app)
        ),
    );
    app.down();
}

#[test]
fn o06_a_damaged_file_is_told_and_put_aside_and_the_instance_starts() {
    let app = on_disk();
    app.start();
    order(&app, TRACE, "7");
    spans(&app, TRACE, 7);
    app.down();
    let file = app.root().join(".fulcrum/telemetry.redb");
    let mut damaged = fs::read(&file).expect("the file");
    let middle = damaged.len() / 4;
    damaged[middle..].fill(0xaa);
    fs::write(&file, damaged).expect("written");

    app.start();
    let told = app.logs("fulcrum").into_iter();
    let told: Vec<String> = told
        .map(|line| line.message)
        .filter(|text| text.contains("telemetry.redb is damaged"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("telemetry.redb.damaged") && told[0].contains("FUL0529"),
        "{told:?}"
    );
    assert!(app.root().join(".fulcrum/telemetry.redb.damaged").exists());
    let second = TRACE.replace("4bf9", "cccc");
    order(&app, &second, "7");
    spans(&app, &second, 7);
    app.down();
    app.start();
    spans(&app, &second, 7);
    let gone: Value = json!(app.run(&["traces", "show", TRACE]).code);
    assert_ne!(gone, json!(0));
    app.down();
}
