//! A16: packages that cannot be installed.

use std::io::Read;
use std::net::TcpListener;
use std::thread;

use fulcrum_e2e::{App, CommandRun, LIMIT, text_of, wait_until};

/// A domain whose packages are missing, beside one that needs none; npm uses this registry without
/// retries.
fn needs_packages(registry: &str) -> (App, CommandRun) {
    let app = App::new()
        .domain("users", "steady")
        .write(
            "domains/users/package.json",
            r#"{"name": "users", "dependencies": {"left-pad": "1.3.0"}}"#,
        )
        .stub_domain("orders", &[]);
    let cache = app.scratch_dir().join("npm-cache");
    let run = app
        .fulcrum(&["dev", "--detach"])
        .env("npm_config_registry", registry)
        .env("npm_config_fetch_retries", "0")
        .env("npm_config_cache", cache);
    (app, run)
}

#[test]
fn a16_a_failed_install_is_reported_and_nothing_is_started() {
    // The port was free a moment ago, so connections to it are refused.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let registry = format!("http://{}", port.local_addr().expect("an address"));
    drop(port);
    let (app, run) = needs_packages(&registry);
    run.output().exits(0);
    let users = app.wait_for("users", "has failed", |users| users["phase"] == "failed");
    let reason = text_of(&users, "reason");
    for text in ["npm install", "domains/users", "exit 1"] {
        assert!(reason.contains(text), "the reason lacks {text:?}: {reason}");
    }
    let lines = app.logs("users");
    assert!(
        lines
            .iter()
            .any(|line| line.message.contains("ECONNREFUSED")),
        "npm's output is missing: {lines:?}"
    );
    assert_eq!(
        (app.event_count("users", "spawned"), &users["restarts"]),
        (0, &0.into())
    );
    app.run(&["domains", "wait", "orders", "--timeout", "30s"])
        .exits(0);
    app.down();
}

/// A registry that never responds delays its own domain only, and a stop kills npm and its
/// children.
#[test]
fn a16_a_hanging_install_can_be_stopped() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let registry = format!("http://{}", port.local_addr().expect("an address"));
    let (connected, connections) = std::sync::mpsc::channel();
    // The thread exits with the test process: it waits for connections that are never made.
    thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = port.accept() {
            let _ = stream.read(&mut [0; 1]);
            held.push(stream);
            let _ = connected.send(());
        }
    });
    let (app, run) = needs_packages(&registry);
    run.output().exits(0);
    connections
        .recv_timeout(LIMIT)
        .expect("npm connects to the registry");
    app.run(&["domains", "wait", "orders", "--timeout", "30s"])
        .exits(0);
    assert_eq!(app.status("users")["phase"], "preparing");
    let npm = || {
        let processes = app.processes().into_iter();
        processes
            .filter(|process| process.command.contains("npm"))
            .collect::<Vec<_>>()
    };
    assert!(!npm().is_empty(), "{:?}", app.processes());
    app.run(&["domains", "stop", "users"]).exits(0);
    assert_eq!(app.status("users")["phase"], "stopped");
    wait_until("npm has exited", LIMIT, || npm().is_empty().then_some(()));
    assert_eq!(app.event_count("users", "spawned"), 0);
    app.down();
}

/// npm itself prints nothing for more than a minute while it cannot reach its registry.
#[test]
fn a16_a_domain_says_that_packages_are_installed_and_which_request_fails() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let registry = format!("http://{}", port.local_addr().expect("an address"));
    drop(port);
    let (app, run) = needs_packages(&registry);
    run.env("npm_config_fetch_retries", "9").output().exits(0);
    let what = "installing packages in domains/users with npm for ";
    app.wait_for("users", "installs packages", |users| {
        users["phase"] == "preparing" && text_of(users, "reason").starts_with(what)
    });
    let failed = format!("GET {registry}/left-pad attempt 1 failed with ECONNREFUSED");
    wait_until("the failed request is logged", LIMIT, || {
        let lines = app.logs("users").into_iter();
        let mut lines = lines.map(|line| line.message);
        lines.find(|line| {
            line.starts_with("still installing packages in domains/users with npm after ")
                && line.contains(&failed)
        })
    });
    let reason = app.status("users")["reason"].clone();
    assert!(
        reason.as_str().is_some_and(|text| text.contains(&failed)),
        "{reason}"
    );
    // Who waits is told so, too.
    app.run(&["domains", "wait", "users", "--timeout", "7s"])
        .exits(17)
        .stderr_contains(&[
            "still waiting: users is preparing (installing packages",
            &failed,
        ]);
    app.down();
}
