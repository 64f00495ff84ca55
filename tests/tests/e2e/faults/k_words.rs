//! Section K, words: commands, flags, secrets and noise.

use fulcrum_e2e::{App, Signal, measurement};

#[test]
fn k23_commands_and_flags_of_other_tools_work() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("web-10", &[])
        .stub_domain("web-2", &[]);
    app.run(&["up", "web-2", "-d", "--wait", "--no-watch"])
        .exits(0);
    let listed = app.run(&["ps", "--json"]).exits(0).json();
    let names = [&listed[0]["name"], &listed[1]["name"]];
    assert_eq!(names, ["web-2", "web-10"]);
    assert_eq!([&listed[0]["goal"], &listed[1]["goal"]], ["up", "down"]);
    for args in [
        &["ls", "--format", "json"][..],
        &["restart", "web-2"],
        &["status"],
        &["why", "web-2"],
        &["events"],
        &["logs", "web-2", "--current"],
        &["stop", "web-2"],
        &["start", "web-2"],
        &["help"],
        &["help", "restart"],
        &["version"],
    ] {
        app.run(args).exits(0);
    }
    app.run(&["--help"])
        .exits(0)
        .stdout_contains(&["ps, ls, list"]);
    app.down();
    let root = app.root();
    let dir = root.to_str().expect("UTF-8");
    app.fulcrum(&["dev", dir, "-d", "--wait"])
        .current_dir(&app.scratch_dir())
        .output()
        .exits(0);
    app.down();
    for args in [&["dev", "--json"], &["up", "--format=json"]] {
        let mut foreground = app.spawn(args);
        foreground.wait_for("domains ready in");
        foreground.signal(Signal::INT);
        let run = foreground.wait_exit();
        let lines: Vec<_> = run.stdout.lines().collect();
        let is_json = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert!(!lines.is_empty() && lines.iter().all(is_json), "{run}");
    }
    measurement("K23", "12 words and 4 flags of other tools");
}

#[test]
fn k24_secrets_are_masked_in_the_configuration_unless_asked_for() {
    let app = App::new().write(
        "domains/users/fulcrum.yml",
        "process: {command: [run, --password, hunter2], env: {URL: 'postgres://u:hunter2@db/x'}}\n",
    );
    for output in ["table", "json", "yaml"] {
        let shown = app.run(&["config", "show", "-o", output]).exits(0).stdout;
        assert!(
            !shown.contains("hunter2") && shown.contains("***"),
            "{shown}"
        );
        let all = app.run(&["config", "show", "--show-secrets", "-o", output]);
        assert_eq!(all.exits(0).stdout.matches("hunter2").count(), 2);
    }
}

#[test]
fn k24_the_status_masks_what_the_configuration_masks() {
    let app = App::new();
    app.write_file(
        "domains/users/fulcrum.yml",
        "process: {command: [sh, -c, 'sleep 1000; :', --password, hunter2], env: {URL: 'postgres://u:hunter2@db/x'}}\n",
    );
    app.start();
    for output in ["table", "json", "yaml"] {
        let status = ["domains", "status", "users", "-o", output];
        let shown = app.run(&status).exits(0).stdout;
        assert!(
            !shown.contains("hunter2") && shown.contains("***"),
            "{shown}"
        );
        let all = app.run(&[&status[..], &["--show-secrets"]].concat());
        assert_eq!(all.exits(0).stdout.matches("hunter2").count(), 2);
    }
    app.run(&["domains", "status", "--show-secrets"]).exits(2);
    app.down();
}

#[test]
fn k25_debug_messages_of_fulcrum_are_shown_when_their_level_is_asked_for() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    let tracked = "processes are tracked by";
    for args in [
        &["logs"][..],
        &["logs", "-n", "1000"],
        &["logs", "--level", "info"],
    ] {
        let shown = app.run(args).exits(0).stdout;
        assert!(
            !shown.contains(tracked) && shown.contains("ready"),
            "{args:?}: {shown}"
        );
    }
    let last = app.run(&["logs", "-n", "1"]).exits(0).stdout;
    assert_eq!(last.lines().count(), 1, "{last}");
    for args in [&["logs", "--level", "debug"][..], &["logs", "-o", "json"]] {
        app.run(args).exits(0).stdout_contains(&[tracked]);
    }
    let mut followed = app.spawn(&["logs", "--follow"]);
    followed.wait_for("ready");
    app.down();
    let shown = followed.wait_exit().exits(0).stdout;
    assert!(!shown.contains(tracked), "{shown}");
}

#[test]
fn k25_variables_of_cargo_run_are_not_handed_to_domains() {
    let app = App::new().domain("users", "prints-environment");
    app.fulcrum(&["dev", "--detach", "--wait"])
        .env("CARGO_PKG_NAME", "fulcrum-cli")
        .env("CARGO_MANIFEST_DIR", "/src")
        .env("CARGO_HOME", "/srv/cargo")
        .env("LD_LIBRARY_PATH", "/src/target/debug/deps")
        .output()
        .exits(0);
    let printed = app.logs("users");
    let has = |name: &str| printed.iter().any(|line| line.message.starts_with(name));
    assert!(has("CARGO_HOME="), "{printed:?}");
    for name in ["CARGO_PKG_NAME=", "CARGO_MANIFEST_DIR=", "LD_LIBRARY_PATH="] {
        assert!(!has(name), "{name}");
    }
    app.down();
}
