//! E8, E9, E15: the directory of the log store.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fulcrum_e2e::{
    App, LIMIT, Output, binary, json_lines, measurement, not_applicable, wait_until,
};
use serde_json::Value;

fn fulcrum() -> &'static str {
    binary().to_str().expect("a UTF-8 path")
}

fn logs(app: &App) -> PathBuf {
    app.root().join(".fulcrum/logs")
}

/// Starts the app with a file system of its own for the logs, which is visible only in the
/// instance's mount namespace; false where that is not possible.
#[track_caller]
fn start_with_log_disk(app: &App, options: &str) -> bool {
    let script = format!(
        "mkdir -p .fulcrum/logs; mount -t tmpfs -o mode=700,{options} none .fulcrum/logs || exit 77; \
         exec \"$0\" \"$@\""
    );
    let args = [
        "-m",
        "sh",
        "-c",
        &script,
        fulcrum(),
        "dev",
        "--detach",
        "--wait",
    ];
    let up = app.program("unshare", &args).output();
    if up.code == Some(77) || up.stderr.contains("unshare failed") {
        not_applicable("E8", "a mount of one's own needs root");
        return false;
    }
    up.exits(0);
    true
}

/// Runs a script in the instance's mount namespace.
#[track_caller]
fn inside(app: &App, script: &str) -> Output {
    let pid = app.instance().pid.to_string();
    // Entering a mount namespace changes to its root.
    let script = format!("cd {}; {script}", app.root().display());
    let args = ["-t", &pid, "-m", "sh", "-c", &script];
    app.program("nsenter", &args).output().exits(0)
}

/// Fulcrum's messages about its store.
#[track_caller]
fn store_messages(app: &App, phrase: &str) -> Vec<String> {
    let all = app
        .run(&["logs", "--stream", "fulcrum", "-o", "json"])
        .exits(0);
    let all = json_lines(&all.stdout);
    let texts = all.iter().filter_map(|line| line["message"].as_str());
    let texts = texts.filter(|text| text.contains(phrase));
    texts.map(str::to_owned).collect()
}

const STORE_FAILED: &str = "cannot write logs: ";
const STORE_RECOVERED: &str = "log store recovered; dropped lines: ";

/// The number of dropped lines of all domains according to these messages.
fn dropped_lines(messages: &[String]) -> u64 {
    let each = messages
        .iter()
        .filter_map(|text| text.strip_prefix(STORE_RECOVERED))
        // The code of the warning is at its end.
        .map(|text| text.split(" [").next().unwrap_or(text));
    let each = each.flat_map(|text| text.split(", "));
    let numbers = each.map(|one| {
        one.split(' ')
            .next_back()
            .and_then(|number| number.parse::<u64>().ok())
    });
    numbers.map(|number| number.expect("a number")).sum()
}

#[test]
fn e08_a_full_disk_is_reported_once_and_does_not_affect_domains() {
    let flags = [
        "--lines",
        "30000",
        "--line-length",
        "100",
        "--wait-for-gate",
        "--tick",
        "50ms",
    ];
    let app = App::new().stub_domain("users", &flags);
    // Without the ballast there is room for all lines, however late the disk is freed.
    if !start_with_log_disk(&app, "size=8m") {
        return;
    }
    let leader = app.leader("users");
    inside(&app, "head -c 7700k /dev/zero >.fulcrum/logs/ballast");
    app.release_gate();
    app.wait_for_event_count("users", "written", 1);
    let failing = wait_until("it is reported", LIMIT, || {
        Some(store_messages(&app, STORE_FAILED)).filter(|store_messages| !store_messages.is_empty())
    });
    let dir = logs(&app).join("users");
    let dir = dir.to_str().expect("UTF-8");
    assert_eq!(failing.len(), 1, "{failing:?}");
    assert!(
        failing[0].contains(dir) && failing[0].contains("No space left on device"),
        "{failing:?}"
    );
    // From memory, since those lines are newer than the stored ones.
    let newest = app.run(&["logs", "users", "-n", "20000", "--raw"]).exits(0);
    assert!(newest.stdout.contains(" 0000030000 x"), "{newest}");
    app.run(&["domains", "call", "users", "x_request", "{}"])
        .exits(0);
    let users = app.status("users");
    assert_eq!(
        (&users["restarts"], &users["ready"]),
        (&0.into(), &true.into())
    );

    inside(&app, "rm .fulcrum/logs/ballast");
    let recovered = wait_until("the store has recovered", LIMIT, || {
        Some(store_messages(&app, STORE_RECOVERED))
            .filter(|store_messages| !store_messages.is_empty())
    });
    assert_eq!(
        store_messages(&app, STORE_FAILED).len(),
        1,
        "it was reported repeatedly"
    );
    assert!(recovered[0].contains("users "), "{recovered:?}");
    // The lines that are missing on the disk are the reported ones.
    let copy = app.scratch_dir().join("copy");
    inside(&app, &format!("cp -r .fulcrum/logs {}", copy.display()));
    assert_eq!(app.leader("users"), leader);
    app.down();
    fs::remove_dir(logs(&app)).expect("it is empty outside");
    fs::rename(&copy, logs(&app)).expect("moved");
    let stored = app.run(&["logs", "-o", "json"]).exits(0);
    let stored = json_lines(&stored.stdout);
    let last = stored
        .last()
        .and_then(|line| line["seq"].as_u64())
        .expect("lines");
    let absent = last - u64::try_from(stored.len()).expect("few");
    measurement(
        "E8",
        &format!(
            "a full disk: {absent} lines absent on it, {} reported; the domain kept running",
            dropped_lines(&recovered)
        ),
    );
    assert_eq!(absent, dropped_lines(&recovered), "{recovered:?}");
}

