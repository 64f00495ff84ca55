//! Section D: terminals: D13 to D16; F20: closed standard streams.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use fulcrum_e2e::{
    App, CTRL_C, CTRL_Z, LIMIT, Process, Signal, TerminalStep, binary, measurement, not_applicable,
    wait_until,
};

fn fulcrum() -> &'static str {
    binary().to_str().expect("a UTF-8 path")
}

fn stubborn_app() -> App {
    App::new().domain("users", "ignores-sigterm").write(
        "domains/users/fulcrum.yml",
        "process:\n  stop:\n    grace: 10m\n",
    )
}

#[test]
fn d13_ctrl_c_reaches_each_domain_as_one_sigterm() {
    let app = App::new()
        .domain("users", "counts-signals")
        .domain("orders", "counts-signals");
    let steps = [
        TerminalStep::Expect("2 domains ready in "),
        CTRL_C,
        TerminalStep::Exit,
    ];
    let session = app.terminal_session(&[fulcrum(), "dev"], &steps);
    assert_eq!(session.code, Some(0), "{}", session.output);
    app.assert_no_processes();
    for domain in ["users", "orders"] {
        let signals: Vec<_> = app
            .activity_log()
            .into_iter()
            .filter(|entry| entry.domain == domain && entry.event.starts_with("SIG"))
            .map(|entry| entry.event)
            // SIGCONT follows SIGTERM, for processes that are suspended.
            .filter(|event| event != "SIGCONT")
            .collect();
        assert_eq!(signals, ["SIGTERM"], "{domain}: {}", session.output);
    }
}

#[test]
fn d14_a_second_ctrl_c_kills_at_once() {
    let app = stubborn_app();
    let steps = [
        TerminalStep::Expect("1 domain ready in "),
        CTRL_C,
        TerminalStep::Expect("waiting for users"),
        CTRL_C,
        TerminalStep::Exit,
    ];
    let session = app.terminal_session(&[fulcrum(), "dev"], &steps);
    // The grace would be ten minutes.
    assert_eq!(session.code, Some(0), "{}", session.output);
    app.assert_no_processes();
    measurement(
        "D14",
        &format!("exited {} ms after the second Ctrl-C", session.elapsed_ms),
    );
}

/// A cgroup in which no process runs, so that none can be killed.
struct Freezer(PathBuf);

impl Freezer {
    fn of(process: &Process) -> Option<Self> {
        let dir = PathBuf::from(format!(
            "/sys/fs/cgroup/freezer/fulcrum-e2e-{}",
            process.pid
        ));
        fs::create_dir(&dir).ok()?;
        let freezer = Self(dir);
        fs::write(freezer.0.join("cgroup.procs"), process.pid.to_string()).ok()?;
        fs::write(freezer.0.join("freezer.state"), "FROZEN").ok()?;
        Some(freezer)
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("freezer.state"), "THAWED");
        wait_until("the freezer is empty", LIMIT, || {
            fs::remove_dir(&self.0).ok()
        });
    }
}

#[test]
fn d14_a_third_ctrl_c_exits_despite_an_unkillable_process() {
    let app = stubborn_app();
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("1 domain ready in ");
    let users = app.leader("users");
    let Some(freezer) = Freezer::of(&users) else {
        not_applicable("D14", "needs root and the freezer of cgroup v1");
        return;
    };
    dev.signal(Signal::INT);
    dev.wait_for("waiting for users");
    dev.signal(Signal::INT);
    dev.wait_for("Ctrl-C: killing the remaining processes");
    // Two at once count as one.
    wait_until("the third Ctrl-C is handled", LIMIT, || {
        dev.signal(Signal::INT);
        std::thread::sleep(Duration::from_millis(150));
        dev.stdout().contains("exiting immediately").then_some(())
    });
    dev.wait_exit().exits(130);
    assert!(users.is_alive(), "it is frozen");
    drop(freezer);
    wait_until("it is killed once it is thawed", LIMIT, || {
        app.processes().is_empty().then_some(())
    });
}

#[test]
fn d15_a_closed_window_stops_dev_in_order() {
    let app = App::new().domain("users", "steady");
    let steps = [
        TerminalStep::Expect("1 domain ready in "),
        TerminalStep::Close,
        TerminalStep::Exit,
    ];
    let session = app.terminal_session(&[fulcrum(), "dev"], &steps);
    assert_eq!(session.code, Some(0), "{}", session.output);
    assert_eq!(app.event_count("users", "stopping"), 1);
    app.assert_no_processes();
}

#[test]
fn d15_a_closed_window_does_not_stop_a_detached_instance() {
    for (before, after) in [("", "--detach"), ("nohup", ">nohup.log 2>&1")] {
        let app = App::new().domain("users", "steady");
        let script = format!(
            "{before} {} dev {after} & until [ -e closing ]; do sleep 0.05; done; echo now; read x",
            fulcrum()
        );
        let opener = wait_for_ready(&app);
        let steps = [
            TerminalStep::Expect("now"),
            TerminalStep::Close,
            TerminalStep::Exit,
        ];
        app.terminal_session(&["bash", "-c", &script], &steps);
        opener.join().expect("it was ready");
        let users = app.status("users");
        assert_eq!(
            (&users["phase"], &users["restarts"]),
            (&"running".into(), &0.into())
        );
        app.down();
    }
}

