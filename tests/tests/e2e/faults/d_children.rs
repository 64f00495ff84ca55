//! Section D: a domain's processes, what they inherit, and unusual ones.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use fulcrum_e2e::{
    App, LIMIT, SeededRandom, Signal, binary, measurement, not_applicable, stub, wait_until,
};
use serde_json::Value;

/// A domain that runs a line of shell first, then the stub.
fn shell_first(app: App, name: &str, line: &str, settings: &str) -> App {
    let script = format!("{line}; exec {}", stub().display());
    let command = Value::String(script);
    let yml = format!("process: {{{settings}command: [sh, -c, {command}]}}\n");
    app.write(&format!("domains/{name}/fulcrum.yml"), &yml)
}

#[test]
fn d17_blocked_and_ignored_signals_are_not_inherited() {
    // A shell cannot change its inherited signal masks, so grep shows what the domain was given.
    let line = "grep '^Sig' /proc/self/status > $TEST_ACTIVITY_LOG.sig";
    let app = shell_first(App::new(), "users", line, "");
    let script = format!(
        "trap '' HUP INT QUIT PIPE USR2; exec env --block-signal=TERM --block-signal=USR1 {} dev \
         --detach --wait",
        binary().display()
    );
    app.program("sh", &["-c", &script]).output().exits(0);
    let status = fs::read_to_string(app.scratch_dir().join("activity-log.sig")).expect("written");
    for set in ["SigBlk", "SigIgn"] {
        let line = status.lines().find(|line| line.starts_with(set));
        let bits = line.and_then(|line| line.split_ascii_whitespace().nth(1));
        assert_eq!(bits, Some("0000000000000000"), "{status}");
    }
    app.down();
}

/// When memory runs out, the kernel kills a domain before Fulcrum.
#[test]
fn d17_the_oom_killer_prefers_domains() {
    let app = App::new().stub_domain("users", &[]);
    app.start();
    let score = |pid: u64| -> i32 {
        let text = fs::read_to_string(format!("/proc/{pid}/oom_score_adj"));
        text.expect("readable").trim().parse().expect("a number")
    };
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    let instance = score(status["instance"]["pid"].as_u64().expect("a pid"));
    let domain = score(app.leader("users").pid.into());
    assert_eq!(domain, (instance + 500).min(1000));
    app.down();
}

#[test]
fn d18_each_of_twenty_domains_has_three_open_files() {
    let mut app = App::new();
    for number in 0..20 {
        // ls itself opens the directory that it lists.
        let line = "ls /proc/self/fd > $TEST_ACTIVITY_LOG.$FULCRUM_DOMAIN_NAME";
        app = shell_first(app, &format!("d{number}"), line, "");
    }
    app.start();
    for number in 0..20 {
        let file = app.scratch_dir().join(format!("activity-log.d{number}"));
        let open = fs::read_to_string(file).expect("written");
        assert_eq!(open, "0\n1\n2\n3\n", "d{number}");
    }
    app.down();
}

/// A cgroup of version 1 that freezes its processes: not even SIGKILL kills them.
struct Freezer(PathBuf);

impl Freezer {
    fn new() -> Option<Self> {
        let dir = format!("/sys/fs/cgroup/freezer/fulcrum-e2e-{}", std::process::id());
        fs::create_dir(&dir).ok()?;
        let freezer = Self(dir.into());
        freezer.0.join("freezer.state").exists().then_some(freezer)
    }

