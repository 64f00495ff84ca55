//! Section K, one app, one instance: the lock lies with the app, so the environment of a command
//! doesn't decide whether an instance is found.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fulcrum_e2e::{App, CommandRun, Output, Signal, measurement, wait_until};
use fulcrum_e2e::{LIMIT, not_applicable};

fn quick_app() -> App {
    App::new().with_short_timeouts().stub_domain("users", &[])
}

/// A command with the environment of cron, `sudo`, another session or a Nix shell.
fn elsewhere(app: &App, args: &[&str], kind: &str) -> CommandRun {
    let run = app.fulcrum(args);
    let other = app.scratch_dir().join(kind);
    fs::create_dir_all(&other).expect("a directory");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o700)).expect("a private directory");
    match kind {
        "cron" => run.env_remove("XDG_RUNTIME_DIR").env_remove("TMPDIR"),
        "session" => run.env("XDG_RUNTIME_DIR", other),
        "nix" => run.env_remove("XDG_RUNTIME_DIR").env("TMPDIR", other),
        _ => unreachable!("{kind}"),
    }
}

const ENVIRONMENTS: [&str; 3] = ["cron", "session", "nix"];

#[test]
fn k01_every_environment_finds_the_one_instance() {
    let app = quick_app();
    app.start();
    let pid = app.instance().pid.to_string();
    for kind in ENVIRONMENTS {
        let list = elsewhere(&app, &["domains", "list", "-o", "json"], kind);
        assert_eq!(list.output().exits(0).json()[0]["ready"], true, "{kind}");
        let second = elsewhere(&app, &["dev"], kind).output().exits(1);
        second.stderr_contains(&["already running", &pid]);
    }
    assert_eq!(app.event_count("users", "spawned"), 1);
    elsewhere(&app, &["down"], "nix").output().exits(0);
    app.run(&["domains", "list"]).exits(3);
    measurement(
        "K1",
        "one instance for four environments; all of them found it",
    );
    app.assert_no_processes();
}

#[test]
fn k01_what_a_killed_instance_left_is_ended_from_every_environment() {
    let app = quick_app();
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("1 domain ready in ");
    dev.signal(Signal::KILL);
    assert_eq!(dev.wait_exit().code, None);
    elsewhere(&app, &["dev", "--detach", "--wait"], "session")
        .output()
        .exits(0);
    assert_eq!(app.status("users")["ready"], true);
    app.down();
    app.assert_no_processes();
}

#[test]
fn k01_an_instance_whose_directory_is_deleted_stays_the_only_one() {
    let app = quick_app();
    app.start();
    // As `git clean -dfx` does.
    fs::remove_dir_all(app.root().join(".fulcrum")).expect("removed");
    app.run(&["dev"])
        .exits(1)
        .stderr_contains(&["already running"]);
    app.run(&["domains", "restart", "users"]).exits(0);
    assert_eq!(app.status("users")["ready"], true);
    app.down();
    app.assert_no_processes();
}

#[test]
fn k01_what_fulcrum_keeps_in_the_app_is_ignored_by_git_and_private() {
    let app = quick_app();
    app.start();
    let dir = app.root().join(".fulcrum");
    let ignored = fs::read_to_string(dir.join(".gitignore")).expect("it is there");
    assert_eq!(ignored, "*\n");
    let mode = |name: &str| {
        let found = fs::metadata(dir.join(name)).expect("it is there");
        found.permissions().mode() & 0o777
    };
    assert_eq!((mode("logs"), mode("instance.log")), (0o700, 0o600));
    app.down();
}

/// The whole way to the app must be passable for another user.
fn open_for_others(app: &App) {
    let mut dir = app.root();
    while fs::metadata(&dir).is_ok_and(|found| found.permissions().mode() & 0o001 == 0) {
        let mode = fs::metadata(&dir).expect("there").permissions().mode();
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode | 0o055)).expect("opened");
        dir.pop();
    }
}

fn run_as_nobody(app: &App, args: &[&str]) -> Output {
    let fulcrum = fulcrum_e2e::binary().to_str().expect("UTF-8");
    let script = ["--reuid=65534", "--regid=65534", "--clear-groups", fulcrum];
    let args = [&script[..], args].concat();
    app.program("setpriv", &args)
        .env_remove("XDG_RUNTIME_DIR")
        .output()
}