#[test]
fn e08_missing_inodes_and_a_read_only_disk_are_reported_once() {
    for (options, why, remedy) in [
        ("nr_inodes=2", "No space left on device", "nr_inodes=100"),
        ("ro", "Read-only file system", "rw"),
    ] {
        let app = App::new().stub_domain("users", &["--tick", "50ms"]);
        if !start_with_log_disk(&app, options) {
            return;
        }
        let failing = wait_until("it is reported", LIMIT, || {
            Some(store_messages(&app, STORE_FAILED))
                .filter(|store_messages| !store_messages.is_empty())
        });
        assert!(
            failing.len() == 1 && failing[0].contains(why),
            "{failing:?}"
        );
        assert!(!app.logs("users").is_empty());
        inside(&app, &format!("mount -o remount,{remedy} .fulcrum/logs"));
        wait_until("the store has recovered", LIMIT, || {
            Some(store_messages(&app, STORE_RECOVERED))
                .filter(|store_messages| !store_messages.is_empty())
        });
        assert_eq!(
            store_messages(&app, STORE_FAILED).len(),
            1,
            "it was reported repeatedly"
        );
        assert_eq!(app.status("users")["restarts"], 0);
        app.down();
    }
}

/// The number of stored lines after a time.
fn lines_after(app: &App, since_us: u64) -> usize {
    let lines = app
        .run(&["logs", "users", "--stream", "stdout", "--raw"])
        .exits(0);
    let times = lines
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("tick "));
    times
        .filter(|time| time.parse::<u64>().is_ok_and(|time| time > since_us))
        .count()
}

/// The time, on the clock of the stub's ticks.
fn wall_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.expect("after 1970").as_micros()).expect("a valid time")
}

#[test]
fn e09_removed_or_moved_logs_are_recreated() {
    let app = App::new().stub_domain("users", &["--tick", "20ms"]);
    app.start();
    let moved = app.scratch_dir().join("moved");
    let ways: [&dyn Fn(&Path); 3] = [
        &|logs| fs::remove_dir_all(logs).expect("removed"),
        &|logs| fs::rename(logs, &moved).expect("moved"),
        &|logs| {
            let files = fs::read_dir(logs.join("users")).expect("a directory");
            files
                .flatten()
                .for_each(|file| fs::remove_file(file.path()).expect("removed"));
        },
    ];
    let mut changed_at = 0;
    for (number, way) in ways.iter().enumerate() {
        let dir = logs(&app).join("users");
        let files = || fs::read_dir(&dir).map_or(0, Iterator::count);
        wait_until("something is stored", LIMIT, || (files() > 0).then_some(()));
        way(&logs(&app));
        changed_at = wall_clock();
        let started = Instant::now();
        wait_until("something is stored again", LIMIT, || {
            (files() > 0).then_some(())
        });
        let took = started.elapsed();
        assert!(took < Duration::from_secs(1), "way {number}: {took:?}");
    }
    app.wait_for_event_count("users", "registered", 1);
    wait_until("more lines are written", LIMIT, || {
        (lines_after(&app, changed_at) > 5).then_some(())
    });
    assert!(store_messages(&app, STORE_FAILED).is_empty());
    app.down();
    // The instance's memory is gone: these lines are stored.
    assert!(lines_after(&app, changed_at) > 5);
}

#[test]
fn e15_logs_are_private_whatever_the_umask() {
    let store = "runtime: {logs: {store: {file_size: 64KiB}}}\n";
    let flags = ["--lines", "20000", "--line-length", "100"];
    let app = App::new()
        .write("fulcrum.yml", store)
        .stub_domain("users", &flags);
    let script = format!("umask 000; {} dev --detach --wait", fulcrum());
    app.program("sh", &["-c", &script]).output().exits(0);
    app.wait_for_event_count("users", "written", 1);
    app.down();
    let mut checked = 0;
    let mut dirs = vec![logs(&app)];
    while let Some(dir) = dirs.pop() {
        let mode =
            |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700, "{}", dir.display());
        for entry in fs::read_dir(&dir).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 5, "{checked} files");
    let lines = app
        .run(&["logs", "users", "-n", "3", "-o", "json"])
        .exits(0);
    assert_eq!(
        json_lines(&lines.stdout)
            .iter()
            .map(Value::is_object)
            .count(),
        3
    );
}
