//! Section D, Fulcrum's own death: D9 to D11.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use fulcrum_e2e::{
    App, Dice, LIMIT, Process, Signal, figure, not_applicable, quantile, wait_until,
};

/// A domain with a tree, a chatty one, and one of Node.
fn trees() -> App {
    App::new()
        .impatient()
        .stub_domain("users", &["--spawn-grandchild", "--spawn-daemon"])
        .stub_domain("web", &["--flood", "2KiB"])
        .stub_domain_with("orders", &["--spawn-grandchild"], "{depends_on: [users]}")
        .domain("catalog", "steady")
}

fn is_guard(process: &Process) -> bool {
    process.command.contains("__guard")
}

/// All of the test's processes, but for guards.
fn alive(app: &App) -> Vec<Process> {
    let mut found = app.processes();
    found.retain(|process| !is_guard(process));
    found
}

fn guards(app: &App) -> Vec<Process> {
    let mut found = app.processes();
    found.retain(is_guard);
    found
}

/// Waits until everything of the test is gone; gives how long that took.
#[track_caller]
fn gone(app: &App) -> Duration {
    let begun = Instant::now();
    wait_until("everything is gone", LIMIT, || {
        alive(app).is_empty().then_some(())
    });
    let took = begun.elapsed();
    wait_until("the guard is gone", LIMIT, || {
        guards(app).is_empty().then_some(())
    });
    took
}

/// Kills instances at random moments, those of their starts included. Gives the milliseconds that
/// each time passed until nothing was left.
fn kills(times: u32, seed: u64) -> Vec<u64> {
    let mut dice = Dice::new(seed);
    let mut took = Vec::new();
    for _ in 0..times {
        let app = trees();
        let mut dev = app.start(&["dev"]);
        dice.pause(1_500);
        dev.signal(Signal::KILL);
        dev.ends();
        took.push(u64::try_from(gone(&app).as_millis()).expect("no age"));
    }
    took
}

fn tell(row: &str, mut took: Vec<u64>) {
    let late = took.iter().filter(|ms| **ms > 2_000).count();
    let slowest = quantile(&mut took, 1.0).unwrap_or_default();
    let text = format!(
        "{late} of {} kills left an orphan after 2 s; the slowest end took {slowest} ms",
        took.len()
    );
    figure(row, &text);
}

#[test]
fn d09_nothing_outlives_a_killed_instance() {
    tell("D9", kills(6, 9));
}

#[test]
#[ignore = "long: 200 kills at random moments"]
fn d09_nothing_outlives_two_hundred_killed_instances() {
    tell("D9", kills(200, 90));
}

/// Those that ignore SIGTERM, have left their group and cleared their environment too.
#[test]
fn d09_the_next_start_says_that_the_guard_has_seen_to_it() {
    let app = trees();
    let mut dev = app.start(&["dev"]);
    dev.wait_for("4 domains ready in ");
    let pid = dev.pid();
    dev.signal(Signal::KILL);
    gone(&app);
    let mut dev = app.start(&["dev"]);
    let lead = format!("previous instance (pid {pid}) did not shut down cleanly");
    dev.wait_for(&format!(
        "{lead}; its cleanup guard stopped its domains (catalog, orders, users, web)"
    ));
    dev.wait_for("4 domains ready in ");
    dev.signal(Signal::INT);
    dev.ends().exits(0);
    app.nothing_left();
}

/// Without cgroups, by its record, its token and its parents. One that has a session of its own, no
/// parent of ours and no environment is known once the instance has looked at the process table.
#[test]
fn d09_nothing_outlives_a_killed_instance_without_cgroups() {
    let probe = ["-m", "sh", "-c", "mount -t tmpfs none /sys/fs/cgroup"];
    let app = trees();
    if app.program("unshare", &probe).output().code != Some(0) {
        not_applicable(
            "D9",
            "no mount namespace without cgroups can be made here (with cgroups it was tried)",
        );
        return;
    }
    let script = format!(
        "mount -t tmpfs none /sys/fs/cgroup && exec {} dev",
        fulcrum_e2e::binary().display()
    );
    let run = app.program("unshare", &["-m", "sh", "-c", &script]);
    let mut dev = app.foreground(run);
    dev.wait_for("4 domains ready in ");
    // Makes it look.
    app.list();
    dev.signal(Signal::KILL);
    dev.ends();
    gone(&app);
}

/// A parent-death signal must not fire while the program lives: ten seconds is how long tokio keeps
/// an idle thread.
#[test]
#[ignore = "long: 30 s of idling"]
fn d10_a_domain_outlives_the_threads_that_idle_away() {
    let app = App::new().stub_domain("users", &[]).domain("web", "steady");
    app.up();
    let before = (app.leader("users"), app.leader("web"));
    std::thread::sleep(Duration::from_secs(30));
    assert_eq!((app.leader("users"), app.leader("web")), before);
    app.down();
}

