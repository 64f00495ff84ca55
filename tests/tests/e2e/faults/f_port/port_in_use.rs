//! The gRPC port is in use by another process.

use std::net::TcpListener;

use fulcrum_e2e::App;

/// Set explicitly and in use: an error that names the holder.
#[test]
fn f04_an_explicit_port_in_use_names_its_holder() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let app = App::new().domain("users", "steady").write(
        "fulcrum.yml",
        &format!("runtime:\n  grpc:\n    listen: {address}\n"),
    );
    // Not this process's pid: tests beside this one start processes, and one that has not called
    // exec yet holds the same socket under the same name.
    for args in [&["dev"][..], &["dev", "--detach", "--wait"], &["serve"]] {
        let run = app
            .fulcrum(args)
            .env_remove("FULCRUM_RUNTIME__GRPC__LISTEN");
        let output = run.output().exits(1).stderr_contains(&[
            &address,
            "address in use by pid ",
            "runtime.grpc.listen",
        ]);
        // The first word of the command line is this test's own executable.
        assert!(
            output.stderr.contains("e2e-"),
            "the holder's command is missing: {output}"
        );
        app.assert_no_processes();
    }
    assert_eq!(app.activity_log(), []);
}

/// C4: in use and left to its default, `dev` uses a free port, reports it, and domains find it. A
/// domain that uses the default port never registers, and the reason says why.
#[test]
fn f04_a_default_port_in_use_is_replaced_by_a_free_one() {
    // Another process on this machine may already use it, which has the same effect.
    let holder = TcpListener::bind("127.0.0.1:50051").ok();
    let app = App::new()
        .domain("users", "steady")
        .domain("old", "ignores-grpc-address")
        .write("domains/old/fulcrum.yml", "process:\n  start_timeout: 1s\n");
    let args = ["dev", "--detach", "--wait", "--only", "users"];
    let run = app
        .fulcrum(&args)
        .env_remove("FULCRUM_RUNTIME__GRPC__LISTEN");
    run.output().exits(0);
    let address = app.grpc();
    assert!(!address.ends_with(":50051"), "{address}");
    let lines = app.logs("fulcrum");
    let reported = lines.iter().any(|line| {
        let has = |text: &str| line.message.contains(text);
        has("50051") && has("in use by") && has(&address)
    });
    assert!(reported, "{lines:?}");

    // A domain that connects to another holder is not the subject of this test.
    if holder.is_some() {
        app.run(&["domains", "start", "old"])
            .exits(1)
            .stderr_contains(&["not registered", "50051", "pid ", "e2e-"]);
        assert_eq!(app.status("old")["phase"], "failed");
    }
    app.down();
}

/// Another instance uses it: that one is named, and keeps running.
#[test]
fn f04_a_port_in_use_by_another_instance_names_it() {
    let other = App::new().with_short_timeouts().stub_domain("users", &[]);
    other.start();
    let (address, pid) = (other.grpc(), other.instance().pid.to_string());
    let app = App::new().stub_domain("users", &[]);
    app.fulcrum(&["dev"])
        .env("FULCRUM_RUNTIME__GRPC__LISTEN", &address)
        .output()
        .exits(1)
        .stderr_contains(&[&address, &pid, "fulcrum"]);
    assert_eq!(other.status("users")["restarts"], 0);
    other.down();
}

/// A machine whose loopback has IPv6 only.
#[test]
fn f05_without_an_ipv4_loopback_ipv6_is_used() {
    const SCRIPT: &str = "ip link set lo up && ip -4 addr flush dev lo && ip -6 addr show dev lo | grep -q ::1 || exit 77; exec \"$0\" \"$@\"";
    let app = App::new()
        .with_short_timeouts()
        .domain("users", "steady")
        .stub_domain("orders", &[]);
    let fulcrum = fulcrum_e2e::binary().to_str().expect("a UTF-8 path");
    let start = [
        "-n", "sh", "-c", SCRIPT, fulcrum, "dev", "--detach", "--wait",
    ];
    let started = app.program("unshare", &start).output();
    if matches!(started.code, Some(77)) || started.stderr.contains("unshare failed") {
        fulcrum_e2e::not_applicable(
            "F5",
            "a network namespace of one's own needs root, and IPv6",
        );
        return;
    }
    started.exits(0);
    assert!(app.grpc().starts_with("[::1]:"), "{}", app.grpc());
    for name in ["users", "orders"] {
        assert_eq!(app.status(name)["ready"], true);
    }
    app.down();
}
