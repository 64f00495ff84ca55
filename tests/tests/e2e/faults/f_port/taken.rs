//! The gRPC port, when somebody else has it.

use std::net::TcpListener;

use fulcrum_e2e::App;

/// Set explicitly and taken: an error that names the holder.
#[test]
fn f04_an_explicit_port_that_is_taken_names_its_holder() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let app = App::new().domain("users", "steady").write(
        "fulcrum.yml",
        &format!("runtime:\n  grpc:\n    listen: {address}\n"),
    );
    // Not this process's number: tests beside this one start processes, and one that has not yet
    // come to its exec holds the same socket under the same name.
    for args in [&["dev"][..], &["dev", "--detach", "--wait"], &["serve"]] {
        let run = app.fulcrum(args).without("FULCRUM_RUNTIME__GRPC__LISTEN");
        let said =
            run.output()
                .exits(1)
                .says(&[&address, "taken by process ", "runtime.grpc.listen"]);
        // The command line's first word is this test's own executable.
        assert!(
            said.stderr.contains("e2e-"),
            "the holder's command is missing: {said}"
        );
        app.nothing_left();
    }
    assert_eq!(app.ledger(), []);
}

/// C4: left to its default and taken, `dev` uses a free port, says so, and domains find it. One
/// that insists on the default never registers, and is told why.
#[test]
fn f04_a_default_port_that_is_taken_is_evaded() {
    // Somebody else on this machine may have it already, which is as good.
    let holder = TcpListener::bind("127.0.0.1:50051").ok();
    let app = App::new()
        .domain("users", "steady")
        .domain("old", "insists-on-the-default-port")
        .write("domains/old/fulcrum.yml", "process:\n  start_timeout: 1s\n");
    let args = ["dev", "--detach", "--wait", "--only", "users"];
    let run = app.fulcrum(&args).without("FULCRUM_RUNTIME__GRPC__LISTEN");
    run.output().exits(0);
    let address = app.grpc();
    assert!(!address.ends_with(":50051"), "{address}");
    let said = app.logs("fulcrum");
    let told = said.iter().any(|line| {
        let has = |text: &str| line.message.contains(text);
        has("50051") && has("taken by") && has(&address)
    });
    assert!(told, "{said:?}");

    // What another holder would make of a domain that dials it is no affair of this test's.
    if holder.is_some() {
        app.run(&["domains", "start", "old"]).exits(1).says(&[
            "not registered",
            "50051",
            "process ",
            "e2e-",
        ]);
        assert_eq!(app.see("old")["phase"], "failed");
    }
    app.down();
}

/// Another Fulcrum has it: that one is named, and goes on.
#[test]
fn f04_a_port_of_another_instance_names_that() {
    let other = App::new().impatient().stub_domain("users", &[]);
    other.up();
    let (address, pid) = (other.grpc(), other.instance().pid.to_string());
    let app = App::new().stub_domain("users", &[]);
    app.fulcrum(&["dev"])
        .env("FULCRUM_RUNTIME__GRPC__LISTEN", &address)
        .output()
        .exits(1)
        .says(&[&address, &pid, "fulcrum"]);
    assert_eq!(other.see("users")["restarts"], 0);
    other.down();
}

/// A machine whose loopback speaks IPv6 only.
#[test]
fn f05_without_an_ipv4_loopback_the_other_is_used() {
    const SCRIPT: &str = "ip link set lo up && ip -4 addr flush dev lo && ip -6 addr show dev lo | grep -q ::1 || exit 77; exec \"$0\" \"$@\"";
    let app = App::new()
        .impatient()
        .domain("users", "steady")
        .stub_domain("orders", &[]);
    let fulcrum = fulcrum_e2e::binary().to_str().expect("a path that is text");
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
        assert_eq!(app.see(name)["ready"], true);
    }
    app.down();
}
