//! A1 to A3: starts that fail because the process exits.

use fulcrum_e2e::{App, text_of};

use super::support::{LONG_BACKOFF, NO_RESTART, assert_contains, status_text, why_text};

/// A domain that crashes while it starts fails the start that waits for it, with its stderr tail.
#[test]
fn a01_a_crash_at_startup_fails_the_start_with_its_stderr() {
    let app = App::new()
        .domain("users", "throws-at-start")
        .write("domains/users/fulcrum.yml", LONG_BACKOFF);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "waits for its next start", |users| {
        users["phase"] == "backoff"
    });
    app.run(&["domains", "start", "users"])
        .exits(1)
        .stderr_contains(&["exit 1 before it registered", "no database today"])
        .stderr_contains(&["    at Object.<anonymous>", "restarting in"]);
    let users = app.status("users");
    assert_eq!(users["phase"], "backoff", "{users}");
    assert_eq!(users["last_exit"]["code"], 1, "{users}");
    assert_contains(
        text_of(&users, "reason"),
        &["Error: no database today at domain.cjs:4:7"],
    );
    app.down();
}

/// An empty entry exits with 0 at once: it is not restarted, but the start has failed.
#[test]
fn a02_exit_0_before_registering_is_a_failed_start() {
    let app = App::new().write("domains/users/domain.js", "");
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["users", "exit 0 before it registered"]);
    let users = app.status("users");
    assert_eq!(
        (&users["ready"], &users["generation"]),
        (&false.into(), &1.into()),
        "{users}"
    );
    assert_eq!(users["last_exit"]["code"], 0, "{users}");
    assert_contains(
        &why_text(&app, "users"),
        &["exit 0 before it registered", "export default a class"],
    );
    app.down();
}

#[test]
fn a03_an_await_that_never_settles_is_reported() {
    let app = App::new()
        .write("domains/users/domain.mjs", "await new Promise(() => {})\n")
        .write("domains/users/fulcrum.yml", NO_RESTART);
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["exit 13 (top-level await never settled)"]);
    assert_contains(&status_text(&app, "users"), &["code 13", "never resolved"]);
    app.down();
}
