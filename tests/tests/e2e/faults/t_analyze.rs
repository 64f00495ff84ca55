//! Row T12: what the start of an instance took, by domain and as the slowest chain of dependencies.

use fulcrum_e2e::{App, text_of};
use serde_json::Value;

/// A program that is ready by having started, a job after it, one that registers after that, and one
/// that fails for good.
fn app() -> App {
    App::new()
        .write(
            "domains/db/fulcrum.yml",
            "process: {command: [sleep, '1000'], ready: started}",
        )
        .write(
            "domains/migrate/fulcrum.yml",
            "process: {command: ['true'], kind: job, depends_on: [db]}",
        )
        .stub_domain_with(
            "users",
            &[],
            "{depends_on: {migrate: {condition: completed}}}",
        )
        .write(
            "domains/broken/fulcrum.yml",
            "process: {command: ['false'], restart: never}",
        )
        .stub_domain("report", &[])
}

/// Starts all but `report`; returns once the others are as they stay.
fn start(app: &App, mode: &str) {
    let only = "db,migrate,users,broken";
    app.run(&[mode, "--detach", "--only", only]).exits(0);
    let wait = ["domains", "wait", "users", "--timeout", "60s"];
    app.run(&wait).exits(0);
    app.wait_for("broken", "has failed", |broken| {
        broken["phase"] != "running"
    });
}

fn analyze(app: &App) -> Value {
    app.run(&["analyze", "-o", "json"]).exits(0).json()
}

fn domain<'a>(report: &'a Value, name: &str) -> &'a Value {
    let domains = report["domains"].as_array().expect("an array");
    let mut domains = domains.iter();
    domains
        .find(|domain| domain["name"] == name)
        .unwrap_or_else(|| panic!("{name} is missing: {report}"))
}

fn number(value: &Value, key: &str) -> f64 {
    value[key]
        .as_f64()
        .unwrap_or_else(|| panic!("no number {key}: {value}"))
}

#[test]
fn t12_the_start_is_told_by_domain_and_as_its_slowest_chain() {
    let app = app();
    app.run(&["analyze"]).exits(3);
    start(&app, "dev");
    let report = analyze(&app);

    let users = domain(&report, "users");
    let parts = [
        "waited_ms",
        "retried_ms",
        "prepared_ms",
        "registered_ms",
        "ready_ms",
    ];
    let sum: f64 = parts.iter().map(|part| number(users, part)).sum();
    let ready_at = number(users, "ready_at_ms");
    let all = number(users, "requested_at_ms") + sum;
    assert!((all - ready_at).abs() < 0.01, "{users}");
    assert!(
        number(users, "waited_ms") > number(users, "took_ms"),
        "{users}"
    );
    assert_eq!(number(&report, "ready_at_ms"), ready_at);
    assert_eq!(users["depends_on"]["migrate"], "completed");

    // Those that do not register have no time of that.
    let (db, migrate) = (domain(&report, "db"), domain(&report, "migrate"));
    assert!(
        db["registered_ms"].is_null() && number(db, "ready_ms") > 0.0,
        "{db}"
    );
    assert_eq!(migrate["completed"], true);
    let broken = domain(&report, "broken");
    assert!(broken["ready_at_ms"].is_null(), "{broken}");
    assert!(text_of(broken, "reason").contains("exit 1"), "{broken}");
    assert_eq!(domain(&report, "report")["attempts"], 0);

    let chain = report["slowest_chain"].as_array().expect("an array");
    let links: Vec<_> = chain
        .iter()
        .map(|link| (text_of(link, "name"), text_of(link, "until")))
        .collect();
    let expected = [
        ("db", "ready"),
        ("migrate", "completed"),
        ("users", "ready"),
    ];
    assert_eq!(links, expected);
    for pair in chain.windows(2) {
        let end = number(&pair[0], "started_at_ms") + number(&pair[0], "took_ms");
        assert!(end <= number(&pair[1], "started_at_ms") + 2.0, "{pair:?}");
    }

    let to_migrate = app
        .run(&["analyze", "migrate", "-o", "json"])
        .exits(0)
        .json();
    let links = to_migrate["slowest_chain"].as_array().expect("an array");
    assert_eq!(links.as_slice(), &chain[..2]);
    app.run(&["analyze", "migrate"])
        .exits(0)
        .stdout_contains(&["chain to migrate: each waited for the one above"]);
    app.run(&["analyze", "usres"])
        .exits(4)
        .stderr_contains(&["users"]);

    let text = app.run(&["analyze"]).exits(0).stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("not yet: broken (dev, pid"), "{text}");
    // What took longest is the first row, and the end of the chain the last line.
    assert!(lines[3].starts_with("db "), "{text}");
    assert!(
        lines[lines.len() - 1].contains("users    started at +"),
        "{text}"
    );
    for words in [
        "ready in",
        ": started",
        "completed in",
        "registered in",
        "exit 1",
    ] {
        assert!(text.contains(words), "{words:?} is missing: {text}");
    }
    app.down();
}

#[test]
fn t12_the_start_stays_what_it_was_after_restarts_and_later_starts() {
    let app = app();
    start(&app, "serve");
    let before = analyze(&app);
    app.run(&["domains", "restart", "users"]).exits(0);
    app.run(&["domains", "start", "report"]).exits(0);
    let after = analyze(&app);
    assert_eq!(domain(&after, "users"), domain(&before, "users"));
    for key in ["ready_at_ms", "slowest_chain"] {
        assert_eq!(after[key], before[key], "{after}");
    }
    let report = domain(&after, "report");
    assert_eq!(
        (&report["initial"], &report["attempts"]),
        (&false.into(), &1.into())
    );
    let text = app.run(&["analyze"]).exits(0).stdout;
    assert!(text.contains("started later, at +"), "{text}");
    app.down();
}
