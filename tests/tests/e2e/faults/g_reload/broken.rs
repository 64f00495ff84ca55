//! Code that is invalid, and code that does not start.

use fulcrum_e2e::App;

/// W5: the running generation keeps serving, the error is reported once with its position, and the
/// next valid save runs.
#[test]
fn g11_broken_code_leaves_the_running_generation_alone() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady");
    app.start_watching();
    let leaders = [app.leader("users"), app.leader("orders")];
    app.write_file(
        "domains/users/price.js",
        "exports.price = 1;\nexports.tax = ;\n",
    );
    let reason = app.wait_for_event("users", "reload_rejected", 1);
    assert!(
        reason.starts_with("domains/users/price.js:2:15: "),
        "{reason}"
    );
    // Another file with the same error: not reported again, and still not started.
    app.write_file("domains/users/other.js", "exports.a = 1;\n");
    app.wait_for_event("users", "changed", 2);
    app.write_file("domains/orders/typed.ts", "let a: number = ;\n");
    let reason = app.wait_for_event("orders", "reload_rejected", 1);
    assert!(reason.contains("typed.ts:1:17: "), "{reason}");
    assert_eq!([app.leader("users"), app.leader("orders")], leaders);
    app.write_file("domains/users/price.js", "exports.price = 1;\n");
    let reason = app.wait_for_event("users", "reloaded", 1);
    assert!(reason.contains("other.js, price.js"), "{reason}");
    assert_eq!(app.event_reasons("users", "reload_rejected").len(), 1);
    assert_ne!(app.leader("users"), leaders[0]);
    assert_eq!(app.leader("orders"), leaders[1]);
    let why = app.run(&["domains", "why", "users"]).exits(0).stdout;
    assert!(why.contains("reload: other.js, price.js changed"), "{why}");
    assert!(why.contains("reloaded in "), "{why}");
    app.down();
}

/// Code that throws is reported, and the next save does not wait for a backoff, neither after a
/// failure nor in a crash loop.
#[test]
fn g11_the_next_save_restarts_a_failed_domain() {
    let app = App::new().domain("users", "steady");
    let entry = "domain.cjs";
    let path = format!("domains/users/{entry}");
    let good = std::fs::read_to_string(app.root().join(&path)).expect("readable");
    app.start_watching();
    app.write_file(&path, "throw new Error('not like this')\n");
    let reason = app.wait_for_event("users", "reload_failed", 1);
    assert!(reason.contains(entry), "{reason}");
    app.write_file(&path, &format!("{good}\n"));
    app.wait_for_event("users", "reloaded", 1);
    // A domain in a long backoff.
    app.write_file(
        "fulcrum.yml",
        "runtime: {defaults: {restart: {backoff: {initial: 10m, max: 10m}}}}\n",
    );
    app.wait_for_event("fulcrum", "config_changed", 1);
    app.write_file(
        &path,
        &format!("{good}\nsetTimeout(() => process.exit(3), 300)\n"),
    );
    app.wait_for("users", "waits", |users| users["phase"] == "backoff");
    app.write_file(&path, &good);
    app.wait_for("users", "is running", |users| users["ready"] == true);
    app.down();
}

/// A stopped domain stays stopped, whatever is saved.
#[test]
fn g11_a_stopped_domain_stays_stopped() {
    let app = App::new()
        .with_short_timeouts()
        .shell_domain("users", "")
        .shell_domain("orders", "");
    app.start_watching();
    app.run(&["domains", "stop", "users"]).exits(0);
    app.write_file("domains/users/code", "one");
    app.wait_for_event("users", "changed", 1);
    app.write_file("domains/orders/code", "one");
    app.wait_for_start("orders", "one");
    assert_eq!(app.status("users")["phase"], "stopped");
    app.run(&["domains", "start", "users"]).exits(0);
    assert_eq!(app.starts("users"), ["zero", "one"]);
    app.down();
}

