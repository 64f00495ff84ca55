//! E1 to E3, E13: the last lines before an exit, and line ends.

use std::path::Path;

use fulcrum_e2e::{App, LIMIT, json_lines, measurement, nodes, not_applicable, wait_until};

use super::support::{growth, mib, stored_numbers, wait_for_line};

const MODES: [&str; 4] = ["exit", "throw", "abort", "kill"];

/// For each mode, a domain writes twenty thousand lines and exits. Returns how many are missing.
#[track_caller]
fn lost_lines(node: Option<&Path>) -> usize {
    let node = node.map_or(String::new(), |node| format!("node: {}, ", node.display()));
    let app = MODES.iter().fold(App::new(), |app, mode| {
        app.domain(mode, "logs-on-exit").write(
            &format!("domains/{mode}/fulcrum.yml"),
            &format!("process: {{{node}restart: never, env: {{EXIT_MODE: {mode}}}}}\n"),
        )
    });
    app.run(&["dev", "--detach"]).exits(0);
    wait_until("all have exited", LIMIT, || {
        let ended = |domain: &serde_json::Value| !domain["last_exit"].is_null();
        app.list().iter().all(ended).then_some(())
    });
    let mut missing = 0;
    for mode in MODES {
        let (mut found, mut wrong) = (0, 0);
        let args = ["logs", mode, "--stream", "stdout", "--raw"];
        app.fulcrum(&args).lines(|line| {
            let text = String::from_utf8_lossy(line);
            let number = text
                .strip_prefix("line ")
                .and_then(|rest| rest.split(' ').next());
            if let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) {
                found += 1;
                wrong += usize::from(number != found);
            }
        });
        assert_eq!(wrong, 0, "{mode}: lines are in disorder");
        missing += 20_000 - found;
    }
    let stderr = app.run(&["logs", "throw", "--stream", "stderr", "--raw"]);
    assert!(
        stderr.stdout.contains("Error: after the last line")
            && stderr.stdout.contains("domain.cjs:"),
        "no stack trace: {stderr}"
    );
    app.down();
    missing
}

#[test]
fn e01_the_last_lines_are_stored_however_the_process_exits() {
    assert_eq!(lost_lines(None), 0);
}

#[test]
#[ignore = "long: ten times on each of two Nodes"]
fn e01_the_last_lines_are_stored_ten_times_on_two_nodes() {
    let nodes = match nodes() {
        Ok(nodes) => nodes,
        Err(why) => return not_applicable("E1", &why),
    };
    for (name, dir) in [("20", &nodes.v20), ("24", &nodes.v24)] {
        let missing: usize = (0..10).map(|_| lost_lines(Some(&dir.join("node")))).sum();
        measurement(
            "E1",
            &format!(
                "Node {name}: {missing} of 800,000 lines missing (exit, throw, abort, SIGKILL)"
            ),
        );
        assert_eq!(missing, 0);
    }
}

/// The next generation's first line is not joined to it, and it is stored once.
#[test]
fn e02_an_unterminated_line_is_flagged_once_and_joined_to_nothing() {
    let app = App::new()
        .with_short_timeouts()
        .write("output", "one\nunfinished");
    let text_file = app.root().join("output");
    let text_file = text_file.to_str().expect("UTF-8");
    let flags = ["--write", text_file, "--exit-when-written", "--signal", "9"];
    let app = app.stub_domain_with(
        "users",
        &flags,
        "{restart: {policy: on-failure, budget: 2}}",
    );
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "has failed for good", |users| {
        users["phase"] == "failed"
    });
    let generations = app.event_count("users", "spawned");
    assert!(generations > 1, "{generations}");
    app.down();
    let all = app
        .run(&["logs", "users", "--stream", "stdout", "-o", "json"])
        .exits(0);
    let lines = json_lines(&all.stdout);
    let written: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["message"].as_str().expect("a text"),
                &line["partial"] == true,
            )
        })
        .collect();
    assert_eq!(
        written,
        [("one", false), ("unfinished", true)].repeat(generations)
    );
    let raw = app.run(&["logs", "users", "--raw"]).exits(0);
    assert_eq!(
        raw.stdout,
        ["one\nunfinished"].repeat(generations).join("\n")
    );
}

#[test]
fn e03_a_line_of_100_mb_is_split_without_loss() {
    const BYTES: u64 = 100_000_000;
    let bytes = BYTES.to_string();
    let app = App::new().stub_domain("users", &["--long-line", &bytes, "--wait-for-gate"]);
    app.start();
    let instance = app.instance();
    let ((), grown) = growth(&instance, || {
        app.release_gate();
        app.wait_for_event_count("users", "written", 1);
    });
    measurement(
        "E3",
        &format!("100 MB without a line end: Fulcrum +{:.1} MiB", mib(grown)),
    );
    assert!(grown < 20 << 20, "{grown} bytes");
    app.down();
    let count = |filter: &str| {
        let script = format!(
            "set -o pipefail; {} logs users --raw | {filter} wc -c",
            fulcrum_e2e::binary().display()
        );
        let counted = app.program("bash", &["-c", &script]).output().exits(0);
        counted.stdout.trim().parse::<u64>().expect("a number")
    };
    assert_eq!((count(""), count("tr -d x |")), (BYTES, 0));
    let piece = app
        .run(&["logs", "users", "-n", "2", "-o", "json"])
        .exits(0);
    for line in json_lines(&piece.stdout) {
        let length = line["message"].as_str().expect("a text").len();
        assert!(length <= 64 * 1024 && (line["partial"] == true || line["stream"] == "fulcrum"));
    }
}

/// Each stream is in exact order; between the two, lines that were read at once may be out of
/// order.
#[test]
fn e13_each_stream_is_in_exact_order() {
    const LINES: u64 = 20_000;
    let lines = LINES.to_string();
    let app = App::new().stub_domain("users", &["--lines", &lines, "--both-streams"]);
    app.start();
    app.wait_for_event_count("users", "written", 1);
    wait_for_line(&app, "users", "stdout", LINES - 1);
    wait_for_line(&app, "users", "stderr", LINES);
    stored_numbers(&app, "users", "stdout", 2).assert_range(1, LINES - 1);
    stored_numbers(&app, "users", "stderr", 2).assert_range(2, LINES);
    let (mut highest, mut furthest) = (0, 0);
    app.fulcrum(&["logs", "users", "--raw"]).lines(|line| {
        let (_, number) = super::support::numbered(line).expect("a numbered line");
        highest = highest.max(number);
        furthest = furthest.max(highest - number);
    });
    measurement(
        "E13",
        &format!(
            "20,000 lines alternately to stdout and stderr: each in order; between the two, at most {furthest} lines apart"
        ),
    );
    app.down();
}
