//! C3, C5 to C8: who is only slow, or was not given time, is left alone.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, Foreground, LIMIT, Signal, figure, not_applicable, wait_until};

use super::{left_alone, noted};

/// Lets time pass, which is what these rows are about.
fn pass(time: Duration) {
    let begun = Instant::now();
    wait_until("time has passed", time + LIMIT, || {
        (begun.elapsed() >= time).then_some(())
    });
}

fn busy(rounds: usize) {
    let app = App::new()
        .impatient()
        .domain("users", "busy-most-of-the-time");
    app.up();
    wait_until(
        &format!("{rounds} rounds of work"),
        Duration::from_secs(600),
        || (app.times("users", "worked") >= rounds).then_some(()),
    );
    left_alone(&app, &["users"]);
    let late = noted(&app, "users", "late").len();
    figure(
        "C3",
        &format!("0 false kills and {late} warnings in {rounds} rounds of 480 of 600 ms busy"),
    );
    app.down();
}

#[test]
fn c03_a_busy_domain_is_not_hung() {
    busy(10);
}

#[test]
#[ignore = "long: a minute of work"]
fn c03_a_domain_busy_for_a_minute_is_not_hung() {
    busy(100);
}

/// Some of each kind: heartbeats from Node and from the stub, and none at all.
fn crowd(stubs: usize) -> (App, Vec<String>) {
    let mut names = vec!["node".to_owned(), "quiet".to_owned()];
    let mut app = App::new()
        .impatient()
        .domain("node", "steady")
        .stub_domain("quiet", &["--no-heartbeat"]);
    for number in 0..stubs {
        let name = format!("stub{number}");
        app = app.stub_domain(&name, &[]);
        names.push(name);
    }
    (app, names)
}

/// Fulcrum doesn't run for a while, by whatever means; its domains do.
fn frozen(stubs: usize, time: Duration, freeze: impl FnOnce(&App, &dyn Fn())) -> String {
    let (app, names) = crowd(stubs);
    app.up();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    freeze(&app, &|| pass(time));
    // What would be condemned would be by now.
    pass(Duration::from_secs(4));
    app.run(&["domains", "wait", "--timeout", "30s"]).exits(0);
    left_alone(&app, &names);
    app.down();
    format!(
        "0 restarts of {} domains after {} s frozen",
        names.len(),
        time.as_secs()
    )
}

fn stopped(app: &App, pass: &dyn Fn()) {
    let instance = app.instance();
    instance.signal(Signal::STOP);
    pass();
    instance.signal(Signal::CONT);
}

#[test]
fn c05_nobody_is_blamed_for_the_time_in_which_fulcrum_was_stopped() {
    let told = frozen(4, Duration::from_secs(6), stopped);
    figure("C5", &told);
}

#[test]
#[ignore = "long: half a minute"]
fn c05_nobody_is_blamed_for_half_a_minute_in_which_fulcrum_was_stopped() {
    let told = frozen(20, Duration::from_secs(30), stopped);
    figure("C5", &told);
}

/// Stopped again and again, for less than would be noticed as such each time.
#[test]
fn c05_short_stops_condemn_nobody_either() {
    let told = frozen(4, Duration::from_millis(350), |app, pass| {
        for _ in 0..10 {
            stopped(app, pass);
        }
    });
    figure("C5", &format!("{told}, ten times 0.35 s"));
}

/// Programs that do nothing but use a CPU.
fn burners(app: &App, count: usize) -> Vec<Foreground> {
    let burn = || app.foreground(app.program("sh", &["-c", "while :; do :; done"]));
    (0..count).map(|_| burn()).collect()
}

fn starved(time: Duration) {
    let (app, names) = crowd(2);
    app.up();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let burners = burners(&app, cores * 2);
    pass(time);
    for burner in &burners {
        burner.signal(Signal::KILL);
    }
    for mut burner in burners {
        burner.ends();
    }
    left_alone(&app, &names);
    figure(
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
fn c06_a_machine_without_a_free_cpu_hangs_nobody() {
    starved(Duration::from_secs(6));
}

#[test]
#[ignore = "long: a minute"]
fn c06_a_minute_without_a_free_cpu_hangs_nobody() {
    starved(Duration::from_secs(60));
}

#[test]
fn c07_the_wall_clock_moves() {
    not_applicable(
        "C7",
        "moving CLOCK_REALTIME for one process takes libfaketime, for the machine it takes the \
         machine; every time that is measured or waited for is of the monotonic clock (clippy.toml \
         bans the other), and lines have numbers of their own",
    );
}

/// A cgroup v2 of the test's own, if this machine has one that can be written.
fn freezer() -> Option<PathBuf> {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .map(PathBuf::from)
        .into_iter()
        .find(|root| root.join("cgroup.procs").exists() && root.join("cgroup.controllers").exists())
        .map(|root| root.join(format!("fulcrum-test-{}", std::process::id())))
        .filter(|folder| fs::create_dir(folder).is_ok())
        .filter(|folder| folder.join("cgroup.freeze").exists())
}

/// As the machine's own suspend does it: nothing of the process runs, and no signal tells.
#[test]
fn c08_a_frozen_fulcrum_blames_nobody() {
    let Some(folder) = freezer() else {
        return not_applicable("C8", "no cgroup v2 that can be written and frozen");
    };
    let home = folder.parent().map(std::path::Path::to_owned);
    let freeze = |app: &App, pass: &dyn Fn()| {
        let pid = app.instance().pid.to_string();
        fs::write(folder.join("cgroup.procs"), &pid).expect("it can be moved");
        fs::write(folder.join("cgroup.freeze"), "1").expect("it can be frozen");
        pass();
        fs::write(folder.join("cgroup.freeze"), "0").expect("it can be thawed");
        let home = home.as_ref().expect("a folder is in a folder");
        fs::write(home.join("cgroup.procs"), &pid).expect("it can be moved back");
    };
    let told = frozen(3, Duration::from_secs(5), freeze);
    wait_until("the test's cgroup is gone", LIMIT, || {
        fs::remove_dir(&folder).ok()
    });
    figure("C8", &told);
}