/// Creates the file `closing` when the domain is ready.
fn wait_for_ready(app: &App) -> std::thread::JoinHandle<()> {
    let entries = app.scratch_dir().join("activity-log");
    let closing = app.root().join("closing");
    std::thread::spawn(move || {
        wait_until("users has registered", LIMIT, || {
            let entries = fulcrum_e2e::activity_log::read(&entries);
            let registered = entries.iter().any(|entry| entry.event == "registered");
            registered.then_some(())
        });
        fs::write(closing, "").expect("written");
    })
}

/// As in `fulcrum dev | head -1`: the output is closed, so it exits.
#[test]
fn d15_dev_exits_when_its_output_is_closed() {
    let app = App::new().domain("users", "steady");
    let script = format!("{} dev | head -n 1; echo \"${{PIPESTATUS[0]}}\"", fulcrum());
    let output = app.program("bash", &["-c", &script]).output().exits(0);
    let code = output.stdout.lines().last().unwrap_or_default();
    assert_eq!(code, "0", "{output}");
    assert!(!output.stderr.contains("panicked"), "{output}");
    app.assert_no_processes();
}

/// In production the output may be closed.
#[test]
fn d15_serve_keeps_running_when_its_output_is_closed() {
    let app = App::new().domain("users", "steady");
    let script = format!("{} serve | head -n 1", fulcrum());
    let run = app.program("bash", &["-c", &script]);
    let mut shell = app.spawn_command(run);
    app.wait_until_stable(&["users"]);
    wait_until("head has exited", LIMIT, || {
        let head = |process: &Process| process.command.starts_with("head");
        (!app.processes().iter().any(head)).then_some(())
    });
    // Output to a closed pipe.
    app.run(&["domains", "restart", "users"]).exits(0);
    assert_eq!(app.status("users")["phase"], "running");
    app.run(&["down"]).exits(0);
    let output = shell.wait_exit();
    assert!(!output.stderr.contains("panicked"), "{output}");
    app.assert_no_processes();
}

/// A full disk does not stop the instance.
#[test]
fn d15_dev_keeps_running_when_its_output_is_full() {
    let app = App::new().domain("users", "steady");
    let script = format!("exec {} dev >/dev/full 2>&1", fulcrum());
    let mut dev = app.spawn_command(app.program("bash", &["-c", &script]));
    app.wait_until_stable(&["users"]);
    app.run(&["domains", "restart", "users"]).exits(0);
    dev.signal(Signal::INT);
    dev.wait_exit().exits(0);
    app.assert_no_processes();
}

/// The domains run on while Fulcrum is suspended, for longer than the heartbeat limit, and are not
/// restarted afterwards.
#[test]
fn d16_ctrl_z_and_fg_do_not_affect_domains() {
    let app = App::new().with_short_timeouts().domain("users", "steady");
    // Time while suspended and afterwards, in which a heartbeat limit that counts suspended time
    // would be exceeded.
    let script = format!(
        "set -m; {} dev; echo suspended; sleep 2; jobs; (sleep 2; echo awake) & \
         fg %1 >/dev/null; echo \"ended $?\"",
        fulcrum()
    );
    let steps = [
        TerminalStep::Expect("1 domain ready in "),
        CTRL_Z,
        TerminalStep::Expect("suspended"),
        TerminalStep::Expect("Stopped"),
        TerminalStep::Expect("awake"),
        CTRL_C,
        TerminalStep::Expect("ended 0"),
        TerminalStep::Exit,
    ];
    let session = app.terminal_session(&["bash", "-c", &script], &steps);
    assert_eq!(session.code, Some(0), "{}", session.output);
    assert_eq!(app.event_count("users", "spawned"), 1, "{}", session.output);
    assert_eq!(
        app.event_count("users", "stopping"),
        1,
        "{}",
        session.output
    );
    app.assert_no_processes();
}

#[test]
fn f20_an_instance_runs_with_closed_standard_streams() {
    let app = App::new().domain("users", "steady");
    let script = format!("{} dev --detach --wait <&- >&- 2>&-", fulcrum());
    app.program("bash", &["-c", &script]).output().exits(0);
    assert_eq!(app.status("users")["ready"], true);
    app.down();
    // In the foreground the free descriptors 0 to 2 are not used for anything else.
    let script = format!("exec {} serve <&- >&- 2>&-", fulcrum());
    let mut serve = app.spawn_command(app.program("bash", &["-c", &script]));
    wait_until("users is ready", LIMIT, || {
        (app.event_count("users", "registered") == 2).then_some(())
    });
    for number in 0..3 {
        let open = fs::read_link(format!("/proc/{}/fd/{number}", serve.pid()));
        assert_eq!(open.ok(), Some("/dev/null".into()), "{number}");
    }
    serve.signal(Signal::TERM);
    serve.wait_exit().exits(0);
    app.assert_no_processes();
}
