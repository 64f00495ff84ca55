//! Section D: Fulcrum itself is killed: D9 to D11.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use fulcrum_e2e::{
    App, LIMIT, Process, SeededRandom, Signal, measurement, not_applicable, quantile, wait_until,
};

/// A domain with a process tree, one that writes much, and one of Node.
fn app_with_trees() -> App {
    App::new()
        .with_short_timeouts()
        .stub_domain("users", &["--spawn-grandchild", "--spawn-daemon"])
        .stub_domain("web", &["--flood", "2KiB"])
        .stub_domain_with("orders", &["--spawn-grandchild"], "{depends_on: [users]}")
        .domain("catalog", "steady")
}

fn is_guard(process: &Process) -> bool {
    process.command.contains("__guard")
}

/// All of the test's processes except for guards.
fn alive_processes(app: &App) -> Vec<Process> {
    let mut found = app.processes();
    found.retain(|process| !is_guard(process));
    found
}

fn guards(app: &App) -> Vec<Process> {
    let mut found = app.processes();
    found.retain(is_guard);
    found
}

/// Waits until all processes of the test have exited. Returns how long that took.
#[track_caller]
fn wait_until_gone(app: &App) -> Duration {
    let started = Instant::now();
    wait_until("all processes have exited", LIMIT, || {
        alive_processes(app).is_empty().then_some(())
    });
    let took = started.elapsed();
    wait_until("the guard has exited", LIMIT, || {
        guards(app).is_empty().then_some(())
    });
    took
}

/// Kills instances at random moments, those of their start included. Returns the milliseconds until
/// no process was left, for each kill.
fn kill_repeatedly(times: u32, seed: u64) -> Vec<u64> {
    let mut random = SeededRandom::new(seed);
    let mut times_ms = Vec::new();
    for _ in 0..times {
        let app = app_with_trees();
        let mut dev = app.spawn(&["dev"]);
        random.pause(1_500);
        dev.signal(Signal::KILL);
        dev.wait_exit();
        times_ms.push(u64::try_from(wait_until_gone(&app).as_millis()).expect("a short time"));
    }
    times_ms
}

fn report(row: &str, mut times_ms: Vec<u64>) {
    let slow = times_ms.iter().filter(|ms| **ms > 2_000).count();
    let slowest = quantile(&mut times_ms, 1.0).unwrap_or_default();
    let text = format!(
        "{slow} of {} kills left an orphan after 2 s; the slowest end took {slowest} ms",
        times_ms.len()
    );
    measurement(row, &text);
}

#[test]
fn d09_no_process_outlives_a_killed_instance() {
    report("D9", kill_repeatedly(6, 9));
}

#[test]
#[ignore = "long: 200 kills at random moments"]
fn d09_no_process_outlives_two_hundred_killed_instances() {
    report("D9", kill_repeatedly(200, 90));
}

/// Processes that ignore SIGTERM, have left their group or cleared their environment are killed
/// too.
#[test]
fn d09_the_next_start_reports_the_cleanup_by_the_guard() {
    let app = app_with_trees();
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("4 domains ready in ");
    let pid = dev.pid();
    dev.signal(Signal::KILL);
    wait_until_gone(&app);
    let mut dev = app.spawn(&["dev"]);
    let lead = format!("previous instance (pid {pid}) did not shut down cleanly");
    dev.wait_for(&format!(
        "{lead}; its cleanup guard stopped its domains (catalog, orders, users, web)"
    ));
    dev.wait_for("4 domains ready in ");
    dev.signal(Signal::INT);
    dev.wait_exit().exits(0);
    app.assert_no_processes();
}

/// Without cgroups, processes are attributed by run record, token and parents. One with a session
/// of its own, no known parent and no environment is tracked once the instance has scanned the
/// process table.
#[test]
fn d09_no_process_outlives_a_killed_instance_without_cgroups() {
    let probe = ["-m", "sh", "-c", "mount -t tmpfs none /sys/fs/cgroup"];
    let app = app_with_trees();
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
    let mut dev = app.spawn_command(run);
    dev.wait_for("4 domains ready in ");
    // Makes the instance scan the process table.
    app.list();
    dev.signal(Signal::KILL);
    dev.wait_exit();
    wait_until_gone(&app);
}

/// A parent-death signal must not be sent while the program runs. Tokio keeps an idle thread for
/// ten seconds.
#[test]
#[ignore = "long: 30 s of idling"]
fn d10_a_domain_survives_the_exit_of_idle_threads() {
    let app = App::new().stub_domain("users", &[]).domain("web", "steady");
    app.start();
    let before = (app.leader("users"), app.leader("web"));
    std::thread::sleep(Duration::from_secs(30));
    assert_eq!((app.leader("users"), app.leader("web")), before);
    app.down();
}

