//! G2, G5: stored logs: which lines are printed, in which order, with and without an instance.

use fulcrum_e2e::{App, LIMIT, Output, Signal, json_lines, text_of, wait_until};
use serde_json::Value;

/// An app whose domain has written this text in each of two generations, of which the first was
/// killed.
#[track_caller]
fn two_generations(text: &str) -> App {
    let app = App::new().with_short_timeouts().write("output", text);
    let text = app.root().join("output");
    let flags = ["--write", text.to_str().expect("UTF-8")];
    let app = app.stub_domain("users", &flags);
    app.start();
    app.wait_for_event_count("users", "written", 1);
    app.leader("users").signal(Signal::KILL);
    app.wait_for_event_count("users", "written", 2);
    app.wait_until_stable(&["users"]);
    app
}

/// Kills the instance, and waits until its domains have exited.
#[track_caller]
fn kill_instance(app: &App) {
    app.instance().signal(Signal::KILL);
    wait_until("all processes have exited", LIMIT, || {
        app.processes().is_empty().then_some(())
    });
}

/// The lines that `logs` prints with these arguments.
#[track_caller]
fn log_lines(app: &App, args: &[&str]) -> Vec<Value> {
    let args = [&["logs", "-o", "json"], args].concat();
    json_lines(&app.run(&args).exits(0).stdout)
}

/// The lines of the domain itself among them.
#[track_caller]
fn written_lines(app: &App, args: &[&str]) -> Vec<String> {
    let all = log_lines(app, &[&["users"], args].concat());
    let own = all.iter().filter(|line| line["stream"] != "fulcrum");
    own.map(|line| text_of(line, "message").to_owned())
        .collect()
}