    fn set(&self, state: &str) {
        fs::write(self.0.join("freezer.state"), state).expect("a freezer");
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("freezer.state"), "THAWED");
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn d19_a_process_that_survives_sigkill_is_reported_as_stuck() {
    let Some(freezer) = Freezer::new() else {
        not_applicable(
            "D19",
            "no cgroup v1 freezer to make a process unkillable with",
        );
        return;
    };
    let settings = "{stop: {grace: 200ms}}";
    let app = App::new().stub_domain_with("users", &[], settings);
    let app = app.stub_domain("orders", &[]);
    app.start();
    let leader = app.leader("users");
    fs::write(freezer.0.join("cgroup.procs"), leader.pid.to_string()).expect("a freezer");
    freezer.set("FROZEN");
    let stop = app.run(&["domains", "stop", "users"]).exits(1);
    stop.stderr_contains(&["users", "SIGKILL"]);
    assert_eq!(app.status("users")["phase"], "stuck");
    let named = format!(
        "stuck: pid {} (stub-domain, in uninterruptible sleep)",
        leader.pid
    );
    wait_until("the log names it", LIMIT, || {
        let logs = app.logs("users");
        logs.iter()
            .any(|line| line.message.contains(&named))
            .then_some(())
    });
    assert_eq!(
        app.status("orders")["ready"],
        true,
        "another domain is affected"
    );
    freezer.set("THAWED");
    app.wait_for("users", "has exited", |users| users["pid"].is_null());
    app.run(&["domains", "start", "users"]).exits(0);
    assert_eq!(app.event_count("users", "overlap"), 0);
    drop(freezer);
    app.down();
}

/// npm and its shell do not forward signals; the program behind them gets it.
#[test]
fn d20_the_program_behind_npm_is_stopped() {
    if App::new().program("npm", &["--version"]).output().code != Some(0) {
        not_applicable("D20", "there is no npm");
        return;
    }
    let app = App::new().domain("users", "started-by-npm");
    app.start();
    let nodes = |app: &App| {
        let mut all = app.processes();
        all.retain(|process| process.command.ends_with("node domain.cjs"));
        all
    };
    assert!(!nodes(&app).is_empty(), "{:?}", app.processes());
    app.run(&["domains", "stop", "users"]).exits(0);
    assert!(nodes(&app).is_empty(), "{:?}", nodes(&app));
    assert_eq!(
        app.event_count("users", "stopping"),
        1,
        "it was stopped once"
    );
    app.down();
}

/// Signals to a domain, and commands about it, in random order.
#[track_caller]
fn run_random_sequences(seeds: u64) {
    let settings = "{stop: {grace: 200ms}, start_timeout: 3s, \
        restart: {backoff: {initial: 20ms, max: 100ms}, budget: 1000, window: 1s}}";
    let flags = ["--spawn-grandchild", "--spawn-daemon"];
    let app = App::new().stub_domain_with("users", &flags, settings);
    app.start();
    let signals = [
        Signal::KILL,
        Signal::TERM,
        Signal::STOP,
        Signal::SEGV,
        Signal::HUP,
    ];
    for seed in 0..seeds {
        let mut random = SeededRandom::new(seed);
        let mut below = |limit| usize::try_from(random.below(limit)).expect("a small number");
        for _ in 0..6 {
            match below(7) {
                verb @ 0..3 => {
                    let verb = ["start", "stop", "restart"][verb];
                    // It may be rejected: only the final state matters.
                    app.run(&["domains", verb, "users", "--no-wait"]);
                }
                _ => {
                    let signal = signals[below(signals.len() as u64)];
                    let pid = app.status("users")["pid"].as_u64();
                    let pid = pid.and_then(|pid| u32::try_from(pid).ok());
                    if let Some(leader) = pid.and_then(fulcrum_e2e::Process::find) {
                        leader.signal(signal);
                    }
                }
            }
        }
        app.run(&["domains", "stop", "users"]).exits(0);
        let users = app.status("users");
        assert_eq!(users["phase"], "stopped", "seed {seed}: {users}");
        let stub = stub().display().to_string();
        let mut left = app.processes();
        left.retain(|process| process.command.starts_with(&stub));
        assert!(left.is_empty(), "seed {seed}: {left:?}");
        app.run(&["domains", "start", "users"]).exits(0);
    }
    assert_eq!(
        app.event_count("users", "overlap"),
        0,
        "two generations at once"
    );
    measurement(
        "D21",
        &format!("{seeds} of {seeds} seeds end in stopped, without a survivor"),
    );
    app.down();
}

#[test]
fn d21_random_signals_and_commands_end_in_stopped() {
    run_random_sequences(5);
}

#[test]
#[ignore = "long: 200 seeds"]
fn d21_long_two_hundred_random_sequences_end_in_stopped() {
    run_random_sequences(200);
}

/// Generations crash one after another among a hundred pids, while unrelated processes, the
/// canaries, use the same pids.
#[track_caller]
fn assert_no_canary_is_hit(domains: &[&str], generations: usize, limit: Duration) {
    // Since Linux 6.14 the limit belongs to the namespace; before, it applied to the whole machine.
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next(), numbers.next());
    let narrow = "echo 400 > /proc/sys/kernel/pid_max";
    let app = App::new();
    let probe = ["-pf", "--mount-proc", "sh", "-c", narrow];
    if version < (Some(6), Some(14)) || app.program("unshare", &probe).output().code != Some(0) {
        not_applicable(
            "D8",
            "no namespace with a hundred process numbers can be made here",
        );
        return;
    }
    let settings = "{stop: {grace: 20ms}, \
        restart: {backoff: {initial: 1ms, max: 1ms}, budget: 1000000, window: 1s}}";
    let flags = [
        "--spawn-grandchild",
        "--spawn-daemon",
        "--exit-after-ready",
        "0ms",
    ];
    let app = domains.iter().fold(app, |app, name| {
        app.stub_domain_with(name, &flags, settings)
    });
    let canaries = app.scratch_dir().join("canaries");
    let script = format!(
        "{narrow}; (while :; do set --; for i in 1 2 3 4 5 6 7 8; do sleep 0.02 & set -- $* $!; \
         done; for pid in $*; do wait $pid; echo $? >> {}; done; done) & exec {} dev",
        canaries.display(),
        binary().display()
    );
    let mut dev =
        app.spawn_command(app.program("unshare", &["-pf", "--mount-proc", "sh", "-c", &script]));
    wait_until(
        &format!("{generations} generations have passed"),
        limit,
        || (app.total_event_count("spawned") >= generations).then_some(()),
    );
    // Not by `down`, which sees other pids outside of the namespace.
    let own = format!("{} dev", binary().display());
    let processes = app.processes().into_iter();
    let mut instances = processes.filter(|process| process.command == own);
    instances.next().expect("it runs").signal(Signal::TERM);
    dev.wait_exit().exits(0);
    let log = fs::read_to_string(canaries).expect("canaries were there");
    // The last one may have been killed with the namespace.
    let hit = log
        .lines()
        .filter(|status| !matches!(*status, "0" | ""))
        .count();
    let text = format!(
        "{hit} of {} canaries were hit in {generations} generations",
        log.lines().count()
    );
    assert_eq!(hit, 0, "{text}");
    measurement("D8", &text);
    app.assert_no_processes();
}

#[test]
fn d08_no_signal_reaches_a_reused_number() {
    assert_no_canary_is_hit(&["users"], 30, LIMIT);
}

#[test]
#[ignore = "long: 10,000 generations"]
fn d08_long_no_signal_reaches_a_reused_number() {
    assert_no_canary_is_hit(&["users", "orders", "stock"], 10_000, 120 * LIMIT);
}
