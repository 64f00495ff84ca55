//! X5: supervision groups.

use fulcrum_e2e::{App, LIMIT, Signal, text_of, wait_until};

const MEMBERS: [&str; 3] = ["catalog", "orders", "web"];

/// Three members and one outside of the group, `order` being theirs.
fn app(strategy: &str, order: &str) -> App {
    let runtime = "\
runtime:
  defaults:
    heartbeat: {interval: 200ms, misses: 3}
    start_timeout: 10s
    stop: {grace: 1s}
    restart: {backoff: {initial: 100ms, max: 2s}, budget: 5, window: 10s}
";
    let group = format!("  groups:\n    shop: {{strategy: {strategy}, domains: {order}}}\n");
    let mut app = App::new().write("fulcrum.yml", &format!("{runtime}{group}"));
    for name in MEMBERS.into_iter().chain(["outsider"]) {
        app = app.stub_domain(name, &[]);
    }
    app
}

const ORDER: &str = "[catalog, orders, web]";

/// The numbers of the members' lives, once all are ready.
#[track_caller]
fn lives(app: &App) -> Vec<u64> {
    app.run(&["domains", "wait", "all"]).exits(0);
    let lives = MEMBERS.map(|name| app.see(name)["generation"].as_u64().expect("a number"));
    lives.to_vec()
}

/// Kills a member and gives the numbers of all members' lives when everything is well again.
#[track_caller]
fn after_the_end_of(app: &App, name: &str, expected: &[u64]) {
    let outsider = app.leader("outsider");
    app.leader(name).signal(Signal::KILL);
    wait_until(&format!("the lives are {expected:?}"), LIMIT, || {
        let lives = MEMBERS.map(|name| app.see(name));
        let fits = lives
            .iter()
            .zip(expected)
            .all(|(one, life)| one["generation"] == *life && one["ready"] == true);
        fits.then_some(())
    });
    assert_eq!(app.leader("outsider"), outsider);
}

/// When the members' lives of a certain number began, and when they were ready, in their order.
#[track_caller]
fn began_in_order(app: &App, life: usize) {
    for pair in MEMBERS.windows(2) {
        let ready = app.moments(pair[0], "registered")[life - 1];
        let spawned = app.moments(pair[1], "spawned")[life - 1];
        assert!(
            ready < spawned,
            "{} was started before {} was ready",
            pair[1],
            pair[0]
        );
    }
}

#[test]
fn x05_one_for_one_takes_nobody_along() {
    let app = app("one_for_one", ORDER);
    app.up();
    after_the_end_of(&app, "catalog", &[2, 1, 1]);
    app.down();
}

#[test]
fn x05_rest_for_one_takes_along_those_after_it() {
    let app = app("rest_for_one", ORDER);
    app.up();
    began_in_order(&app, 1);
    after_the_end_of(&app, "catalog", &[2, 2, 2]);
    began_in_order(&app, 2);
    after_the_end_of(&app, "orders", &[2, 3, 3]);
    after_the_end_of(&app, "web", &[2, 3, 4]);
    let reason = |name: &str| text_of(&app.see(name)["last_exit"], "reason").to_owned();
    assert!(
        reason("orders").starts_with("killed by SIGKILL"),
        "{}",
        reason("orders")
    );
    let recycled: Vec<String> = app
        .events()
        .iter()
        .filter(|event| event["type"] == "recycled")
        .map(|event| format!("{}: {}", text_of(event, "domain"), text_of(event, "reason")))
        .collect();
    let rest = "failed, and group shop is rest_for_one";
    assert_eq!(recycled.len(), 3, "{recycled:?}");
    assert!(
        recycled.contains(&format!("web: orders {rest}")),
        "{recycled:?}"
    );
    assert_eq!(app.see("web")["restarts"], 1, "only its own fault counts");
    app.down();
}

#[test]
fn x05_one_for_all_takes_everybody_along_and_they_come_back_in_order() {
    let app = app("one_for_all", ORDER);
    app.up();
    after_the_end_of(&app, "web", &[2, 2, 2]);
    began_in_order(&app, 2);
    // What the operator does concerns one alone.
    app.run(&["domains", "restart", "orders"]).exits(0);
    assert_eq!(lives(&app), [2, 3, 2]);
    app.down();
}

/// Faults of several at once settle, and the members are stopped in reverse order in the end.
#[test]
fn x05_faults_of_all_members_at_once_settle() {
    let app = app("one_for_all", ORDER);
    app.up();
    let leaders = MEMBERS.map(|name| app.leader(name));
    leaders.iter().for_each(|it| it.signal(Signal::KILL));
    wait_until("everybody has another life", LIMIT, || {
        let lives = MEMBERS.map(|name| app.see(name));
        let ready =
            |one: &serde_json::Value| one["generation"].as_u64() > Some(1) && one["ready"] == true;
        lives.iter().all(ready).then_some(())
    });
    let settled = lives(&app);
    assert!(settled.iter().all(|life| *life <= 4), "{settled:?}");
    for name in MEMBERS {
        let crashes = app.times(name, "spawned");
        assert_eq!(app.times(name, "overlap"), 0, "{name}, {crashes} lives");
    }
    app.down();
    let stopped = |name| {
        *app.moments(name, "stopping")
            .last()
            .expect("it was stopped")
    };
    assert!(stopped("web") < stopped("orders"));
    assert!(stopped("orders") < stopped("catalog"));
}

/// Those after a member that has failed for good wait for it, and say so.
#[test]
fn x05_a_member_that_fails_for_good_is_waited_for() {
    let app = app("rest_for_one", ORDER);
    let app = app.stub_domain_with(
        "catalog",
        &["--die-ready", "50ms"],
        "{restart: {budget: 1, window: 10m}}",
    );
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("catalog", "has failed", |it| it["phase"] == "failed");
    for name in ["orders", "web"] {
        app.wait_for(name, "waits", |it| {
            it["phase"] == "waiting" && text_of(it, "reason").contains("catalog (failed)")
        });
    }
    app.down();
}

/// An order that the dependencies contradict could never be kept.
#[test]
fn x05_an_order_against_the_dependencies_is_told_with_its_place() {
    let app = app("rest_for_one", ORDER).stub_domain_with("catalog", &[], "{depends_on: [web]}");
    app.run(&["config", "validate"]).exits(5).says(&[
        "fulcrum.yml:8:45",
        "runtime.groups.shop.domains",
        "catalog -> web -> catalog",
    ]);
}