fn cannot_be_nobody(run: &Output) -> bool {
    run.stderr.contains("setpriv: failed") || run.code == Some(127)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

#[test]
fn k01_an_app_that_cannot_be_written_runs_in_the_background_too() {
    let app = quick_app();
    if !is_root() {
        not_applicable("K1", "another user needs root");
        return;
    }
    open_for_others(&app);
    let started = run_as_nobody(&app, &["dev", "--detach", "--wait", "--timeout", "60s"]);
    if cannot_be_nobody(&started) {
        not_applicable("K1", "setpriv cannot run the program as another user");
        return;
    }
    started.exits(0).stderr_contains(&["running (pid"]);
    assert!(!app.root().join(".fulcrum").exists());
    run_as_nobody(&app, &["domains", "list"])
        .exits(0)
        .stdout_contains(&["users"]);
    run_as_nobody(&app, &["down"]).exits(0);
    app.assert_no_processes();
}

#[test]
fn k01_the_instance_of_another_user_is_named() {
    let app = quick_app();
    if !is_root() {
        not_applicable("K1", "another user needs root");
        return;
    }
    app.start();
    let pid = app.instance().pid.to_string();
    open_for_others(&app);
    let list = run_as_nobody(&app, &["domains", "list"]);
    if cannot_be_nobody(&list) {
        not_applicable("K1", "setpriv cannot run the program as another user");
    } else {
        list.exits(1)
            .stderr_contains(&[&pid, "user root", "run this command as user root\n"]);
        run_as_nobody(&app, &["dev"])
            .exits(1)
            .stderr_contains(&[&pid, "user root"]);
    }
    app.down();
    wait_until("it ends", LIMIT, || {
        (app.run(&["domains", "list"]).code == Some(3)).then_some(())
    });
}

#[test]
fn k02_a_wait_with_a_limit_begins_before_its_instance() {
    let app = quick_app();
    let mut waiting = app.spawn(&["domains", "wait", "all", "--timeout", "60s"]);
    let mut events = app.spawn(&["domains", "events", "--follow", "--timeout", "60s"]);
    let mut logs = app.spawn(&["logs", "--follow", "--timeout", "60s"]);
    app.start();
    waiting.wait_exit().exits(0);
    events.wait_for("spawned");
    logs.wait_for("started by");
    app.down();
    events.wait_exit().exits(0);
    logs.wait_exit().exits(0);
    app.run(&["domains", "wait", "all", "--timeout", "300ms"])
        .exits(17)
        .stderr_contains(&["after 300 ms", "fulcrum dev"]);
    // Without a limit, nobody waits for what nobody starts.
    app.run(&["domains", "wait", "all"]).exits(3);
    measurement(
        "K2",
        "wait, events -f and logs -f with a limit began before the instance",
    );
}

#[test]
fn k03_what_dead_instances_left_is_swept_at_a_start() {
    let app = quick_app();
    let base = app.root().with_file_name("run").join("fulcrum");
    let day_old = std::time::SystemTime::now() - std::time::Duration::from_hours(25);
    let left = |name: &str, age: Option<std::time::SystemTime>| {
        let dir = base.join(name);
        fs::create_dir_all(dir.join("modules")).expect("a directory");
        let lock = fs::File::create(dir.join("lock")).expect("a file");
        for path in [dir.join("modules"), dir.join("lock"), dir.clone()] {
            let file = fs::File::open(path).expect("opened");
            if let Some(age) = age {
                file.set_modified(age).expect("its own file");
            }
        }
        (dir, lock)
    };
    let (dead, _) = left("00000000000000aa", Some(day_old));
    let (young, _) = left("00000000000000bb", None);
    let (locked, lock) = left("00000000000000cc", Some(day_old));
    lock.try_lock().expect("locked");
    fs::set_permissions(&base, fs::Permissions::from_mode(0o700)).expect("private");
    app.start();
    wait_until("the dead one is removed", LIMIT, || {
        (!dead.exists()).then_some(())
    });
    assert!(young.exists() && locked.exists());
    assert_eq!(app.status("users")["ready"], true);
    app.down();
    measurement(
        "K3",
        "a directory a day old is removed at a start; a young one and a locked one stay",
    );
}
