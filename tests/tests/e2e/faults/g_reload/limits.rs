//! File notifications that are unavailable or lost.

use std::fs;
use std::process::Command;

use fulcrum_e2e::{App, Signal, not_applicable};

/// Starts the app in a user namespace with a limit of `/proc/sys/user` or `/proc/sys/fs/inotify`
/// set to `value`; false where that is not possible.
fn start_with_limit(app: &App, limit: &str, value: &str, args: &[&str], watched: &str) -> bool {
    const SCRIPT: &str = "echo \"$1\" > \"$0\" 2>/dev/null || exit 77; shift; exec \"$@\"";
    let fulcrum = fulcrum_e2e::binary().to_str().expect("UTF-8");
    let start = [
        "-Ur", "sh", "-c", SCRIPT, limit, value, fulcrum, "dev", "--detach", "--wait", "--watch",
    ];
    let start = [&start[..], args].concat();
    let output = app.program("unshare", &start).output();
    if matches!(output.code, Some(77)) || output.stderr.contains("unshare failed") {
        return false;
    }
    output.exits(0);
    app.wait_for_event("fulcrum", watched, 1);
    true
}

#[test]
fn g08_without_notifications_files_are_polled() {
    for (file, value) in [("max_inotify_watches", "2"), ("max_inotify_instances", "0")] {
        let app = App::new().with_short_timeouts().shell_domain("users", "");
        if !start_with_limit(
            &app,
            &format!("/proc/sys/user/{file}"),
            value,
            &[],
            "watch_polling",
        ) {
            return not_applicable("G8", "a user namespace is not allowed here");
        }
        let why = app.event_reasons("fulcrum", "watch_polling");
        assert_eq!(why.len(), 1, "reported once: {why:?}");
        assert!(why[0].contains("sysctl"), "the setting is named: {why:?}");
        app.wait_for_event("fulcrum", "watching", 1);
        for content in ["one", "two"] {
            app.write_file("domains/users/code", content);
            app.wait_for_start("users", content);
        }
        assert_eq!(app.starts("users"), ["zero", "one", "two"]);
        app.down();
    }
}

/// W7: `--poll` polls, whatever notifications are available.
#[test]
fn g08_polling_can_be_requested() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    let limit = "/proc/sys/user/max_inotify_watches";
    if !start_with_limit(&app, limit, "0", &["--poll=100"], "watching") {
        app.start_watching_with(&["--poll=100"]);
    }
    let warnings = app.event_reasons("fulcrum", "watch_polling");
    assert_eq!(warnings, Vec::<String>::new(), "it was requested");
    for content in ["one", "two"] {
        app.write_file("domains/users/code", content);
        app.wait_for_start("users", content);
    }
    let instance = app.instance();
    let fds = fs::read_dir(format!("/proc/{}/fd", instance.pid)).expect("it is running");
    let inotify = fds.flatten().filter(|fd| {
        let target = fs::read_link(fd.path()).unwrap_or_default();
        target.to_string_lossy().contains("inotify")
    });
    assert_eq!(inotify.count(), 0, "no notifications are used");
    app.down();
}

/// More changes than the notification queue holds: all files are scanned again.
#[test]
fn g07_after_lost_notifications_the_current_files_run() {
    let limit: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(16384);
    if limit > 200_000 {
        return not_applicable("G7", "the system's queue is too long to fill");
    }
    let app = App::new()
        .with_short_timeouts()
        .shell_domain("users", "")
        .shell_domain("orders", "");
    app.start_watching();
    let instance = app.instance();
    instance.signal(Signal::STOP);
    let dir = app.root().join("domains/users");
    // Each write causes several notifications; a repeated one is merged with the last, so two files
    // take turns.
    let script = format!(
        "i=0; while [ $i -lt {} ]; do echo $i > a.txt; echo $i > b.txt; i=$((i+1)); done; printf last > code",
        limit / 4
    );
    let written = Command::new("sh")
        .args(["-c", &script])
        .current_dir(&dir)
        .status();
    assert!(written.expect("sh runs").success());
    instance.signal(Signal::CONT);
    app.wait_for_start("users", "last");
    app.wait_for_event("fulcrum", "watch_rescanned", 1);
    assert_eq!(app.starts("users"), ["zero", "last"]);
    assert_eq!(app.starts("orders"), ["zero"]);
    app.down();
}