#[test]
fn d11_a_guard_that_dies_is_replaced() {
    let app = trees();
    let mut dev = app.start(&["dev"]);
    dev.wait_for("4 domains ready in ");
    let [first] = <[Process; 1]>::try_from(guards(&app)).expect("one guard");
    // What asks to end doesn't end it.
    first.signal(Signal::TERM);
    first.signal(Signal::INT);
    first.signal(Signal::HUP);
    first.signal(Signal::KILL);
    dev.wait_for(&format!("cleanup guard (pid {}) exited", first.pid));
    wait_until("another guard stands", LIMIT, || {
        guards(&app)
            .iter()
            .any(|guard| *guard != first)
            .then_some(())
    });
    dev.signal(Signal::KILL);
    dev.ends();
    gone(&app);
}

#[test]
fn d11_the_next_start_ends_what_guard_and_instance_left() {
    let app = App::new()
        .impatient()
        .stub_domain("users", &["--spawn-grandchild", "--spawn-daemon"]);
    let mut dev = app.start(&["dev"]);
    dev.wait_for("1 domain ready in ");
    let [guard] = <[Process; 1]>::try_from(guards(&app)).expect("one guard");
    // A dead one would be replaced.
    guard.signal(Signal::STOP);
    let pid = dev.pid();
    dev.signal(Signal::KILL);
    dev.ends();
    guard.signal(Signal::KILL);
    // The leader dies with the instance, the others don't.
    wait_until("only the leader has died", LIMIT, || {
        (alive(&app).len() == 2).then_some(())
    });
    let left = alive(&app);
    let mut dev = app.start(&["dev"]);
    dev.wait_for(&format!(
        "previous instance (pid {pid}) did not shut down cleanly; killed 2 processes"
    ));
    dev.wait_for("1 domain ready in ");
    assert!(left.iter().all(|process| !process.is_alive()), "{left:?}");
    dev.signal(Signal::INT);
    dev.ends().exits(0);
    app.nothing_left();
}

/// A process of ours that a forged record names.
struct Victim(Child);

impl Victim {
    fn start() -> Self {
        let sleep = Command::new("sleep").arg("600").spawn();
        Self(sleep.expect("sleep runs"))
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_none()
    }

    /// Clock ticks from the boot to its start.
    fn started(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it lives");
        let fields = stat.rsplit_once(") ").expect("a name").1;
        let started = fields.split(' ').nth(19).expect("field 22");
        started.parse().expect("a number")
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes a record by which a dead instance of this boot left `victim`, with a start time that is
/// off by so much, and starts and stops the app.
fn meet(app: &App, victim: &Victim, boot: &str, off: u64) -> String {
    let line = format!(
        "fulcrum 1 {} {boot} 4194000 1 -\n+ {} {} 3 users\n",
        "a".repeat(32),
        victim.0.id(),
        victim.started() + off
    );
    fs::write(record(app), line).expect("a record");
    let mut dev = app.start(&["dev"]);
    dev.wait_for("1 domain ready in ");
    dev.signal(Signal::INT);
    dev.ends().exits(0).stdout
}

fn record(app: &App) -> PathBuf {
    let run = app.root().with_file_name("run").join("fulcrum");
    let folders: Vec<_> = fs::read_dir(run)
        .expect("a runtime folder")
        .flatten()
        .collect();
    let [folder] = folders.as_slice() else {
        panic!("one app has one folder: {folders:?}")
    };
    folder.path().join("record")
}

#[test]
fn d11_nobody_is_ended_by_a_number_alone() {
    let app = App::new().stub_domain("users", &[]);
    app.up();
    assert!(record(&app).is_file());
    app.down();
    assert!(!record(&app).exists(), "a good end leaves none");

    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot");
    let boot = boot.trim();
    let mut victim = Victim::start();
    let said = meet(&app, &victim, boot, 1);
    assert!(victim.lives(), "another start time: {said}");
    let other = "00000000-0000-4000-8000-000000000000";
    let said = meet(&app, &victim, other, 0);
    assert!(victim.lives(), "another boot: {said}");
    // It is by these that it is told: with both right, it is ended.
    let said = meet(&app, &victim, boot, 0);
    let told = format!("ended users (pid {}, generation 3)", victim.0.id());
    assert!(said.contains(&told), "{said}");
    wait_until("the victim is gone", LIMIT, || {
        (!victim.lives()).then_some(())
    });
    app.nothing_left();
}

#[test]
fn d11_a_record_that_makes_no_sense_is_no_obstacle() {
    let app = App::new().stub_domain("users", &[]);
    app.up();
    let path = record(&app);
    app.down();
    for text in ["", "fulcrum 99 whatever\n", "\0\0\0"] {
        fs::write(&path, text).expect("written");
        let mut dev = app.start(&["dev"]);
        dev.wait_for("what an earlier instance left can't be told");
        dev.wait_for("1 domain ready in ");
        dev.signal(Signal::INT);
        dev.ends().exits(0);
    }
    app.nothing_left();
}
