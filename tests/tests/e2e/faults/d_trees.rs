//! Section D: a domain's process tree: a stop, a crash and a restart leave no process behind.

use std::time::Instant;

use fulcrum_e2e::{App, LIMIT, Process, Signal, binary, measurement, not_applicable, wait_until};

/// A grandchild in the process group and a daemon (own session, forked twice, empty environment),
/// both of which ignore SIGTERM.
const TREE: [&str; 2] = ["--spawn-grandchild", "--spawn-daemon"];

const SHORT_GRACE: &str = "{stop: {grace: 200ms}}";

/// Starts the app without a visible cgroup file system; false where that is not possible.
fn start_without_cgroups(app: &App, row: &str) -> bool {
    let script = format!(
        "mount -t tmpfs none /sys/fs/cgroup && exec {} dev --detach --wait",
        binary().display()
    );
    let probe = ["-m", "sh", "-c", "mount -t tmpfs none /sys/fs/cgroup"];
    if app.program("unshare", &probe).output().code != Some(0) {
        not_applicable(row, "no mount namespace without cgroups can be made here");
        return false;
    }
    let start = ["-m", "sh", "-c", &script];
    app.program("unshare", &start).output().exits(0);
    true
}

/// The live daemons of stubs.
fn daemons(app: &App) -> Vec<Process> {
    let mut all = app.processes();
    all.retain(|process| process.command.contains("--child daemon"));
    all
}

/// The pids of children that the stub of `users` recorded, in all its generations.
fn recorded_pids(app: &App, event: &str) -> Vec<u32> {
    let entries = app.activity_log().into_iter();
    let entries = entries.filter(|entry| entry.event == event);
    entries.map(|entry| entry.pid).collect()
}

#[test]
fn d01_a_domain_that_ignores_sigterm_is_killed_after_the_grace() {
    let app = App::new().domain("users", "ignores-sigterm").write(
        "domains/users/fulcrum.yml",
        "process:\n  stop:\n    grace: 500ms\n",
    );
    app.start();
    let leader = app.leader("users");
    let started = Instant::now();
    app.run(&["domains", "stop", "users"]).exits(0);
    let took = started.elapsed();
    assert!(!leader.is_alive(), "the stop returned before the exit");
    assert_eq!(
        app.event_count("users", "ignored"),
        1,
        "SIGTERM was sent more than once"
    );
    assert_eq!(app.status("users")["last_exit"]["signal"], 9);
    assert!(took.as_millis() >= 500, "killed after {took:?}");
    measurement(
        "D1",
        &format!(
            "stopped after {} ms with a grace of 500 ms",
            took.as_millis()
        ),
    );
    app.down();
}

/// A domain is its whole process group: a grandchild that ignores SIGTERM does not outlive a stop.
#[test]
fn d02_a_stubborn_grandchild_is_gone_after_a_stop() {
    let app = App::new().domain("users", "leaves-a-grandchild").write(
        "domains/users/fulcrum.yml",
        "process:\n  stop:\n    grace: 500ms\n",
    );
    app.start();
    let stubborn = |process: &Process| process.command.contains("SIGTERM");
    assert!(
        app.processes().iter().any(stubborn),
        "{:?}",
        app.processes()
    );
    app.run(&["domains", "stop", "users"]).exits(0);
    let left: Vec<_> = app.processes().into_iter().filter(stubborn).collect();
    assert!(left.is_empty(), "{left:?}");
    app.down();
}

#[test]
fn d03_a_daemon_without_environment_is_gone_after_a_stop() {
    let app = App::new().stub_domain_with("users", &TREE, SHORT_GRACE);
    app.start();
    let [daemon] = daemons(&app).try_into().expect("a daemon");
    app.run(&["domains", "restart", "users"]).exits(0);
    assert!(!daemon.is_alive(), "{daemon} outlived its generation");
    assert_eq!(daemons(&app).len(), 1, "the next generation's");
    app.run(&["domains", "stop", "users"]).exits(0);
    assert!(daemons(&app).is_empty(), "{:?}", daemons(&app));
    app.down();
}