/// D8: an invalid file is reported once with its position, and changes nothing; the next valid one
/// applies.
#[test]
fn g01_a_saved_configuration_is_validated_before_it_applies() {
    let app = App::new()
        .with_short_timeouts()
        .shell_domain("users", "")
        .shell_domain("orders", "");
    app.start_watching();
    let leaders = [app.leader("users"), app.leader("orders")];
    let valid = std::fs::read_to_string(app.root().join("fulcrum.yml")).expect("readable");
    app.write_file("fulcrum.yml", &format!("{valid}{{\n"));
    let reason = app.wait_for_event("fulcrum", "config_invalid", 1);
    assert!(reason.contains("fulcrum.yml:7:1"), "{reason}");
    assert_eq!([app.leader("users"), app.leader("orders")], leaders);
    app.write_file("fulcrum.yml", &valid);
    app.write_file("domains/users/.env", "FOO=one\n");
    app.write_shell_domain("users", ", env_file: .env", "zero");
    app.wait_for("users", "has a new generation", |users| {
        users["generation"] == 2 && users["ready"] == true
    });
    // For an env file, only the resulting variables are compared.
    let changes = app.event_reasons("fulcrum", "changed").len();
    app.write_file("domains/users/.env", "# a word\nFOO=one\n");
    app.wait_for_event("fulcrum", "changed", changes + 1);
    app.write_file("domains/users/.env", "FOO=two\n");
    app.wait_for("users", "has a new generation", |users| {
        users["generation"] == 3 && users["ready"] == true
    });
    assert_eq!(app.leader("orders"), leaders[1]);
    app.down();
}

/// Settings that are saved repeatedly, each time after the previous reload, are not a reload loop.
#[test]
fn g10_settings_that_are_saved_often_are_applied() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    app.start_watching();
    for round in 1..9 {
        app.write_shell_domain("users", &format!(", env: {{ROUND: r{round}}}"), "zero");
        let reason = app.wait_for_event("users", "reloaded", round);
        assert!(reason.contains("domains/users/fulcrum.yml"), "{reason}");
    }
    let status = app
        .run(&["domains", "status", "users", "-o", "json"])
        .exits(0);
    assert_eq!(status.json()["env"]["ROUND"], "r8");
    assert_eq!(app.starts("users").len(), 9);
    app.down();
}

/// A configuration that is made to be expensive costs little.
#[test]
fn g02_an_expensive_configuration_is_rejected_at_once() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    app.start_watching();
    let users = app.leader("users");
    let valid = std::fs::read_to_string(app.root().join("fulcrum.yml")).expect("readable");
    let mut expansion = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, last) in ('b'..='i').zip('a'..='h') {
        expansion += &format!(
            "{name}: &{name} [{}]\n",
            vec![format!("*{last}"); 9].join(", ")
        );
    }
    let deep = "[".repeat(100_000);
    let large = format!("a: {}\n", "x".repeat(100_000_000));
    let instance = app.instance();
    let before = instance.usage().expect("it is running").rss;
    let mut slowest = 0;
    for (count, text) in [expansion, deep, large].into_iter().enumerate() {
        app.write_file("fulcrum.yml", &text);
        app.wait_for_event("fulcrum", "config_invalid", count + 1);
        slowest = slowest.max(took(&app));
    }
    let after = instance.usage().expect("it is running").rss;
    let grown = after.saturating_sub(before) >> 20;
    assert!(grown < 64, "{grown} MiB more");
    app.write_file("fulcrum.yml", &valid);
    assert_eq!(app.leader("users"), users);
    fulcrum_e2e::measurement(
        "G2",
        &format!(
            "3 expensive files rejected, the slowest {slowest} ms after it was detected, {grown} MiB more"
        ),
    );
    app.down();
}

/// Milliseconds from the detected change to its rejection.
fn took(app: &App) -> i64 {
    let events = app.events();
    let last = |kind: &str| {
        let of_kind = events.iter().rev().find(|event| event["type"] == kind);
        of_kind
            .and_then(|event| event["time"].as_str())
            .map(millis)
            .expect("it was reported")
    };
    last("config_invalid") - last("changed")
}

/// The milliseconds of the day of an RFC 3339 time.
fn millis(time: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| -> i64 { time[range].parse().unwrap_or(0) };
    ((part(11..13) * 60 + part(14..16)) * 60 + part(17..19)) * 1000 + part(20..23)
}
