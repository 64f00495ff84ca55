//! `fulcrum reload`: differences are applied, and nothing else.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fulcrum_e2e::{App, LIMIT, Signal, wait_until};

/// The output of `domains why` for a domain.
#[track_caller]
fn why_text(app: &App, name: &str) -> String {
    app.run(&["domains", "why", name]).exits(0).stdout
}

/// D7: the plan is printed, and only changed domains are restarted.
#[test]
fn only_changed_domains_are_restarted() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain_with("users", &[], "{env: {FOO: one, API_KEY: hunter1}}")
        .stub_domain("orders", &[]);
    app.start();
    let (users, orders) = (app.leader("users"), app.leader("orders"));
    app.write_stub_domain("users", &[], "{env: {FOO: two, API_KEY: hunter2}}");
    let plan =
        "= orders  unchanged\n~ users   restart (env.API_KEY: *** → ***, env.FOO: one → two)\n";
    let shown = app.run(&["reload", "--dry-run"]).exits(0);
    assert_eq!(shown.stdout, plan, "{shown}");
    assert_eq!(app.leader("users"), users, "a dry run changes nothing");

    let shown = app
        .run(&["reload"])
        .exits(0)
        .stderr_contains(&["users is ready"]);
    assert_eq!(shown.stdout, plan, "{shown}");
    let now = app.status("users");
    assert_eq!(
        (&now["generation"], &now["restarts"]),
        (&2.into(), &0.into()),
        "{now}"
    );
    assert!(!users.is_alive());
    assert_eq!(app.leader("orders"), orders, "it was not affected");
    let status = app
        .run(&["domains", "status", "users", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["env"]["FOO"], "two", "{status}");
    assert!(why_text(&app, "users").contains("reload: env.API_KEY, env.FOO changed"));

    let again = app
        .run(&["reload"])
        .exits(0)
        .stderr_contains(&["no changes"]);
    assert!(again.stdout.contains("= users   unchanged"), "{again}");
    assert_eq!(app.event_count("users", "spawned"), 2);
    let events = app.events();
    assert!(
        events.iter().any(|event| event["type"] == "config_changed"),
        "{events:?}"
    );
    let text = format!("{events:?}{:?}", app.run(&["logs"]).stdout);
    assert!(!text.contains("hunter"), "a secret was printed: {text}");
    app.down();
}

#[test]
fn json_output_has_the_plan_and_the_outcome() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    app.write_stub_domain("pay", &[], "{}");
    let reload = app.run(&["reload", "-o", "json"]).exits(0).json();
    assert_eq!(reload["outcome"], "done");
    let domains = &reload["plan"]["domains"];
    assert_eq!(
        (&domains[0]["domain"], &domains[0]["action"]),
        (&"pay".into(), &"start".into())
    );
    assert_eq!(domains[1]["action"], "unchanged");
    app.write_file("domains/pay/fulcrum.yml", "process: {comand: [x]}\n");
    let reload = app.run(&["reload", "-o", "json"]).exits(5).json();
    assert_eq!(
        (&reload["outcome"], &reload["plan"]),
        (&"config_invalid".into(), &().into())
    );
    let problem = reload["problems"][0].as_str().expect("a finding");
    assert!(
        problem.contains("domains/pay/fulcrum.yml:1:11"),
        "{problem}"
    );
    app.down();
}

#[test]
fn a_new_domain_starts_after_its_dependencies() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    let users = app.leader("users");
    app.write_stub_domain("pay", &[], "{depends_on: [users, cache]}");
    app.write_stub_domain("cache", &["--register-after", "300ms"], "{}");
    let shown = app
        .run(&["reload"])
        .exits(0)
        .stderr_contains(&["pay is ready"]);
    assert_eq!(
        shown.stdout,
        "+ cache  start\n+ pay    start\n= users  unchanged\n"
    );
    assert_eq!(app.leader("users"), users);
    let ready = app.event_times("cache", "registered")[0];
    assert!(
        ready < app.event_times("pay", "spawned")[0],
        "it did not wait"
    );
    // It can be called, stopped and started like any other domain, and is part of `all`.
    app.run(&["domains", "restart", "pay"]).exits(0);
    app.run(&["domains", "wait", "all"]).exits(0);
    app.wait_until_stable(&["pay", "cache"]);
    app.down();
    let stopped = |name: &str| {
        app.event_times(name, "stopping")
            .pop()
            .expect("it was stopped")
    };
    assert!(stopped("pay") < stopped("cache"), "dependents go first");
}

