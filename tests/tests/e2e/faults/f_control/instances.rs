//! One instance per app, however many are started.

use std::time::Instant;

use fulcrum_e2e::{App, Foreground, Signal, measurement};

/// C2: a client never starts an instance.
#[test]
fn without_an_instance_every_client_exits_with_3() {
    let app = App::new().domain("users", "steady");
    for args in [
        &["domains", "list"][..],
        &["domains", "status", "-o", "json"],
        &["domains", "restart", "users"],
        &["domains", "call", "users", "x_request"],
        &["logs"],
        &["down"],
    ] {
        let output = app
            .run(args)
            .exits(3)
            .stderr_contains(&["no running instance", "fulcrum dev"]);
        assert_eq!(output.stdout, "", "{output}");
    }
    app.assert_no_processes();
    assert_eq!(app.activity_log(), []);
}

#[test]
fn f01_a_second_instance_of_an_app_names_the_first() {
    let app = App::new().domain("users", "steady");
    app.start();
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    let pid = status["instance"]["pid"].to_string();
    let leader = app.leader("users");
    for args in [&["dev"][..], &["serve"]] {
        app.run(args)
            .exits(1)
            .stderr_contains(&[&pid, "fulcrum down"]);
    }
    // Who waits for the domains wants them to be ready, whoever started them.
    app.run(&["dev", "--detach", "--wait"])
        .exits(0)
        .stderr_contains(&["already running", &pid, "1 domain ready"]);
    assert_eq!(
        app.leader("users"),
        leader,
        "the first instance was affected"
    );
    assert_eq!(app.event_count("users", "spawned"), 1);
    app.down();
}

/// Of concurrent starts one becomes the instance, and the others name it.
fn start_concurrently(count: usize) {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    let mut starts: Vec<_> = (0..count)
        .map(|_| app.spawn(&["dev", "--detach", "--wait"]))
        .collect();
    let ends: Vec<_> = starts.iter_mut().map(Foreground::wait_exit).collect();
    let pid = app.instance().pid.to_string();
    let joined = ends
        .into_iter()
        .map(|end| end.exits(0).stderr_contains(&[&pid]))
        .filter(|end| end.stderr.contains("already running"))
        .count();
    assert_eq!(joined, count - 1);
    assert_eq!(app.event_count("users", "spawned"), 1);
    measurement(
        "F1",
        &format!("of {count} starts at once 1 won, the others named its pid"),
    );
    app.down();
}

#[test]
fn f01_one_of_twenty_concurrent_starts_becomes_the_instance() {
    start_concurrently(20);
}

#[test]
#[ignore = "long: a hundred starts"]
fn f01_one_of_a_hundred_concurrent_starts_becomes_the_instance() {
    start_concurrently(100);
}

/// `down` stops an instance in the foreground of another terminal, as Ctrl-C would there.
#[test]
fn down_ends_an_instance_in_the_foreground() {
    let app = App::new().domain("users", "steady");
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("1 domain ready in ");
    app.run(&["down"]).exits(0);
    dev.wait_exit().exits(0);
    app.assert_no_processes();
}

/// C4: two apps run at once without affecting each other.
#[test]
fn two_apps_run_side_by_side() {
    let (one, two) = (
        App::new().domain("users", "steady"),
        App::new().domain("users", "steady"),
    );
    one.start();
    two.start();
    assert_ne!(one.grpc(), two.grpc());
    let second_leader = two.leader("users");
    one.run(&["domains", "restart", "users"]).exits(0);
    one.down();
    assert_eq!(two.leader("users"), second_leader);
    two.run(&[
        "domains",
        "call",
        "users",
        "text_echo_request",
        r#"{"text":"x"}"#,
    ])
    .exits(0);
    two.down();
}

/// A command works from a domain's directory, and for an app given by `--app`.
#[test]
fn the_app_is_found_from_a_subdirectory_and_by_path() {
    let app = App::new().domain("users", "steady");
    app.start();
    let below = app.root().join("domains/users");
    app.fulcrum(&["domains", "list"])
        .current_dir(&below)
        .output()
        .exits(0);
    let root = app.root();
    let named = ["domains", "list", "--app", root.to_str().unwrap()];
    app.fulcrum(&named)
        .current_dir(&app.scratch_dir())
        .output()
        .exits(0);
    app.fulcrum(&["domains", "list"])
        .current_dir(&app.scratch_dir())
        .output()
        .exits(5)
        .stderr_contains(&["fulcrum.yml"]);
    app.down();
}

/// A killed instance leaves a free lock and a stale socket: clients fail at once, and the next
/// instance starts at the first attempt.
#[test]
fn f02_the_next_instance_takes_over_from_a_killed_one() {
    let app = App::new().domain("users", "steady");
    let mut first = app.spawn(&["dev"]);
    first.wait_for("1 domain ready in ");
    first.signal(Signal::KILL);
    assert_eq!(first.wait_exit().code, None);
    let started = Instant::now();
    app.run(&["domains", "list"]).exits(3);
    measurement(
        "F2",
        &format!(
            "a client without an instance: exit 3 after {} ms",
            started.elapsed().as_millis()
        ),
    );
    app.start();
    assert_eq!(app.status("users")["ready"], true);
    app.down();
}
