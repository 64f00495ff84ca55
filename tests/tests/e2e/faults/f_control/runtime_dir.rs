//! The directory of lock and socket, and what may be wrong with it.

use std::fs;
use std::path::Path;

use fulcrum_e2e::{App, LIMIT, Process, Signal, binary, not_applicable, wait_until};

fn quick_app() -> App {
    App::new().with_short_timeouts().stub_domain("users", &[])
}

fn socket(app: &App) -> String {
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    let socket = status["instance"]["socket"].as_str();
    socket.expect("an instance has a socket").to_owned()
}

#[test]
fn f03_a_socket_path_that_is_too_long_is_replaced() {
    let app = quick_app();
    let long = app.scratch_dir().join("x".repeat(90));
    fs::create_dir(&long).expect("a directory");
    let temp = app.scratch_dir();
    let run = |args: &[&str]| {
        let run = app
            .fulcrum(args)
            .env("XDG_RUNTIME_DIR", &long)
            .env("TMPDIR", &temp);
        run.output().exits(0)
    };
    run(&["dev", "--detach", "--wait"]);
    let status = run(&["domains", "status", "-o", "json"]).json();
    let socket = status["instance"]["socket"].as_str().expect("a socket");
    assert!(
        socket.len() <= 103 && !socket.starts_with(long.to_str().expect("UTF-8")),
        "{socket}"
    );
    run(&["down"]);
    app.assert_no_processes();
}

/// Clients cannot connect any more. They report it with the pid of the instance; domains keep
/// running.
#[test]
fn f03_a_socket_removed_at_runtime_is_reported() {
    let app = quick_app();
    app.start();
    let (socket, pid) = (socket(&app), app.instance().pid);
    let users = app.leader("users");
    fs::remove_file(&socket).expect("it exists");
    let lost = app.run(&["domains", "list"]).exits(1);
    lost.stderr_contains(&[&socket, &pid.to_string(), "fulcrum down --force"]);
    app.run(&["dev"])
        .exits(1)
        .stderr_contains(&[&pid.to_string()]);
    assert!(users.is_alive());
    let instance = Process::find(pid).expect("it is running");
    instance.signal(Signal::TERM);
    wait_until("it exits", LIMIT, || (!instance.is_alive()).then_some(()));
    app.assert_no_processes();
    app.start();
    app.down();
}

#[test]
fn f03_a_directory_that_cannot_be_written_is_named() {
    const SCRIPT: &str =
        "mount -t tmpfs -o ro,mode=700 none \"$XDG_RUNTIME_DIR\" || exit 77; exec \"$0\" \"$@\"";
    let app = quick_app();
    let fulcrum = binary().to_str().expect("a UTF-8 path");
    let output = app
        .program("unshare", &["-m", "sh", "-c", SCRIPT, fulcrum, "dev"])
        .output();
    if output.code == Some(77) || output.stderr.contains("unshare failed") {
        not_applicable("F3", "a mount of one's own needs root");
        return;
    }
    let dir = app.root().with_file_name("run/fulcrum");
    output
        .exits(1)
        .stderr_contains(&[dir.to_str().expect("UTF-8"), "Read-only file system"]);
    assert!(!Path::new(&app.root().join(".fulcrum/instance.log")).exists());
    app.assert_no_processes();
}
