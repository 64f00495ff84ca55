//! A4, A5: domains that register late or never.

use std::fs;

use fulcrum_e2e::{App, LIMIT, Signal, measurement, text_of, wait_until};

/// R3: a domain that never registers fails after its start timeout, with its stderr tail. It is not
/// restarted, since a retry would not help.
#[test]
fn a04_a_domain_that_never_registers_reports_why_it_failed() {
    let app = App::new().domain("users", "never-registers").write(
        "domains/users/fulcrum.yml",
        "process:\n  start_timeout: 1s\n",
    );
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["users", "not registered", "the database does not answer"]);
    let users = app.status("users");
    assert_eq!(users["phase"], "failed", "{users}");
    let reason = text_of(&users, "reason");
    assert!(reason.contains("not registered"), "{reason}");
    assert!(reason.contains("the database does not answer"), "{reason}");
    assert_eq!(app.event_count("users", "spawned"), 1);
    app.down();
}

/// It is stopped when the timeout has elapsed, and not before; other domains are not affected.
#[test]
fn a04_the_start_timeout_is_enforced() {
    const LIMIT_MS: u64 = 1000;
    let app = App::new()
        .with_short_timeouts()
        .stub_domain_with("users", &["--never-register"], "{start_timeout: 1s}")
        .stub_domain("orders", &[]);
    app.run(&["dev", "--detach", "--wait"]).exits(10);
    let users = app.wait_for("users", "has failed", |users| users["phase"] == "failed");
    assert!(
        text_of(&users, "reason").contains("not registered within 1s"),
        "{users}"
    );
    assert_eq!(app.status("orders")["restarts"], 0);
    let at = |event: &str| {
        let entries = app.activity_log().into_iter();
        let mut entries = entries.filter(|entry| entry.domain == "users" && entry.event == event);
        entries.next().unwrap_or_else(|| panic!("no {event}")).at
    };
    let waited = (at("stopping") - at("spawned")) / 1000;
    // The timer runs from the spawn, the stub's clock from a moment later.
    assert!(waited >= LIMIT_MS - 100, "stopped after {waited} ms");
    measurement(
        "A4",
        &format!("stopped {waited} ms after its start; the limit is {LIMIT_MS} ms"),
    );
    app.down();
}

/// A domain that has registered once may only have been slow: it is retried, as after a crash.
#[test]
fn a04_a_domain_that_registered_before_is_retried() {
    let app = App::new().with_short_timeouts();
    let flags_file = app.scratch_dir().join("a flags file");
    fs::write(&flags_file, "").expect("a flags file");
    let flag = format!("@{}", flags_file.display());
    let app = app.stub_domain_with("users", &[&flag], "{start_timeout: 500ms}");
    app.start();
    fs::write(&flags_file, "--never-register").expect("a flags file");
    app.leader("users").signal(Signal::KILL);
    wait_until("it has been retried", LIMIT, || {
        (app.event_count("users", "spawned") >= 3).then_some(())
    });
    fs::write(&flags_file, "").expect("a flags file");
    app.wait_for("users", "is restarted", |users| users["ready"] == true);
    app.down();
}

/// A generation that is being stopped cannot register.
#[test]
fn a05_a_registration_while_stopping_is_rejected() {
    let flags = ["--register-after", "1s", "--ignore-term"];
    let settings = "{start_timeout: 500ms, stop: {grace: 2s}}";
    let app = App::new().stub_domain_with("users", &flags, settings);
    app.run(&["dev", "--detach"]).exits(0);
    wait_until("it is rejected", LIMIT, || {
        let entries = app.activity_log();
        let outcome = entries
            .iter()
            .find(|entry| entry.event == "registered" || entry.event.starts_with("rejected"))?;
        // FAILED_PRECONDITION
        assert_eq!(outcome.event, "rejected 9", "{entries:?}");
        Some(())
    });
    let users = app.status("users");
    assert_eq!(
        (&users["phase"], &users["ready"]),
        (&"stopping".into(), &false.into()),
        "{users}"
    );
    app.wait_for("users", "has failed", |users| users["phase"] == "failed");
    assert_eq!(app.event_count("users", "spawned"), 1);
    app.down();
}

/// Whichever comes first, registration or timeout: a domain ends up ready in its first generation,
/// or failed without a process.
#[track_caller]
fn race_start_timeout(domains: usize) {
    let (before, after) = (
        ["--register-after", "980ms"],
        ["--register-after", "1020ms"],
    );
    let names: Vec<String> = (0..2 * domains).map(|n| format!("d{n}")).collect();
    let mut app = App::new().with_short_timeouts();
    for (n, name) in names.iter().enumerate() {
        let flags = if n % 2 == 0 { &before } else { &after };
        app = app.stub_domain_with(name, flags, "{start_timeout: 1s}");
    }
    app.run(&["dev", "--detach"]).exits(0);
    wait_until("all are ready or failed", LIMIT, || {
        let is_final = |domain: &serde_json::Value| {
            domain["phase"] == "failed" || (domain["phase"] == "running" && domain["ready"] == true)
        };
        app.list().iter().all(is_final).then_some(())
    });
    let list = app.list();
    let mut ready = 0;
    for domain in &list {
        let name = text_of(domain, "name");
        assert_eq!(domain["generation"], 1, "{domain}");
        assert_eq!(app.event_count(name, "spawned"), 1, "{domain}");
        if domain["phase"] == "failed" {
            assert!(domain["pid"].is_null(), "{domain}");
        } else {
            ready += 1;
            app.wait_until_stable(&[name]);
            app.leader(name);
        }
    }
    measurement(
        "A5",
        &format!(
            "{} races around the start timeout: {ready} won by the domain, none in between",
            list.len()
        ),
    );
    app.down();
}

#[test]
fn a05_a_registration_around_the_start_timeout_is_accepted_or_rejected() {
    race_start_timeout(4);
}

#[test]
#[ignore = "long: a hundred races"]
fn a05_a_hundred_registrations_around_the_start_timeout_are_accepted_or_rejected() {
    race_start_timeout(50);
}