#[test]
fn d11_a_killed_guard_is_replaced() {
    let app = app_with_trees();
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("4 domains ready in ");
    let [first] = <[Process; 1]>::try_from(guards(&app)).expect("one guard");
    // Signals to stop do not stop it.
    first.signal(Signal::TERM);
    first.signal(Signal::INT);
    first.signal(Signal::HUP);
    first.signal(Signal::KILL);
    dev.wait_for(&format!("cleanup guard (pid {}) exited", first.pid));
    wait_until("another guard is running", LIMIT, || {
        guards(&app)
            .iter()
            .any(|guard| *guard != first)
            .then_some(())
    });
    dev.signal(Signal::KILL);
    dev.wait_exit();
    wait_until_gone(&app);
}

#[test]
fn d11_the_next_start_kills_stale_processes() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &["--spawn-grandchild", "--spawn-daemon"]);
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("1 domain ready in ");
    let [guard] = <[Process; 1]>::try_from(guards(&app)).expect("one guard");
    // A killed one would be replaced.
    guard.signal(Signal::STOP);
    let pid = dev.pid();
    dev.signal(Signal::KILL);
    dev.wait_exit();
    guard.signal(Signal::KILL);
    // The leader is killed with the instance, the others are not.
    wait_until("only the leader has exited", LIMIT, || {
        (alive_processes(&app).len() == 2).then_some(())
    });
    let left = alive_processes(&app);
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for(&format!(
        "previous instance (pid {pid}) did not shut down cleanly; killed 2 processes"
    ));
    dev.wait_for("1 domain ready in ");
    assert!(left.iter().all(|process| !process.is_alive()), "{left:?}");
    dev.signal(Signal::INT);
    dev.wait_exit().exits(0);
    app.assert_no_processes();
}

/// A process of the test that a forged run record names.
struct Victim(Child);

impl Victim {
    fn start() -> Self {
        let sleep = Command::new("sleep").arg("600").spawn();
        Self(sleep.expect("sleep runs"))
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_none()
    }

    /// Clock ticks from boot to its start.
    fn started(&self) -> u64 {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it is running");
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

/// Writes a run record by which a killed instance of this boot left `victim`, with a start time
/// that is off by `off`. Then starts and stops the app.
fn start_with_record(app: &App, victim: &Victim, boot: &str, off: u64) -> String {
    let line = format!(
        "fulcrum 1 {} {boot} 4194000 1 -\n+ {} {} 3 users\n",
        "a".repeat(32),
        victim.0.id(),
        victim.started() + off
    );
    fs::write(record_file(app), line).expect("a record");
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("1 domain ready in ");
    dev.signal(Signal::INT);
    dev.wait_exit().exits(0).stdout
}

fn record_file(app: &App) -> PathBuf {
    app.root().join(".fulcrum").join("record")
}

#[test]
fn d11_no_process_is_killed_by_its_pid_alone() {
    let app = App::new().stub_domain("users", &[]);
    app.start();
    assert!(record_file(&app).is_file());
    app.down();
    assert!(!record_file(&app).exists(), "an orderly exit leaves none");

    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot");
    let boot = boot.trim();
    let mut victim = Victim::start();
    let stdout = start_with_record(&app, &victim, boot, 1);
    assert!(victim.is_alive(), "another start time: {stdout}");
    let other = "00000000-0000-4000-8000-000000000000";
    let stdout = start_with_record(&app, &victim, other, 0);
    assert!(victim.is_alive(), "another boot: {stdout}");
    // The process is identified by boot and start time: with both right, it is killed.
    let stdout = start_with_record(&app, &victim, boot, 0);
    let expected = format!("killed users (pid {}, generation 3)", victim.0.id());
    assert!(stdout.contains(&expected), "{stdout}");
    wait_until("the victim has exited", LIMIT, || {
        (!victim.is_alive()).then_some(())
    });
    app.assert_no_processes();
}

#[test]
fn d11_an_invalid_run_record_does_not_prevent_a_start() {
    let app = App::new().stub_domain("users", &[]);
    app.start();
    let path = record_file(&app);
    app.down();
    for text in ["", "fulcrum 99 whatever\n", "\0\0\0"] {
        fs::write(&path, text).expect("written");
        let mut dev = app.spawn(&["dev"]);
        dev.wait_for("cannot clean up after the previous instance");
        dev.wait_for("1 domain ready in ");
        dev.signal(Signal::INT);
        dev.wait_exit().exits(0);
    }
    app.assert_no_processes();
}
