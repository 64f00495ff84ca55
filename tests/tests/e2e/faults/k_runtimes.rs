//! Section K, row 8: Bun and Deno beside Node, and commands that run JavaScript.
//!
//! Bun and Deno are scripts here that run the same code with Node; `cargo xtask runtimes` runs the real
//! ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fulcrum_e2e::{App, CommandRun, text_of};

const DOMAIN: &str = "\
import { DomainBase } from '@fulcrum/domain';
export default class Users extends DomainBase {
  async pingHandler() { return { success: true, args: process.execArgv }; }
}
";

/// A Bun of the test: it answers the query for its version, and runs the domain with Node.
fn bun(app: &App) -> CommandRun {
    let bin = app.scratch_dir().join("bin");
    fs::create_dir_all(&bin).expect("a directory");
    let program = bin.join("bun");
    let text = format!(
        "#!/bin/sh\n\
         if [ \"$1\" = -p ]; then echo '[\"v26.3.0\",\"{}\",\"1.4.5\",null]'; exit; fi\n\
         [ \"$1\" = --preload ] || exit 9\n\
         shift; preload=$1; shift\n\
         exec node --import \"$preload\" \"$@\"\n",
        program.display()
    );
    fs::write(&program, text).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    let path = std::env::var("PATH").expect("a PATH");
    let args = ["dev", "--detach", "--wait", "--timeout", "30s"];
    app.fulcrum(&args)
        .env("PATH", format!("{}:{path}", bin.display()))
}

fn app(settings: &str) -> App {
    App::new()
        .write("domains/users/domain.mjs", DOMAIN)
        .write("domains/users/fulcrum.yml", settings)
}

#[test]
fn k08_an_entry_that_only_exports_a_class_is_started_by_another_runtime() {
    let app = app("process: {runtime: bun}\n");
    bun(&app).output().exits(0);
    let status = app.run(&["domains", "status", "users"]).exits(0);
    status.stdout_contains(&["bun 1.4.5 (PATH)"]);
    app.run(&["domains", "call", "users", "ping_request", "{}"])
        .exits(0)
        .stdout_contains(&["preload.mjs"]);
    app.down();
}

#[test]
fn k08_a_node_that_is_bun_is_told_as_bun() {
    let app = app("process: {node: bun}\n");
    bun(&app)
        .output()
        .exits(10)
        .stderr_contains(&["is Bun 1.4.5, not Node", "process.runtime: bun"]);
    let reason = text_of(&app.status("users"), "reason").to_owned();
    assert!(!reason.contains("26.3.0"), "{reason}");
    app.down();
}

#[test]
fn k08_a_missing_runtime_is_named_with_how_to_install_it() {
    let app = app("process: {runtime: deno}\n");
    let run = app.fulcrum(&["dev", "--detach", "--wait", "--timeout", "30s"]);
    let node = std::process::Command::new("node")
        .args(["-p", "process.execPath"])
        .output()
        .expect("node runs");
    let node = String::from_utf8(node.stdout).expect("a path");
    let dir = std::path::Path::new(node.trim())
        .parent()
        .expect("a directory");
    run.env("PATH", dir)
        .output()
        .exits(10)
        .stderr_contains(&["deno not found in PATH=", "npm install --global deno"]);
    app.down();
}

#[test]
fn k08_a_command_finds_the_sdk_and_is_told_to_call_start() {
    let settings = "process: {command: [node, domain.mjs], restart: never}\n";
    let app = app(settings);
    app.fulcrum(&["dev", "--detach"]).output().exits(0);
    let users = app.wait_for("users", "has ended", |users| users["phase"] == "stopped");
    let reason = text_of(&users, "reason");
    assert!(reason.contains("exit 0"), "it finds the SDK: {reason}");
    app.run(&["domains", "status", "users"])
        .exits(0)
        .stdout_contains(&["only exports a class", "call start()"]);
    app.down();
}
