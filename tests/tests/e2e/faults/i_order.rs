//! Section I, row 3: whatever stops several domains stops dependents first.

use fulcrum_e2e::{App, Signal, measurement};

/// Each depends on the one before it, and takes [`STOP_MS`] to stop.
const CHAIN: [&str; 4] = ["db", "cache", "api", "web"];
const STOP_MS: u64 = 300;

const DEFAULTS: &str = "\
runtime:
  defaults: {start_timeout: 20s, stop: {grace: 5s}, restart: {backoff: {initial: 100ms}}}
";

fn app(more: &str) -> App {
    let app = App::new().write("fulcrum.yml", &format!("{DEFAULTS}{more}"));
    let mut before = None;
    CHAIN.iter().fold(app, |app, name| {
        let depends = before
            .replace(*name)
            .map_or(String::new(), |on| format!("depends_on: [{on}]"));
        app.stub_domain_with(name, &["--slow-stop", "300ms"], &format!("{{{depends}}}"))
    })
}

/// Asserts that the latest stops of these domains, in this order, did not overlap, and describes
/// their times in milliseconds.
#[track_caller]
fn assert_stopped_in_order(app: &App, order: &[&str], verb: &str) -> String {
    let times: Vec<u64> = order
        .iter()
        .map(|name| {
            *app.event_times(name, "stopping")
                .last()
                .expect("it was stopped")
        })
        .collect();
    let first = times[0];
    let times: Vec<u64> = times
        .iter()
        .map(|at| at.saturating_sub(first) / 1000)
        .collect();
    let text: Vec<String> = order
        .iter()
        .zip(&times)
        .map(|(name, at)| format!("{name} +{at}"))
        .collect();
    let text = text.join(", ");
    for pair in times.windows(2) {
        assert!(pair[1] >= pair[0] + STOP_MS, "{verb}: {text}");
    }
    format!("{verb}: {text}")
}

/// Asserts that each domain was started again after the next generation of its dependency.
#[track_caller]
fn assert_started_in_order(app: &App, names: &[&str], verb: &str) {
    let last = |name: &str, event: &str| *app.event_times(name, event).last().expect("an event");
    for pair in names.windows(2) {
        let (ready, spawned) = (last(pair[0], "registered"), last(pair[1], "spawned"));
        // The instance accepts a registration a moment before the domain records it.
        assert!(
            ready <= spawned + 50_000,
            "{verb}: {} started before {}",
            pair[1],
            pair[0]
        );
    }
}

#[track_caller]
fn wait_for_generations(app: &App, generations: [u64; 4]) {
    for (name, generation) in CHAIN.into_iter().zip(generations) {
        app.wait_for(name, "is ready again", |domain| {
            domain["ready"] == true && domain["generation"].as_u64() >= Some(generation)
        });
    }
    app.wait_until_stable(&CHAIN);
}

const REVERSE: [&str; 4] = ["web", "api", "cache", "db"];

#[test]
fn i03_every_verb_stops_dependents_first() {
    let app = app("");
    app.start();
    let mut texts = Vec::new();

    app.run(&["domains", "restart", "all"]).exits(0);
    texts.push(assert_stopped_in_order(&app, &REVERSE, "restart all"));
    assert_started_in_order(&app, &CHAIN, "restart all");

    app.run(&["domains", "restart", "db", "api", "web"])
        .exits(0);
    texts.push(assert_stopped_in_order(
        &app,
        &["web", "api", "db"],
        "restart db api web",
    ));
    assert_started_in_order(&app, &["db", "api", "web"], "restart db api web");

    app.run(&["domains", "restart", "all", "--no-wait"])
        .exits(0);
    wait_for_generations(&app, [4, 3, 4, 4]);
    texts.push(assert_stopped_in_order(&app, &REVERSE, "restart --no-wait"));

    app.run(&["domains", "stop", "cache", "db", "web"]).exits(0);
    texts.push(assert_stopped_in_order(
        &app,
        &["web", "cache", "db"],
        "stop cache db web",
    ));
    app.run(&["domains", "start", "all"]).exits(0);

    let other = DEFAULTS.replace("{start_timeout", "{env: {CHANGED: \"1\"}, start_timeout");
    app.write_file("fulcrum.yml", &other);
    app.run(&["reload"]).exits(0);
    texts.push(assert_stopped_in_order(&app, &REVERSE, "reload"));
    assert_started_in_order(&app, &CHAIN, "reload");

    app.run(&["domains", "stop", "all"]).exits(0);
    texts.push(assert_stopped_in_order(&app, &REVERSE, "stop all"));
    app.run(&["domains", "start", "all"]).exits(0);
    app.down();
    texts.push(assert_stopped_in_order(&app, &REVERSE, "down"));
    measurement(
        "I3",
        &format!("ms after the first stop: {}", texts.join("; ")),
    );
}

#[test]
fn i03_a_checkout_that_touches_several_stops_dependents_first() {
    let app = app("");
    app.start_watching();
    for name in CHAIN {
        app.write_file(&format!("domains/{name}/changed.py"), "pass");
    }
    wait_for_generations(&app, [2; 4]);
    let text = assert_stopped_in_order(&app, &REVERSE, "checkout");
    assert_started_in_order(&app, &CHAIN, "checkout");
    measurement("I3", &format!("ms after the first stop: {text}"));
    app.down();
}

#[test]
fn i03_a_group_restart_stops_dependents_first() {
    let app = app("  groups: {shop: {strategy: one_for_all, domains: [db, cache, api, web]}}\n");
    app.start();
    // It records no stop, since it is killed.
    app.leader("api").signal(Signal::KILL);
    wait_for_generations(&app, [2; 4]);
    let text = assert_stopped_in_order(&app, &["web", "cache", "db"], "one_for_all");
    assert_started_in_order(&app, &CHAIN, "one_for_all");
    measurement("I3", &format!("ms after the first stop: {text}"));
    app.down();
}

#[test]
fn i03_a_reload_that_removes_a_domain_stops_its_dependents_before_it() {
    let app = app("");
    app.start();
    std::fs::remove_dir_all(app.root().join("domains/cache")).expect("removed");
    let stub = app.root().join("domains/api/fulcrum.yml");
    let text = std::fs::read_to_string(&stub).expect("readable");
    let text = text.replace("[cache]", "[db]").replace("300ms", "310ms");
    app.write_file("domains/api/fulcrum.yml", &text);
    app.run(&["reload"]).exits(0);
    let text = assert_stopped_in_order(&app, &["api", "cache"], "reload that removes cache");
    measurement("I3", &format!("ms after the first stop: {text}"));
    assert_eq!(app.event_count("db", "stopping"), 0);
    app.down();
}

#[test]
fn i03_a_shutdown_during_a_restart_of_several_starts_nothing() {
    let app = app("");
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("4 domains ready in ");
    app.wait_until_stable(&CHAIN);
    app.run(&["domains", "restart", "all", "--no-wait"])
        .exits(0);
    app.wait_for_event_count("web", "stopping", 1);
    dev.signal(Signal::TERM);
    dev.wait_exit().exits(0);
    for name in CHAIN {
        assert_eq!(app.event_count(name, "spawned"), 1, "{name}");
        assert_eq!(app.event_count(name, "stopping"), 1, "{name}");
    }
    app.assert_no_processes();
}
