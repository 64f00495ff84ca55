//! C1: names, globs and `all`.

use fulcrum_e2e::App;

fn app() -> App {
    App::new()
        .domain("users", "steady")
        .domain("uploads", "steady")
        .domain("orders", "steady")
}

#[test]
fn an_unknown_name_is_reported_with_the_nearest_and_all_names() {
    let app = app();
    app.start();
    for verb in [
        "start", "stop", "restart", "wait", "status", "logs", "events", "why",
    ] {
        app.run(&["domains", verb, "user"])
            .exits(4)
            .stderr_contains(&["user", "users", "orders"]);
    }
    for verb in ["start", "stop", "restart"] {
        app.run(&["domains", verb])
            .exits(2)
            .stderr_contains(&["all"]);
    }
    assert_eq!(
        app.activity_log()
            .iter()
            .filter(|entry| entry.event == "spawned")
            .count(),
        3
    );
    app.down();
}

#[test]
fn globs_and_all_select_several_domains() {
    let app = app();
    app.start();
    app.run(&["domains", "restart", "u*"]).exits(0);
    let generation = |name: &str| app.status(name)["generation"].as_u64();
    assert_eq!(
        (generation("users"), generation("uploads")),
        (Some(2), Some(2))
    );
    assert_eq!(generation("orders"), Some(1));
    app.run(&["domains", "restart", "x*"]).exits(4);
    app.run(&["domains", "stop", "users", "orders"]).exits(0);
    let phase = |name: &str| app.status(name)["phase"].clone();
    assert_eq!(
        (phase("users"), phase("orders")),
        ("stopped".into(), "stopped".into())
    );
    assert_eq!(phase("uploads"), "running");
    app.run(&["domains", "start", "all"]).exits(0);
    assert!(app.list().iter().all(|domain| domain["ready"] == true));
    app.down();
}

/// A closed pipe ends a client quietly.
#[test]
fn a_closed_pipe_ends_a_client_quietly() {
    let app = app();
    app.start();
    let script = format!(
        "{} domains status -o json | head -c 1 > /dev/null; echo \"${{PIPESTATUS[0]}}\"",
        fulcrum_e2e::binary().display()
    );
    let output = app.program("bash", &["-c", &script]).output().exits(0);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("0\n", "")
    );
    app.down();
}