/// Without cgroups, processes are attributed by their environment. Those without it are reported,
/// and killed when Fulcrum exits.
#[test]
fn d03_without_cgroups_a_daemon_is_stopped_or_reported() {
    let app = App::new().stub_domain_with("users", &TREE, SHORT_GRACE);
    let stub = fulcrum_e2e::stub();
    let script = format!(
        "setsid sh -c 'sleep 7003 & exec sleep 0'; exec {}",
        stub.display()
    );
    let yml = format!(
        "process: {{stop: {{grace: 200ms}}, command: [sh, -c, {}]}}\n",
        serde_json::Value::String(script)
    );
    let app = app.write("domains/orders/fulcrum.yml", &yml);
    if !start_without_cgroups(&app, "D3") {
        return;
    }
    let sleeps = || {
        let mut all = app.processes();
        all.retain(|process| process.command == "sleep 7003");
        all
    };
    assert_eq!(sleeps().len(), 1, "{:?}", app.processes());
    app.run(&["domains", "stop", "orders"]).exits(0);
    assert!(sleeps().is_empty(), "{:?}", sleeps());

    let [daemon] = daemons(&app).try_into().expect("a daemon");
    app.run(&["domains", "stop", "users"]).exits(0);
    if daemon.is_alive() {
        let warning = format!("untracked process {}", daemon.pid);
        wait_until("the log reports it", LIMIT, || {
            let log = std::fs::read_to_string(app.root().join(".fulcrum/instance.log"));
            log.is_ok_and(|log| log.contains(&warning)).then_some(())
        });
        measurement(
            "D3",
            "without a cgroup, a daemon that cleared its environment: reported, killed with Fulcrum",
        );
    }
    app.down();
}

/// The exit is reported while a grandchild still holds the pipe.
#[test]
fn d04_a_held_pipe_does_not_delay_the_exit_report() {
    let flags = [
        "--spawn-grandchild",
        "--exit-after-ready",
        "0ms",
        "--exit",
        "3",
    ];
    let settings = "{stop: {grace: 3s}, restart: never}";
    let app = App::new().stub_domain_with("users", &flags, settings);
    app.run(&["dev", "--detach"]).exits(0);
    let users = app.wait_for("users", "has exited", |users| {
        users["last_exit"].is_object()
    });
    let grandchildren = recorded_pids(&app, "grandchild");
    let alive = grandchildren
        .iter()
        .all(|pid| Process::find(*pid).is_some());
    assert!(
        alive,
        "the exit was reported after the grandchild's: {users}"
    );
    assert_eq!(users["last_exit"]["code"], 3, "{users}");
    app.wait_for("users", "has exited", |users| users["phase"] == "stopped");
    assert_eq!(grandchildren.into_iter().find_map(Process::find), None);
    app.down();
}

#[test]
fn d05_output_after_the_leaders_exit_is_stored() {
    let script = "(trap '' TERM; sleep 0.7; echo written late) & sleep 0.1; exit 3";
    let yml = format!(
        "process: {{restart: never, stop: {{grace: 20s}}, command: [sh, -c, {script:?}]}}\n"
    );
    let app = App::new().write("domains/users/fulcrum.yml", &yml);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "has exited", |users| {
        users["pid"].is_null() && users["last_exit"].is_object()
    });
    let is_late_line = |line: &fulcrum_e2e::Line| line.message == "written late";
    assert!(
        app.logs("users").iter().any(is_late_line),
        "{:?}",
        app.logs("users")
    );
    app.down();
}

/// The port that a grandchild of the previous generation used is free for the next one.
#[track_caller]
fn assert_binds_at_first_attempt(crashes: usize) {
    let restart = "{backoff: {initial: 20ms, max: 20ms}, budget: 1000, window: 1s}";
    let settings = format!("process: {{port: auto, stop: {{grace: 100ms}}, restart: {restart}}}\n");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = port.expect("a free port").port().to_string();
    let app = App::new().domain("users", "listens-in-a-grandchild").write(
        "domains/users/fulcrum.yml",
        &settings.replace("auto", &port),
    );
    app.start();
    for crash in 0..crashes {
        let before = app.event_count("users", "registered");
        app.leader("users").signal(Signal::KILL);
        wait_until(
            &format!("generation {} is registered", crash + 2),
            LIMIT,
            || (app.event_count("users", "registered") > before).then_some(()),
        );
    }
    assert_eq!(app.event_count("users", "EADDRINUSE"), 0);
    assert_eq!(app.event_count("users", "bound"), crashes + 1);
    assert_eq!(app.event_count("users", "overlap"), 0);
    measurement(
        "D6",
        &format!("bound at the first try after {crashes} of {crashes} crashes"),
    );
    app.down();
}

