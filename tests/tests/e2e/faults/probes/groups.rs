//! X5: supervision groups.

use fulcrum_e2e::{App, LIMIT, Signal, text_of, wait_until};

const MEMBERS: [&str; 3] = ["catalog", "orders", "web"];

/// Three members and one domain outside of the group; `order` lists the members.
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

/// The generations of the members, once all are ready.
#[track_caller]
fn generations(app: &App) -> Vec<u64> {
    app.run(&["domains", "wait", "all"]).exits(0);
    let generations =
        MEMBERS.map(|name| app.status(name)["generation"].as_u64().expect("a number"));
    generations.to_vec()
}

/// Kills a member, and waits until the members have these generations and are ready.
#[track_caller]
fn kill_and_wait(app: &App, name: &str, expected: &[u64]) {
    let outsider = app.leader("outsider");
    app.leader(name).signal(Signal::KILL);
    wait_until(&format!("the generations are {expected:?}"), LIMIT, || {
        let domains = MEMBERS.map(|name| app.status(name));
        let matches = domains
            .iter()
            .zip(expected)
            .all(|(one, generation)| one["generation"] == *generation && one["ready"] == true);
        matches.then_some(())
    });
    assert_eq!(app.leader("outsider"), outsider);
}

/// Asserts that in this generation each member was started after the previous one was ready.
#[track_caller]
fn assert_start_order(app: &App, generation: usize) {
    for pair in MEMBERS.windows(2) {
        let ready = app.event_times(pair[0], "registered")[generation - 1];
        let spawned = app.event_times(pair[1], "spawned")[generation - 1];
        // The instance accepts a registration a moment before the domain records it.
        assert!(
            ready < spawned + 50_000,
            "{} was started before {} was ready",
            pair[1],
            pair[0]
        );
    }
}

#[test]
fn x05_one_for_one_restarts_no_other_member() {
    let app = app("one_for_one", ORDER);
    app.start();
    kill_and_wait(&app, "catalog", &[2, 1, 1]);
    app.down();
}

#[test]
fn x05_rest_for_one_restarts_the_members_after_it() {
    let app = app("rest_for_one", ORDER);
    app.start();
    assert_start_order(&app, 1);
    kill_and_wait(&app, "catalog", &[2, 2, 2]);
    assert_start_order(&app, 2);
    kill_and_wait(&app, "orders", &[2, 3, 3]);
    kill_and_wait(&app, "web", &[2, 3, 4]);
    let reason = |name: &str| text_of(&app.status(name)["last_exit"], "reason").to_owned();
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
    assert_eq!(
        app.status("web")["restarts"],
        1,
        "only its own fault counts"
    );
    app.down();
}

#[test]
fn x05_one_for_all_restarts_all_members_in_order() {
    let app = app("one_for_all", ORDER);
    app.start();
    kill_and_wait(&app, "web", &[2, 2, 2]);
    assert_start_order(&app, 2);
    // A command concerns one domain only.
    app.run(&["domains", "restart", "orders"]).exits(0);
    assert_eq!(generations(&app), [2, 3, 2]);
    app.down();
}

/// Several simultaneous failures converge, and the members are stopped in reverse order in the end.
#[test]
fn x05_simultaneous_failures_of_all_members_converge() {
    let app = app("one_for_all", ORDER);
    app.start();
    let leaders = MEMBERS.map(|name| app.leader(name));
    leaders.iter().for_each(|it| it.signal(Signal::KILL));
    wait_until("all members have a new generation", LIMIT, || {
        let generations = MEMBERS.map(|name| app.status(name));
        let ready =
            |one: &serde_json::Value| one["generation"].as_u64() > Some(1) && one["ready"] == true;
        generations.iter().all(ready).then_some(())
    });
    let final_generations = generations(&app);
    assert!(
        final_generations.iter().all(|generation| *generation <= 4),
        "{final_generations:?}"
    );
    for name in MEMBERS {
        let crashes = app.event_count(name, "spawned");
        assert_eq!(
            app.event_count(name, "overlap"),
            0,
            "{name}, {crashes} generations"
        );
    }
    app.down();
    let stopped = |name| {
        *app.event_times(name, "stopping")
            .last()
            .expect("it was stopped")
    };
    assert!(stopped("web") < stopped("orders"));
    assert!(stopped("orders") < stopped("catalog"));
}

/// Members after one that has failed permanently wait for it, and report that.
#[test]
fn x05_members_wait_for_one_that_failed_permanently() {
    let app = app("rest_for_one", ORDER);
    let app = app.stub_domain_with(
        "catalog",
        &["--exit-after-ready", "50ms"],
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

/// An order that contradicts the dependencies is impossible.
#[test]
fn x05_an_order_against_the_dependencies_is_reported_with_its_position() {
    let app = app("rest_for_one", ORDER).stub_domain_with("catalog", &[], "{depends_on: [web]}");
    app.run(&["config", "validate"]).exits(5).stderr_contains(&[
        "fulcrum.yml:8:45",
        "runtime.groups.shop.domains",
        "catalog -> web -> catalog",
    ]);
}
