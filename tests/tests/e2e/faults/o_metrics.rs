//! Section O: metrics and health endpoints.

use std::collections::BTreeMap;

use fulcrum_e2e::{App, LIMIT, http_get, wait_until};
use serde_json::Value;

/// The samples of a text, by name and labels as they are written.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    samples.collect()
}

#[track_caller]
fn start(app: &App, wait: bool) {
    let mut args = vec!["dev", "--detach"];
    if wait {
        args.push("--wait");
    }
    let command = app
        .fulcrum(&args)
        .env("FULCRUM_RUNTIME__HTTP__LISTEN", "127.0.0.1:0");
    command.output().exits(0);
}

/// Waits until a sample has a value.
#[track_caller]
fn wait_for_sample(app: &App, name: &str, is_met: impl Fn(f64) -> bool) -> f64 {
    wait_until(&format!("{name} has the value"), LIMIT, || {
        let samples = samples(&app.get("/metrics").body);
        samples.get(name).copied().filter(|value| is_met(*value))
    })
}

#[test]
fn o03_readiness_names_who_is_not_ready_and_metrics_count_why() {
    let app = App::new()
        .domain("users", "loops-when-asked")
        .domain("broken", "throws-at-start")
        .write(
            "domains/broken/fulcrum.yml",
            "process: {restart: {backoff: {initial: 50ms, max: 50ms}, budget: 2}}\n",
        );
    start(&app, false);
    app.wait_for("users", "is ready", |now| now["ready"] == true);
    app.wait_for("broken", "failed", |now| now["phase"] == "failed");
    let live = app.get("/livez");
    assert_eq!(
        (live.status, &live.json()["live"]),
        (200, &Value::Bool(true))
    );
    assert_eq!(app.get("/readyz/users").status, 200);
    let ready = app.get("/readyz");
    assert_eq!(ready.status, 503, "{}", ready.body);
    let missing = &ready.json()["not_ready"];
    assert_eq!(missing.as_array().map(Vec::len), Some(1), "{missing}");
    assert_eq!(
        (&missing[0]["domain"], &missing[0]["phase"]),
        (&"broken".into(), &"failed".into())
    );
    let reason = missing[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("crash loop"), "{reason}");
    assert_eq!(app.get("/readyz/broken").status, 503);
    assert_eq!(app.get("/readyz/nobody").status, 404);

    let text = app.get("/metrics").body;
    let samples = samples(&text);
    for (name, expected) in [
        (r#"fulcrum_domain_up{domain="users"}"#, 1.0),
        (r#"fulcrum_domain_ready{domain="users"}"#, 1.0),
        (r#"fulcrum_domain_up{domain="broken"}"#, 0.0),
        (
            r#"fulcrum_domain_phase{domain="broken",phase="failed"}"#,
            1.0,
        ),
        (
            r#"fulcrum_domain_restarts_total{domain="broken",reason="exit"}"#,
            2.0,
        ),
        (
            r#"fulcrum_domain_exits_total{domain="broken",code="1",signal=""}"#,
            3.0,
        ),
        (r#"fulcrum_domain_failures_total{domain="broken"}"#, 1.0),
        (
            r#"fulcrum_domain_start_duration_seconds_count{domain="users"}"#,
            1.0,
        ),
        (r#"fulcrum_domain_processes{domain="users"}"#, 1.0),
        ("fulcrum_ready", 0.0),
    ] {
        assert_eq!(samples.get(name), Some(&expected), "{name}\n{text}");
    }
    for positive in [
        r#"fulcrum_domain_cpu_seconds_total{domain="users"}"#,
        r#"fulcrum_domain_memory_bytes{domain="users"}"#,
        r#"fulcrum_domain_resident_memory_bytes{domain="users"}"#,
        r#"fulcrum_domain_threads{domain="users"}"#,
        r#"fulcrum_domain_open_files{domain="users"}"#,
        r#"fulcrum_domain_heap_used_bytes{domain="users"}"#,
        r#"fulcrum_domain_log_bytes_total{domain="broken",stream="stderr"}"#,
        r#"fulcrum_connections{listener="grpc"}"#,
        "process_resident_memory_bytes",
    ] {
        assert!(
            samples.get(positive).is_some_and(|value| *value > 0.0),
            "{positive}\n{text}"
        );
    }
    app.down();
}

#[test]
fn o03_a_blocked_event_loop_shows_in_the_lag() {
    let app = App::new().domain("users", "loops-when-asked");
    start(&app, true);
    let block = [
        "domains",
        "call",
        "users",
        "loop_block_request",
        r#"{"ms":500}"#,
    ];
    app.run(&block).exits(0);
    let max = r#"fulcrum_domain_event_loop_lag_max_seconds{domain="users"}"#;
    wait_for_sample(&app, max, |lag| (0.4..2.0).contains(&lag));
    let samples = samples(&app.get("/metrics").body);
    let bucket = |le: &str| {
        let name =
            format!("fulcrum_domain_event_loop_lag_seconds_bucket{{domain=\"users\",le=\"{le}\"}}");
        samples[&name]
    };
    assert!(
        bucket("+Inf") > bucket("0.25"),
        "one was longer than 250 ms"
    );
    app.down();
}

#[test]
fn o03_the_listener_is_for_this_machine_and_off_costs_no_port() {
    let app = App::new().domain("users", "steady");
    start(&app, true);
    let address = app.http();
    for host in ["Host: evil.example", "Host: 192.0.2.1"] {
        assert_eq!(http_get(&address, "/metrics", &[host]).status, 421);
    }
    let accept = "Accept: application/openmetrics-text;version=1.0.0";
    let open = http_get(&address, "/metrics", &[accept]);
    assert!(open.body.ends_with("# EOF\n"), "{}", open.head);
    app.down();
    let log = std::fs::read_to_string(app.root().join(".fulcrum/instance.log"));
    let log = log.expect("a detached instance has a log");
    assert!(log.contains(&format!("http://{address}")), "{log}");

    // `serve` has no listener unless it is configured; a port in use is an error that names its user.
    app.run(&["serve", "--detach", "--wait"]).exits(0);
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["instance"]["http"], Value::Null);
    app.down();
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let held = held
        .local_addr()
        .map(|address| (held, address))
        .expect("its address");
    let taken = app
        .fulcrum(&["serve"])
        .env("FULCRUM_RUNTIME__HTTP__LISTEN", held.1.to_string());
    let refused = taken.output().exits(1);
    refused.stderr_contains(&["metrics", "in use by pid", "runtime.http.listen"]);
}
