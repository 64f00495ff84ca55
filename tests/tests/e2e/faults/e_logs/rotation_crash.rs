//! E14: Fulcrum is killed during rotation.

use std::fs;
use std::path::Path;

use fulcrum_e2e::{App, LIMIT, SeededRandom, Signal, measurement, wait_until};

use super::support::Numbers;

/// The length of a stub's line, as set by `--line-length`.
const LENGTH: usize = 60;

/// The number of files below a directory whose name has this suffix.
fn count_files(dir: &Path, end: &str) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let counts = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => count_files(&entry.path(), end),
        _ => usize::from(entry.file_name().to_string_lossy().ends_with(end)),
    });
    counts.sum()
}

/// Asserts that the stored lines are contiguous; the last line of each generation may be torn.
#[track_caller]
fn assert_contiguous(app: &App) -> usize {
    let mut numbers = Numbers::by(1);
    let mut torn: Vec<u8> = Vec::new();
    let mut read = 0_u64;
    app.fulcrum(&["logs", "users", "--stream", "stdout", "--raw"])
        .lines(|line| {
            read += 1;
            if line.len() == LENGTH - 1 {
                let generations = numbers.generations.len();
                numbers.add(line);
                assert!(
                    torn.is_empty() || numbers.generations.len() > generations,
                    "a torn line in the middle of a generation: {}",
                    String::from_utf8_lossy(&torn)
                );
                torn.clear();
            } else {
                assert!(
                    torn.is_empty() && line.len() < LENGTH,
                    "not a line of the stub: {line:?}"
                );
                torn = line.to_vec();
            }
        });
    assert!(
        numbers.wrong.is_empty() && numbers.others.is_empty(),
        "{numbers:?}"
    );
    for (_, first, last) in numbers.generations.iter().skip(1) {
        assert!(*first == 1, "a generation has the lines {first} to {last}");
    }
    assert!(read > 0, "nothing is stored");
    numbers.generations.len()
}

#[track_caller]
fn kill_during_rotation(rounds: u32) {
    const STORE: &str = "runtime: {logs: {store: {file_size: 64KiB, files: 400}}}\n";
    let length = LENGTH.to_string();
    let flags = ["--lines", "100000000", "--line-length", &length];
    let app = App::new()
        .write("fulcrum.yml", STORE)
        .stub_domain("users", &flags);
    let logs = app.root().join(".fulcrum/logs");
    let mut random = SeededRandom::new(1400);
    let (mut most, mut incomplete) = (0, 0);
    for round in 1..=rounds {
        app.run(&["dev", "--detach"]).exits(0);
        let generations = usize::try_from(round).expect("few");
        app.wait_for_event_count("users", "writing", generations);
        let incomplete_now = count_files(&logs, ".new");
        assert!(
            incomplete_now <= 1,
            "{incomplete_now} incomplete files are left from before"
        );
        random.pause(150);
        let instance = app.instance();
        instance.signal(Signal::KILL);
        wait_until("all processes have exited", LIMIT, || {
            app.processes().is_empty().then_some(())
        });
        incomplete += count_files(&logs, ".new");
        most = most.max(assert_contiguous(&app));
    }
    measurement(
        "E14",
        &format!(
            "{rounds} kills of Fulcrum during fast rotation: 0 lines missing or doubled in up to {most} generations, {incomplete} incomplete files found"
        ),
    );
}

#[test]
fn e14_kills_during_rotation_leave_contiguous_lines() {
    kill_during_rotation(8);
}

#[test]
#[ignore = "long: two hundred kills"]
fn e14_two_hundred_kills_during_rotation_leave_contiguous_lines() {
    kill_during_rotation(200);
}