/// Settings of the supervisor need no new process, and apply to the running one; under `serve` as
/// well.
#[test]
fn a_changed_grace_is_applied_without_a_restart() {
    let flags = ["--ignore-term"];
    let app =
        App::new()
            .with_short_timeouts()
            .stub_domain_with("users", &flags, "{stop: {grace: 10m}}");
    app.run(&["serve", "--detach", "--wait"]).exits(0);
    let users = app.leader("users");
    app.write_stub_domain("users", &flags, "{stop: {grace: 200ms}}");
    let shown = app.run(&["reload"]).exits(0);
    assert_eq!(shown.stdout, "* users  adopt (stop.grace: 10m → 200ms)\n");
    assert_eq!(app.leader("users"), users);
    app.run(&["domains", "stop", "users", "--timeout", "20s"])
        .exits(0);
    assert!(!users.is_alive());
    assert_eq!(app.event_count("users", "spawned"), 1);
    app.down();
}

#[test]
fn changed_dependencies_hold_for_the_shutdown_and_the_next_start() {
    let slow = ["--slow-stop", "300ms"];
    let app = App::new()
        .with_short_timeouts()
        .stub_domain_with("orders", &slow, "{depends_on: [web]}")
        .stub_domain("web", &slow);
    app.start();
    let leaders = [app.leader("orders"), app.leader("web")];
    app.write_stub_domain("orders", &slow, "{}");
    app.write_stub_domain("web", &slow, "{depends_on: [orders]}");
    let shown = app.run(&["reload"]).exits(0);
    assert_eq!(
        shown.stdout,
        "* orders  adopt (depends_on.web: ready → unset)\n\
         * web     adopt (depends_on.orders: unset → ready)\n"
    );
    assert_eq!([app.leader("orders"), app.leader("web")], leaders);
    app.run(&["domains", "stop", "all"]).exits(0);
    app.run(&["domains", "start", "web", "--no-wait", "--no-deps"])
        .exits(0);
    app.wait_for("web", "waits", |web| {
        web["phase"] == "waiting" && web["reason"] == "waiting for orders: stopped"
    });
    app.run(&["domains", "start", "all"]).exits(0);
    app.wait_until_stable(&["orders", "web"]);
    app.down();
    let stopped = |name: &str| app.event_times(name, "stopping");
    for (web, orders) in stopped("web").iter().zip(stopped("orders")) {
        assert!(*web < orders, "dependents go first");
    }
}

/// A changed probe is applied to the running generation, and so is its removal.
#[test]
fn a_changed_probe_is_applied_at_once() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    let users = app.leader("users");
    let exec = |program: &str| {
        let probe = format!("{{exec: [{program}], interval: 100ms, failures: 1}}");
        app.write_stub_domain("users", &[], &format!("{{ready: {probe}}}"));
        app.run(&["reload"]).exits(0);
    };
    exec("'false'");
    app.wait_for("users", "is not ready", |users| users["ready"] == false);
    exec("'true'");
    app.wait_for("users", "is ready", |users| users["ready"] == true);
    exec("'false'");
    app.wait_for("users", "is not ready again", |users| {
        users["ready"] == false
    });
    app.write_stub_domain("users", &[], "{}");
    app.run(&["reload"]).exits(0);
    app.wait_for("users", "is ready by its registration", |users| {
        users["ready"] == true
    });
    assert_eq!(app.leader("users"), users);
    app.down();
}

/// A failed domain is started when its settings have changed. A stopped one stays stopped, and uses
/// the new settings when it is started.
#[test]
fn a_reload_restarts_failed_domains_and_leaves_stopped_ones_alone() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain_with(
            "users",
            &["--exit-at", "0ms", "--exit", "3"],
            "{restart: never}",
        )
        .stub_domain_with("orders", &[], "{env: {FOO: one}}");
    app.run(&["dev", "--detach"]).exits(0);
    app.run(&["domains", "wait", "orders"]).exits(0);
    app.run(&["domains", "stop", "orders"]).exits(0);
    app.wait_for("users", "has exited", |users| {
        users["last_exit"].is_object() && users["pid"].is_null()
    });
    app.write_stub_domain("users", &[], "{}");
    app.write_stub_domain("orders", &[], "{env: {FOO: two}}");
    let shown = app
        .run(&["reload"])
        .exits(0)
        .stderr_contains(&["users is ready"]);
    assert!(
        shown
            .stdout
            .contains("* orders  adopt (env.FOO: one → two)"),
        "{shown}"
    );
    assert_eq!(app.status("orders")["phase"], "stopped");
    app.run(&["domains", "start", "orders"]).exits(0);
    let status = app
        .run(&["domains", "status", "orders", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["env"]["FOO"], "two");
    app.down();
}

#[test]
fn a_domain_that_fails_with_its_new_settings_is_reported() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    app.write_stub_domain(
        "users",
        &["--exit-at", "0ms", "--exit", "3"],
        "{restart: never}",
    );
    app.run(&["reload"])
        .exits(10)
        .stderr_contains(&["users did not become ready", "exit"]);
    app.write_stub_domain("users", &[], "{}");
    app.run(&["reload"]).exits(0);
    app.down();
}