const LINES: &str = "\
plain
{\"level\":50,\"msg\":\"json error\"}
WARN disk nearly full
ERROR broken
debug: detail
";

/// Runs the check with an instance and without one.
#[track_caller]
fn check_with_and_without_instance(app: &App, check: impl Fn(&str)) {
    check("running");
    kill_instance(app);
    check("dead");
}

#[test]
fn a_killed_instance_leaves_its_logs_readable() {
    let app = two_generations(LINES);
    let before = written_lines(&app, &[]);
    kill_instance(&app);
    let five = app.run(&["logs", "users", "-n", "5"]).exits(0);
    assert_eq!(five.stdout.lines().count(), 5, "{five}");
    assert_eq!(written_lines(&app, &[]), before);
    app.run(&["logs", "nobody"])
        .exits(4)
        .stderr_contains(&["nobody"]);
    // There is no instance to follow.
    let follow = app.run(&["logs", "users", "-f"]);
    assert_ne!(follow.code, Some(0), "{follow}");
    // The next instance appends to the store, and its lines are later.
    app.start();
    app.wait_for_event_count("users", "written", 3);
    wait_until("the third generation is stored", LIMIT, || {
        (written_lines(&app, &[]).len() == 15).then_some(())
    });
    app.down();
    assert_in_order(&log_lines(&app, &[]));
}

#[test]
fn previous_and_generation_select_a_generation() {
    let app = two_generations(LINES);
    let generations = |args: &[&str]| -> Vec<u64> {
        let all = log_lines(&app, &[&["users"], args].concat());
        let mut found: Vec<u64> = all
            .iter()
            .map(|line| line["generation"].as_u64().expect("a number"))
            .collect();
        found.dedup();
        found
    };
    assert_eq!(generations(&["--previous"]), [1]);
    assert_eq!(generations(&["--generation", "2"]), [2]);
    assert!(generations(&["--generation", "7"]).is_empty());
    assert_eq!(written_lines(&app, &["--previous"]).len(), 5);
    kill_instance(&app);
    // Now the second generation has exited, too.
    assert_eq!(generations(&["--previous"]), [2]);
    assert_eq!(generations(&["--generation", "1"]), [1]);
    // Another instance counts from 1 again; a number selects the newest generation.
    app.start();
    app.wait_for_event_count("users", "written", 3);
    assert_eq!(generations(&["--previous"]), [2]);
    wait_until("the third generation is read", LIMIT, || {
        (written_lines(&app, &["--generation", "1"]).len() == 5).then_some(())
    });
    let pid = u64::from(app.leader("users").pid);
    let newest = log_lines(&app, &["users", "--generation", "1", "--stream", "stdout"]);
    assert!(newest.iter().all(|line| line["pid"] == pid), "{newest:?}");
    app.down();
}

#[test]
fn level_grep_stream_and_n_select_lines() {
    let app = two_generations(LINES);
    check_with_and_without_instance(&app, |when| {
        let generation = ["--generation", "2"];
        let with = |args: &[&str]| written_lines(&app, &[&generation, args].concat());
        let errors = ["{\"level\":50,\"msg\":\"json error\"}", "ERROR broken"];
        assert_eq!(with(&["--level", "error"]), errors, "{when}");
        assert_eq!(with(&["--level", "warn"]).len(), 3, "{when}");
        assert_eq!(with(&["--grep", "^(plain|WARN)"]).len(), 2, "{when}");
        assert_eq!(with(&["--grep", "(?i)error"]), errors, "{when}");
        assert_eq!(with(&["--stream", "stderr"]).len(), 0, "{when}");
        assert_eq!(
            with(&["--stream", "stdout", "-n", "2"]),
            ["ERROR broken", "debug: detail"],
            "{when}"
        );
        let newest = with(&["--grep", "error|broken", "-n", "1"]);
        assert_eq!(newest, ["ERROR broken"], "{when}");
        assert_eq!(with(&["-n", "0"]).len(), 0, "{when}");
        // Fulcrum's own lines are not counted where they are not printed.
        let raw = app.run(&["logs", "users", "--raw", "-n", "7"]).exits(0);
        assert_eq!(raw.stdout.lines().count(), 7, "{when}: {raw}");
        let own = log_lines(&app, &["users", "--stream", "fulcrum"]);
        assert!(!own.is_empty() && own.iter().all(|line| line["stream"] == "fulcrum"));
    });
}

#[test]
fn since_and_until_select_a_time_range() {
    let app = two_generations(LINES);
    check_with_and_without_instance(&app, |when| {
        let all = log_lines(&app, &["users"]);
        let first_of_the_second = all
            .iter()
            .find(|line| line["generation"] == 2 && line["stream"] == "stdout")
            .expect("it has written");
        let time = text_of(first_of_the_second, "time");
        let of =
            |args: &[&str]| log_lines(&app, &[&["users", "--stream", "stdout"], args].concat());
        let after = of(&["--since", time]);
        assert_eq!(after.len(), 5, "{when}");
        assert!(
            after.iter().all(|line| text_of(line, "time") >= time),
            "{when}"
        );
        let before = of(&["--until", time]);
        assert!(
            before.iter().all(|line| text_of(line, "time") < time),
            "{when}"
        );
        assert_eq!((before.len(), of(&[]).len()), (5, 10), "{when}");
        assert_eq!(of(&["--since", "10m"]).len(), 10, "{when}");
        assert_eq!(of(&["--until", "10m"]).len(), 0, "{when}");
    });
}

/// Timestamps are those of the records, and nothing else is changed.
#[test]
fn timestamps_are_prefixed() {
    let app = two_generations("one\n");
    let args = ["logs", "users", "--stream", "stdout", "--generation", "2"];
    let plain = app.run(&args).exits(0);
    let timed: Output = app.run(&[&args[..], &["-t"]].concat()).exits(0);
    let record = &log_lines(&app, &args[1..])[0];
    // To the millisecond.
    let time = format!("{}Z", &text_of(record, "time")[..23]);
    assert_eq!(timed.stdout, format!("{time} {}", plain.stdout));
    app.down();
}

#[track_caller]
fn assert_in_order(all: &[Value]) {
    let mut last = (0, "");
    for line in all {
        let now = (
            line["seq"].as_u64().expect("a number"),
            text_of(line, "time"),
        );
        assert!(now.0 > last.0 && now.1 >= last.1, "{now:?} after {last:?}");
        last = now;
    }
}

#[test]
fn several_domains_are_merged_in_order() {
    let names = ["d0", "d1", "d2", "d3"];
    let app = names.iter().fold(App::new(), |app, name| {
        app.stub_domain(name, &["--tick", "5ms"])
    });
    app.start();
    wait_until("all have written lines", LIMIT, || {
        (log_lines(&app, &["--grep", "^tick"]).len() > 200).then_some(())
    });
    check_with_and_without_instance(&app, |when| {
        for args in [
            &[][..],
            &["d0", "d2"],
            &["d*", "-n", "100"],
            &["--since", "1h"],
        ] {
            let all = log_lines(&app, args);
            assert_in_order(&all);
            let changes = all
                .windows(2)
                .filter(|two| two[0]["domain"] != two[1]["domain"])
                .count();
            assert!(
                changes > 10,
                "{when} {args:?}: one after another, not merged"
            );
        }
        assert_eq!(log_lines(&app, &["d*", "-n", "100"]).len(), 100, "{when}");
    });
}
