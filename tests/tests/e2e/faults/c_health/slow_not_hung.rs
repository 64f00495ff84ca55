//! C3, C5 to C8: domains that are slow, or were not given time, are left alone.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, Foreground, LIMIT, Signal, measurement, not_applicable, wait_until};

use super::support::{assert_unaffected, events_of};

/// Lets time pass, which is what these rows are about.
fn sleep(time: Duration) {
    let started = Instant::now();
    wait_until("time has passed", time + LIMIT, || {
        (started.elapsed() >= time).then_some(())
    });
}

fn run_busy_domain(rounds: usize) {
    let app = App::new()
        .with_short_timeouts()
        .domain("users", "busy-most-of-the-time");
    app.start();
    wait_until(
        &format!("{rounds} rounds of work"),
        Duration::from_secs(600),
        || (app.event_count("users", "worked") >= rounds).then_some(()),
    );
    assert_unaffected(&app, &["users"]);
    let late = events_of(&app, "users", "late").len();
    measurement(
        "C3",
        &format!("0 false kills and {late} warnings in {rounds} rounds of 480 of 600 ms busy"),
    );
    app.down();
}

#[test]
fn c03_a_busy_domain_is_not_hung() {
    run_busy_domain(10);
}

#[test]
#[ignore = "long: a minute of work"]
fn c03_a_domain_busy_for_a_minute_is_not_hung() {
    run_busy_domain(100);
}

/// Domains of each kind: heartbeats from Node and from the stub, and without heartbeats.
fn mixed_app(stubs: usize) -> (App, Vec<String>) {
    let mut names = vec!["node".to_owned(), "quiet".to_owned()];
    let mut app = App::new()
        .with_short_timeouts()
        .domain("node", "steady")
        .stub_domain("quiet", &["--no-heartbeat"]);
    for number in 0..stubs {
        let name = format!("stub{number}");
        app = app.stub_domain(&name, &[]);
        names.push(name);
    }
    (app, names)
}

/// Fulcrum does not run for some time; its domains do.
fn while_frozen(stubs: usize, time: Duration, freeze: impl FnOnce(&App, &dyn Fn())) -> String {
    let (app, names) = mixed_app(stubs);
    app.start();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    freeze(&app, &|| sleep(time));
    // A domain that is declared hung would be by now.
    sleep(Duration::from_secs(4));
    app.run(&["domains", "wait", "--timeout", "30s"]).exits(0);
    assert_unaffected(&app, &names);
    app.down();
    format!(
        "0 restarts of {} domains after {} s frozen",
        names.len(),
        time.as_secs()
    )
}

fn suspend(app: &App, sleep: &dyn Fn()) {
    let instance = app.instance();
    instance.signal(Signal::STOP);
    sleep();
    instance.signal(Signal::CONT);
}

#[test]
fn c05_no_domain_is_hung_after_fulcrum_was_suspended() {
    let text = while_frozen(4, Duration::from_secs(6), suspend);
    measurement("C5", &text);
}

#[test]
#[ignore = "long: half a minute"]
fn c05_no_domain_is_hung_after_fulcrum_was_suspended_for_half_a_minute() {
    let text = while_frozen(20, Duration::from_secs(30), suspend);
    measurement("C5", &text);
}

/// Suspended repeatedly, each time for less than the detection limit.
#[test]
fn c05_no_domain_is_hung_after_short_suspensions() {
    let text = while_frozen(4, Duration::from_millis(350), |app, sleep| {
        for _ in 0..10 {
            suspend(app, sleep);
        }
    });
    measurement("C5", &format!("{text}, ten times 0.35 s"));
}

/// Programs that only use CPU.
fn spawn_burners(app: &App, count: usize) -> Vec<Foreground> {
    let burn = || app.spawn_command(app.program("sh", &["-c", "while :; do :; done"]));
    (0..count).map(|_| burn()).collect()
}

fn without_free_cpu(time: Duration) {
    let (app, names) = mixed_app(2);
    app.start();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let burners = spawn_burners(&app, cores * 2);
    sleep(time);
    for burner in &burners {
        burner.signal(Signal::KILL);
    }
    for mut burner in burners {
        burner.wait_exit();
    }
    assert_unaffected(&app, &names);
    measurement(
        "C6",
        &format!(
            "0 false kills of {} domains in {} s with {} busy loops on {cores} cores",
            names.len(),
            time.as_secs(),
            cores * 2
        ),
    );
    app.down();
}

#[test]
fn c06_no_domain_is_hung_on_a_machine_without_a_free_cpu() {
    without_free_cpu(Duration::from_secs(6));
}

#[test]
#[ignore = "long: a minute"]
fn c06_no_domain_is_hung_after_a_minute_without_a_free_cpu() {
    without_free_cpu(Duration::from_secs(60));
}

#[test]
fn c07_wall_clock_jumps_are_not_testable_here() {
    not_applicable(
        "C7",
        "moving CLOCK_REALTIME for one process takes libfaketime, for the machine it takes the \
         machine; every time that is measured or waited for is of the monotonic clock (clippy.toml \
         bans the other), and lines have numbers of their own",
    );
}

/// A cgroup v2 of the test's own, if this machine has one that is writable.
fn freezer() -> Option<PathBuf> {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .map(PathBuf::from)
        .into_iter()
        .find(|root| root.join("cgroup.procs").exists() && root.join("cgroup.controllers").exists())
        .map(|root| root.join(format!("fulcrum-test-{}", std::process::id())))
        .filter(|dir| fs::create_dir(dir).is_ok())
        .filter(|dir| dir.join("cgroup.freeze").exists())
}

/// As a suspended machine: the process does not run, and no signal reports it.
#[test]
fn c08_no_domain_is_hung_after_fulcrum_was_frozen() {
    let Some(dir) = freezer() else {
        return not_applicable("C8", "no cgroup v2 that can be written and frozen");
    };
    let parent = dir.parent().map(std::path::Path::to_owned);
    let freeze = |app: &App, sleep: &dyn Fn()| {
        let pid = app.instance().pid.to_string();
        fs::write(dir.join("cgroup.procs"), &pid).expect("it can be moved");
        fs::write(dir.join("cgroup.freeze"), "1").expect("it can be frozen");
        sleep();
        fs::write(dir.join("cgroup.freeze"), "0").expect("it can be thawed");
        let parent = parent.as_ref().expect("a directory has a parent");
        fs::write(parent.join("cgroup.procs"), &pid).expect("it can be moved back");
    };
    let text = while_frozen(3, Duration::from_secs(5), freeze);
    wait_until("the test's cgroup is removed", LIMIT, || {
        fs::remove_dir(&dir).ok()
    });
    measurement("C8", &text);
}