/// Variables of an env file count as settings of the domain.
#[test]
fn a_changed_env_file_is_a_difference() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain_with("users", &[], "{env_file: x.env}")
        .write("domains/users/x.env", "FOO=one\n");
    app.start();
    app.write_file("domains/users/x.env", "FOO=two\n");
    let shown = app.run(&["reload", "--dry-run"]).exits(0);
    assert_eq!(shown.stdout, "~ users  restart (env.FOO: one → two)\n");
    // A restart by command reads it too, so nothing is left to apply.
    app.run(&["domains", "restart", "users"]).exits(0);
    app.run(&["reload"])
        .exits(0)
        .stderr_contains(&["no changes"]);
    assert_eq!(app.event_count("users", "spawned"), 2);
    app.down();
}

#[test]
fn with_only_a_new_domain_is_added_and_not_started() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.run(&["dev", "--detach", "--wait", "--only", "users"])
        .exits(0);
    app.write_stub_domain("pay", &[], "{}");
    let shown = app.run(&["reload"]).exits(0);
    assert_eq!(
        shown.stdout,
        "* pay    adopt (new, not started)\n= users  unchanged\n"
    );
    assert_eq!(app.status("pay")["phase"], "stopped");
    app.run(&["domains", "start", "pay"]).exits(0);
    app.down();
}

/// Settings of the instance itself are reported until it is restarted.
#[test]
fn settings_that_require_a_restart_are_reported_and_not_applied() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    let grpc = app.grpc();
    let config = std::fs::read_to_string(app.root().join("fulcrum.yml")).expect("readable");
    app.write_file(
        "fulcrum.yml",
        &format!("{config}  grpc: {{registration: token}}\n"),
    );
    for _ in 0..2 {
        let shown = app.run(&["reload"]).exits(0);
        let line = "! app    restart required (runtime.grpc.registration: open → token)\n";
        assert!(shown.stdout.ends_with(line), "{shown}");
    }
    assert_eq!((app.grpc(), app.event_count("users", "spawned")), (grpc, 1));
    app.down();
}

#[test]
fn without_an_instance_there_is_nothing_to_reload() {
    let app = App::new().stub_domain("users", &[]);
    app.run(&["reload"])
        .exits(3)
        .stderr_contains(&["no running instance"]);
}

/// Nothing is started once the instance stops, and the shutdown does not wait for a reload.
#[test]
fn a_shutdown_aborts_a_reload() {
    let flags = ["--ignore-term"];
    let app =
        App::new()
            .with_short_timeouts()
            .stub_domain_with("old", &flags, "{stop: {grace: 10m}}");
    app.start();
    std::fs::remove_dir_all(app.root().join("domains/old")).expect("removed");
    app.write_stub_domain("new", &[], "{}");
    let mut reload = app.spawn(&["reload"]);
    wait_until("old is being stopped", LIMIT, || {
        (app.event_count("old", "ignored") > 0).then_some(())
    });
    app.run(&["down", "--force"]).exits(0);
    assert_ne!(reload.wait_exit().code, Some(0));
    app.assert_no_processes();
    assert_eq!(app.event_count("new", "spawned"), 0);
}

/// Ctrl-C exits the client, and the reload continues.
#[test]
fn ctrl_c_leaves_the_client_and_not_the_reload() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    app.write_stub_domain("users", &["--register-after", "1s"], "{}");
    let mut reload = app.spawn(&["reload"]);
    wait_until("users has a new generation", LIMIT, || {
        (app.event_count("users", "spawned") == 2).then_some(())
    });
    reload.signal(Signal::INT);
    reload
        .wait_exit()
        .exits(130)
        .stderr_contains(&["the reload continues"]);
    app.wait_for("users", "is ready", |users| users["ready"] == true);
    // A timeout does not abort it either.
    app.write_stub_domain("users", &["--register-after", "1001ms"], "{}");
    app.run(&["reload", "--timeout", "300ms"])
        .exits(17)
        .stderr_contains(&["the reload continues"]);
    app.wait_for("users", "is ready", |users| {
        users["generation"] == 3 && users["ready"] == true
    });
    app.down();
}

#[test]
fn a_reload_waits_for_a_file_that_is_being_saved() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    let file = app.root().join("domains/users/fulcrum.yml");
    let whole = std::fs::read_to_string(&file).expect("readable");
    let saving = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // As an editor or a generator that truncates the file, and writes it in two pieces.
            while saving.load(Ordering::Relaxed) {
                let mut out = std::fs::File::create(&file).expect("truncated");
                let (first, rest) = whole.split_at(whole.len() / 2);
                out.write_all(first.as_bytes()).expect("half");
                std::thread::sleep(Duration::from_millis(15));
                out.write_all(rest.as_bytes()).expect("the rest");
                std::thread::sleep(Duration::from_millis(60));
            }
        });
        for _ in 0..10 {
            app.run(&["reload"])
                .exits(0)
                .stderr_contains(&["no changes"]);
        }
        saving.store(false, Ordering::Relaxed);
    });
    // What stays broken is refused in the end.
    app.write_file("domains/users/fulcrum.yml", &whole[..whole.len() / 2]);
    app.run(&["reload"]).exits(5);
    app.down();
}
