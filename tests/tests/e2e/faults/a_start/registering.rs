//! A4, A5: domains that register late or never.

use std::fs;

use fulcrum_e2e::{App, LIMIT, Signal, figure, text_of, wait_until};

/// R3: a domain that never registers fails after its start timeout, with its last words; it isn't
/// started again, since that would change nothing.
#[test]
fn a04_a_domain_that_never_registers_says_why_it_failed() {
    let app = App::new().domain("users", "never-registers").write(
        "domains/users/fulcrum.yml",
        "process:\n  start_timeout: 1s\n",
    );
    app.run(&["dev", "--detach", "--wait"]).exits(10).says(&[
        "users",
        "not registered",
        "the database does not answer",
    ]);
    let users = app.see("users");
    assert_eq!(users["phase"], "failed", "{users}");
    let reason = text_of(&users, "reason");
    assert!(reason.contains("not registered"), "{reason}");
    assert!(reason.contains("the database does not answer"), "{reason}");
    assert_eq!(app.times("users", "spawned"), 1);
    app.down();
}

/// When the time is over it is asked to end, and not before; nobody else notices.
#[test]
fn a04_the_start_timeout_is_kept() {
    const LIMIT_MS: u64 = 1000;
    let app = App::new()
        .impatient()
        .stub_domain_with("users", &["--never-register"], "{start_timeout: 1s}")
        .stub_domain("orders", &[]);
    app.run(&["dev", "--detach", "--wait"]).exits(10);
    let users = app.wait_for("users", "has failed", |users| users["phase"] == "failed");
    assert!(
        text_of(&users, "reason").contains("not registered within 1s"),
        "{users}"
    );
    assert_eq!(app.see("orders")["restarts"], 0);
    let at = |event: &str| {
        let ledger = app.ledger().into_iter();
        let mut entries = ledger.filter(|entry| entry.domain == "users" && entry.event == event);
        entries.next().unwrap_or_else(|| panic!("no {event}")).at
    };
    let waited = (at("stopping") - at("spawned")) / 1000;
    // The timer runs from the spawn, the stub's clock from a moment later.
    assert!(waited >= LIMIT_MS - 100, "ended after {waited} ms");
    figure(
        "A4",
        &format!("asked to end {waited} ms after its first word; the limit is {LIMIT_MS} ms"),
    );
    app.down();
}

/// One that has registered once may only have been slow: it is tried again, as after a crash.
#[test]
fn a04_one_that_has_registered_before_is_tried_again() {
    let app = App::new().impatient();
    let habits = app.beside().join("habits");
    fs::write(&habits, "").expect("habits");
    let flag = format!("@{}", habits.display());
    let app = app.stub_domain_with("users", &[&flag], "{start_timeout: 500ms}");
    app.up();
    fs::write(&habits, "--never-register").expect("habits");
    app.leader("users").signal(Signal::KILL);
    wait_until("it has been tried in vain", LIMIT, || {
        (app.times("users", "spawned") >= 3).then_some(())
    });
    fs::write(&habits, "").expect("habits");
    app.wait_for("users", "is back", |users| users["ready"] == true);
    app.down();
}

/// A life that is being ended can't become one that is registered.
#[test]
fn a05_a_registration_during_the_end_is_refused() {
    let flags = ["--register-after", "1500ms", "--ignore-term"];
    let settings = "{start_timeout: 500ms, stop: {grace: 4s}}";
    let app = App::new().stub_domain_with("users", &flags, settings);
    app.run(&["dev", "--detach"]).exits(0);
    wait_until("it has been told no", LIMIT, || {
        let ledger = app.ledger();
        let answer = ledger
            .iter()
            .find(|entry| entry.event == "registered" || entry.event.starts_with("refused"))?;
        // FAILED_PRECONDITION
        assert_eq!(answer.event, "refused 9", "{ledger:?}");
        Some(())
    });
    let users = app.see("users");
    assert_eq!(
        (&users["phase"], &users["ready"]),
        (&"stopping".into(), &false.into()),
        "{users}"
    );
    app.wait_for("users", "has failed", |users| users["phase"] == "failed");
    assert_eq!(app.times("users", "spawned"), 1);
    app.down();
}

/// Whichever comes first, the registration or the limit: a domain ends up ready in its first life,
/// or failed with nobody left; never between.
#[track_caller]
fn race(domains: usize) {
    let (before, after) = (
        ["--register-after", "980ms"],
        ["--register-after", "1020ms"],
    );
    let names: Vec<String> = (0..2 * domains).map(|n| format!("d{n}")).collect();
    let mut app = App::new().impatient();
    for (n, name) in names.iter().enumerate() {
        let flags = if n % 2 == 0 { &before } else { &after };
        app = app.stub_domain_with(name, flags, "{start_timeout: 1s}");
    }
    app.run(&["dev", "--detach"]).exits(0);
    wait_until("all have come to a state", LIMIT, || {
        let settled = |domain: &serde_json::Value| {
            domain["phase"] == "failed" || (domain["phase"] == "running" && domain["ready"] == true)
        };
        app.list().iter().all(settled).then_some(())
    });
    let list = app.list();
    let mut ready = 0;
    for domain in &list {
        let name = text_of(domain, "name");
        assert_eq!(domain["generation"], 1, "{domain}");
        assert_eq!(app.times(name, "spawned"), 1, "{domain}");
        if domain["phase"] == "failed" {
            assert!(domain["pid"].is_null(), "{domain}");
        } else {
            ready += 1;
            app.settled(&[name]);
            app.leader(name);
        }
    }
    figure(
        "A5",
        &format!(
            "{} races about the start timeout: {ready} won by the domain, none in between",
            list.len()
        ),
    );
    app.down();
}

#[test]
fn a05_a_registration_about_the_start_timeout_counts_or_does_not() {
    race(4);
}

#[test]
#[ignore = "long: a hundred races"]
fn a05_a_hundred_registrations_about_the_start_timeout() {
    race(50);
}