#[test]
fn d06_a_crash_leaves_no_port_taken() {
    assert_binds_at_first_attempt(3);
}

#[test]
#[ignore = "long: 100 crashes"]
fn d06_long_a_hundred_crashes_leave_no_port_taken() {
    assert_binds_at_first_attempt(100);
}

/// A thousand orphans are adopted and reaped, while exits of domains are reported correctly.
#[test]
fn d07_a_thousand_orphans_become_no_zombies() {
    let script = format!(
        "i=0; while [ $i -lt 1000 ]; do (true &); i=$((i+1)); done; : > $TEST_ACTIVITY_LOG.done; exec {}",
        fulcrum_e2e::stub().display()
    );
    let yml = format!(
        "process: {{start_timeout: 60s, command: [sh, -c, {}]}}\n",
        serde_json::Value::String(script)
    );
    let app = App::new()
        .write("domains/orders/fulcrum.yml", &yml)
        .stub_domain_with(
            "users",
            &["--exit-after-ready", "300ms", "--exit", "42"],
            "{restart: never}",
        );
    app.run(&["dev", "--detach"]).exits(0);
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    let instance = status["instance"]["pid"].as_u64().expect("a pid");
    let mut observed: Vec<(u32, Instant)> = Vec::new();
    let mut longest = std::time::Duration::ZERO;
    wait_until("all orphans have been reaped", LIMIT, || {
        let zombies = zombies_of(instance);
        observed.retain(|(pid, _)| zombies.contains(pid));
        for pid in &zombies {
            match observed.iter().find(|(known, _)| known == pid) {
                Some((_, since)) => longest = longest.max(since.elapsed()),
                None => observed.push((*pid, Instant::now())),
            }
        }
        let finished = app.scratch_dir().join("activity-log.done").exists();
        (finished && zombies.is_empty()).then_some(())
    });
    let users = app.wait_for("users", "has exited", |users| users["pid"].is_null());
    assert_eq!(users["last_exit"]["code"], 42, "its exit was lost: {users}");
    measurement(
        "D7",
        &format!(
            "of 1000 orphans none was a zombie for more than {} ms",
            longest.as_millis()
        ),
    );
    app.down();
}

/// The zombies with this parent.
fn zombies_of(parent: u64) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("a process table");
    let stats = processes.flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
        Some((
            pid,
            fields.next()? == "Z",
            fields.next()?.parse::<u64>().ok()?,
        ))
    });
    stats
        .filter(|(_, zombie, of)| *zombie && *of == parent)
        .map(|(pid, ..)| pid)
        .collect()
}

/// Stops of a process tree with a grandchild and a daemon that ignore SIGTERM.
#[track_caller]
fn assert_stops_leave_no_process(stops: usize) {
    let app = App::new().stub_domain_with("users", &TREE, SHORT_GRACE);
    app.start();
    let mut survivors = 0;
    for _ in 0..stops {
        app.run(&["domains", "stop", "users"]).exits(0);
        let events = ["spawned", "grandchild", "daemon"];
        let events = events.iter().flat_map(|event| recorded_pids(&app, event));
        let stub = fulcrum_e2e::stub().display().to_string();
        survivors += events
            .filter_map(Process::find)
            .filter(|process| process.command.starts_with(&stub))
            .count();
        app.run(&["domains", "start", "users"]).exits(0);
    }
    measurement(
        "D3",
        &format!(
            "{survivors} survivors of {} processes after {stops} stops",
            stops * 3
        ),
    );
    assert_eq!(survivors, 0);
    app.down();
}

#[test]
fn d03_stops_leave_no_process() {
    assert_stops_leave_no_process(3);
}

#[test]
#[ignore = "long: 200 stops"]
fn d03_long_two_hundred_stops_leave_no_process() {
    assert_stops_leave_no_process(200);
}
