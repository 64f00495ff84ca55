//! `process.alive`.

use fulcrum_e2e::{App, Signal, text_of};

use super::server::{server, set_failing};

const ALIVE: &str = "ready: {tcp: port}, alive: {http: /, interval: 100ms, timeout: 500ms}";

/// A program whose probe fails repeatedly is restarted; another domain is not.
#[test]
fn a_program_that_fails_its_alive_probe_is_replaced() {
    let app =
        server(App::new().with_short_timeouts(), "web", "at-once", ALIVE).stub_domain("users", &[]);
    app.start();
    let (before, bystander) = (app.leader("web"), app.leader("users"));
    set_failing(&app, true);
    app.wait_for("web", "is replaced", |web| web["generation"] == 2);
    set_failing(&app, false);
    let web = app.wait_for("web", "is ready", |web| web["ready"] == true);
    let reason = text_of(&web["last_exit"], "reason");
    assert!(
        reason.starts_with("hung: alive probe failed 3 times: http 503"),
        "{reason}"
    );
    assert!(!before.is_alive());
    assert_eq!(app.leader("users"), bystander);
    let is_unhealthy =
        |event: &serde_json::Value| event["domain"] == "web" && event["type"] == "unhealthy";
    assert!(app.events().iter().any(is_unhealthy));
    app.down();
}

/// The kernel accepts connections for a suspended program, which does not respond.
#[test]
fn a_stopped_program_is_replaced() {
    let app = server(App::new().with_short_timeouts(), "web", "at-once", ALIVE);
    app.start();
    let before = app.leader("web");
    before.signal(Signal::STOP);
    let web = app.wait_for("web", "is replaced", |web| {
        web["generation"] == 2 && web["ready"] == true
    });
    let reason = text_of(&web["last_exit"], "reason");
    assert!(reason.contains("no answer within 500ms"), "{reason}");
    assert!(!before.is_alive());
    app.down();
}

/// While Fulcrum is suspended no probe runs, and none fails.
#[test]
fn suspended_time_of_fulcrum_fails_no_alive_probe() {
    let app = server(App::new().with_short_timeouts(), "web", "at-once", ALIVE);
    app.start();
    let (instance, leader) = (app.instance(), app.leader("web"));
    for _ in 0..3 {
        instance.signal(Signal::STOP);
        std::thread::sleep(std::time::Duration::from_secs(1));
        instance.signal(Signal::CONT);
        app.status("web");
    }
    assert_eq!(app.leader("web"), leader);
    assert_eq!(app.status("web")["restarts"], 0);
    app.down();
}

/// A start may take its time: failures before the first success do not count.
#[test]
fn a_slow_start_does_not_fail_the_alive_probe() {
    let probes = "alive: {tcp: port, interval: 50ms, failures: 1}, ready: {tcp: port}, \
                  start_timeout: 60s";
    let app = server(App::new().with_short_timeouts(), "web", "wait", probes);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("web", "has been probed", |web| {
        text_of(web, "reason").contains("alive probe")
    });
    app.release_gate();
    let web = app.wait_for("web", "is ready", |web| web["ready"] == true);
    assert_eq!(web["generation"], 1, "{web}");
    app.down();
}
