//! S5: which Node runs a domain, and what is reported when none is usable.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use fulcrum_e2e::{App, Output, text_of};
use serde_json::Value;

/// A directory with a `node` of this text, for the front of PATH.
pub(crate) fn fake_node(app: &App, script: &str) -> PathBuf {
    let dir = app.scratch_dir().join("bin");
    fs::create_dir_all(&dir).expect("a directory");
    let node = dir.join("node");
    fs::write(&node, script).expect("a script");
    fs::set_permissions(&node, fs::Permissions::from_mode(0o755)).expect("an executable");
    dir
}

/// The Node in PATH, with links resolved.
pub(crate) fn real_node() -> PathBuf {
    let output = Command::new("node")
        .args(["-p", "process.execPath"])
        .output()
        .expect("Node is installed");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// Asserts that the domain has failed permanently before anything was started, after one attempt.
#[track_caller]
pub(crate) fn assert_failed_at_once(app: &App, output: Output, texts: &[&str]) {
    output.exits(10).stderr_contains(texts);
    let users = app.status("users");
    assert_eq!(users["phase"], "failed", "{users}");
    assert_eq!(users["pid"], Value::Null, "{users}");
    assert_eq!(users["restarts"], 0, "{users}");
    let reason = text_of(&users, "reason");
    for text in texts {
        assert!(reason.contains(text), "the reason lacks {text:?}: {reason}");
    }
    let tries = app
        .events()
        .into_iter()
        .filter(|event| event["to"] == "preparing");
    assert_eq!(tries.count(), 1, "it was tried again");
    assert_eq!(app.event_count("users", "spawned"), 0);
    app.down();
}

#[test]
fn a_node_that_does_not_exist_is_named() {
    let app = App::new().domain("users", "steady").write(
        "domains/users/fulcrum.yml",
        "process:\n  node: /nowhere/bin/node\n",
    );
    for command in [&["config", "validate"][..], &["dev", "--detach", "--wait"]] {
        app.run(command).exits(5).stderr_contains(&[
            "/nowhere/bin/node",
            "process.node",
            "domains/users/fulcrum.yml:2",
        ]);
    }
    app.assert_no_processes();
}

#[test]
fn a_node_version_that_is_not_installed_names_the_file_that_requires_it() {
    let app = App::new().domain("users", "steady").write(".nvmrc", "99\n");
    let output = app.run(&["dev", "--detach", "--wait"]);
    assert_failed_at_once(&app, output, &[".nvmrc", "99"]);
}

#[test]
fn process_node_selects_the_node_that_runs() {
    let app = App::new().domain("users", "steady");
    let link = app.scratch_dir().join("my-node");
    std::os::unix::fs::symlink(real_node(), &link).unwrap();
    app.write_file(
        "domains/users/fulcrum.yml",
        &format!("process:\n  node: {}\n", link.display()),
    );
    // PATH has no Node, so only the configured one can run.
    let empty = app.scratch_dir().join("empty");
    fs::create_dir(&empty).unwrap();
    let run = app
        .fulcrum(&["dev", "--detach", "--wait"])
        .env("PATH", &empty);
    run.output().exits(0);
    assert_eq!(app.status("users")["ready"], true);
    app.down();
}
