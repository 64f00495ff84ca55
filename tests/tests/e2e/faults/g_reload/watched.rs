//! What is watched when, and what is told to whom.

use fulcrum_e2e::{App, figure, quantile};

/// W1, W2, W3: only the edited domain is restarted, once, and says how long it took; under `dev` by
/// default.
#[test]
fn g13_only_the_edited_domain_is_restarted() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady");
    app.fulcrum(&["dev", "--detach", "--wait"])
        .without("FULCRUM_RUNTIME__WATCH__ENABLED")
        .output()
        .exits(0);
    app.wait_for_event("fulcrum", "watching", 1);
    let orders = app.leader("orders");
    for number in 0..200 {
        app.put(
            &format!("domains/users/a{number}.js"),
            &format!("// {number}\n"),
        );
    }
    let told = app.wait_for_event("users", "reloaded", 1);
    assert!(
        told.starts_with("reloaded in ") && told.contains("a0.js"),
        "{told}"
    );
    app.settled(&["users"]);
    let generation = app.see("users")["generation"].as_u64();
    assert!(matches!(generation, Some(2..=3)), "{generation:?}");
    assert_eq!(app.leader("orders"), orders);
    let mut times: Vec<u64> = (0..9)
        .map(|round| {
            let before = app.reasons("users", "reloaded").len();
            app.put("domains/users/a0.js", &format!("// again {round}\n"));
            let told = app.wait_for_event("users", "reloaded", before + 1);
            let took = told.split(' ').nth(2).and_then(|took| took.parse().ok());
            took.unwrap_or_else(|| panic!("{told}"))
        })
        .collect();
    let p50 = quantile(&mut times, 0.5).expect("there are some");
    assert!(p50 <= 700, "{times:?}");
    figure(
        "G13",
        &format!("from save to ready again, CommonJS: p50 {p50} ms of {times:?}"),
    );
    let words = app.logs("users");
    assert!(
        words
            .iter()
            .any(|line| line.message.starts_with("reloaded in "))
    );
    app.down();
}

/// W6: for a template nothing is restarted; the domain is told, if it wants to know.
#[test]
fn g13_a_template_restarts_nobody_and_is_told() {
    let app = App::new()
        .impatient()
        .domain("users", "steady")
        .stub_domain("orders", &["--capability", "assets"]);
    app.up_watching();
    let lives = [app.leader("users"), app.leader("orders")];
    for domain in ["users", "orders"] {
        app.put(&format!("domains/{domain}/views/x.hbs"), "{{name}}");
        let told = app.wait_for_event(domain, "asset_changed", 1);
        assert_eq!(told, "views/x.hbs changed");
    }
    assert_eq!([app.leader("users"), app.leader("orders")], lives);
    app.down();
}

/// `serve` and `--watch=false` watch nothing, unless the configuration says so.
#[test]
fn g06_who_doesnt_want_to_is_not_restarted() {
    let app = App::new().impatient().shell_domain("users", "");
    for args in [&["dev", "--watch=false"][..], &["serve"]] {
        let all = [args, &["--detach", "--wait"]].concat();
        let run = app.fulcrum(&all).without("FULCRUM_RUNTIME__WATCH__ENABLED");
        run.output().exits(0);
        app.put("domains/users/code", "one");
        app.run(&["reload"]).exits(0).says(&["nothing has changed"]);
        assert_eq!(app.reasons("fulcrum", "watching"), Vec::<String>::new());
        assert_eq!(app.reasons("users", "changed"), Vec::<String>::new());
        app.down();
    }
    let run = app.fulcrum(&["serve", "--detach", "--wait"]);
    run.env("FULCRUM_RUNTIME__WATCH__ENABLED", "true")
        .output()
        .exits(0);
    app.wait_for_event("fulcrum", "watching", 1);
    app.put("domains/users/code", "two");
    app.wait_for_start("users", "two");
    app.down();
}
