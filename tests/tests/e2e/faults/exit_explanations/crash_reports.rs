//! X3, X4, H4: how a crash is reported, and what is redacted.

use fulcrum_e2e::{App, Signal, text_of};
use serde_json::Value;

use super::support::{LONG_BACKOFF, STEADY, assert_contains, status_text, why_text};

#[test]
fn x04_a_crash_is_reported_with_its_stderr_and_the_next_attempt() {
    let app = App::new()
        .write(
            "domains/users/domain.js",
            "console.error('boom');\nprocess.exit(3);\n",
        )
        .write("domains/users/fulcrum.yml", LONG_BACKOFF);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "waits", |users| users["phase"] == "backoff");
    let status_text = status_text(&app, "users");
    assert_contains(
        &status_text,
        &[
            "exit 3 before it registered; last on stderr: boom",
            "attempt 1 of 8 in 1m",
            "retry in ",
            "last stderr boom",
            "#1  never ready, ran ",
        ],
    );
    let users = app
        .run(&["domains", "status", "users", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(users["last_stderr"], serde_json::json!(["boom"]));
    assert_eq!(users["lives"][0]["ended_by"], "exited", "{users}");
    assert!(users["retry_in_ms"].as_u64().is_some(), "{users}");
    let lines = app.logs("users");
    let lines = |text: &str| lines.iter().any(|line| line.message.contains(text));
    assert!(lines("restarting in "), "the restart is not logged");
    app.down();
}

/// A domain in a crash loop fails permanently, with a hint; a start by a command resets its budget.
#[test]
fn x03_a_crash_loop_names_the_command_to_continue() {
    let app = App::new().domain("users", "throws-at-start").write(
        "domains/users/fulcrum.yml",
        "process:\n  restart: {backoff: {initial: 20ms, max: 20ms}, budget: 2, window: 60s}\n",
    );
    app.run(&["dev", "--detach"]).exits(0);
    let failed = |users: &Value| users["phase"] == "failed";
    let users = app.wait_for("users", "has failed", failed);
    let expected = [
        "crash loop: 2 restarts in 1m",
        "no database today",
        "`fulcrum domains restart users`",
    ];
    assert_contains(text_of(&users, "reason"), &expected);
    let explanation = why_text(&app, "users");
    assert_contains(explanation.lines().next().unwrap_or_default(), &expected);
    app.write_file("domains/users/domain.cjs", steady_domain());
    app.run(&["domains", "restart", "users"]).exits(0);
    assert_contains(
        why_text(&app, "users").lines().next().unwrap_or_default(),
        &["ready", "requested by `fulcrum domains restart users`"],
    );
    app.down();
}

fn steady_domain() -> &'static str {
    "module.exports = class Mended extends require('@fulcrum/domain').DomainBase {};\n"
}

#[test]
fn h04_secrets_are_redacted_everywhere() {
    let app = App::new().domain("users", STEADY).write(
        "domains/users/fulcrum.yml",
        "process:\n  \
           args: [--api-key=hunter2]\n  \
           env:\n    \
             SECRET_TOKEN: hunter2\n    \
             DATABASE_URL: postgres://shop:hunter2@db/shop\n    \
             PLAIN: shown\n",
    );
    app.start();
    app.leader("users").signal(Signal::KILL);
    app.wait_for("users", "is restarted", |users| {
        users["ready"] == true && users["generation"] == 2
    });
    let status = status_text(&app, "users");
    assert_contains(
        &status,
        &["PLAIN=shown", "SECRET_TOKEN=***", "postgres://shop:***@db"],
    );
    for args in [
        &["domains", "status", "users"][..],
        &["domains", "status", "users", "-o", "json"],
        &["domains", "list", "-o", "json"],
        &["domains", "events", "-o", "json"],
        &["domains", "why", "users"],
        &["domains", "why", "users", "-o", "json"],
        &["domains", "logs", "-o", "json"],
    ] {
        let output = app.run(args).exits(0);
        assert!(!output.stdout.contains("hunter2"), "{output}");
    }
    app.down();
}
