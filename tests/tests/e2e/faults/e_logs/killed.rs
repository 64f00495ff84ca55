//! E14: Fulcrum is killed while it changes from one file to the next.

use std::fs;
use std::path::Path;

use fulcrum_e2e::{App, Dice, LIMIT, Signal, figure, wait_until};

use super::Numbers;

/// A line of the stub with the length that `--line-length` gives it.
const LENGTH: usize = 60;

/// Files below a folder whose name ends so.
fn files(folder: &Path, end: &str) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let counts = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files(&entry.path(), end),
        _ => usize::from(entry.file_name().to_string_lossy().ends_with(end)),
    });
    counts.sum()
}

/// Asserts that what is kept are unbroken runs, the last line of each life perhaps torn.
#[track_caller]
fn whole(app: &App) -> usize {
    let mut numbers = Numbers::by(1);
    let mut torn: Vec<u8> = Vec::new();
    let mut read = 0_u64;
    app.fulcrum(&["logs", "users", "--stream", "stdout", "--raw"])
        .lines(|line| {
            read += 1;
            if line.len() == LENGTH - 1 {
                let lives = numbers.lives.len();
                numbers.take(line);
                assert!(
                    torn.is_empty() || numbers.lives.len() > lives,
                    "a torn line in the middle of a life: {}",
                    String::from_utf8_lossy(&torn)
                );
                torn.clear();
            } else {
                assert!(
                    torn.is_empty() && line.len() < LENGTH,
                    "no line of ours: {line:?}"
                );
                torn = line.to_vec();
            }
        });
    assert!(
        numbers.wrong.is_empty() && numbers.others.is_empty(),
        "{numbers:?}"
    );
    for (_, first, last) in numbers.lives.iter().skip(1) {
        assert!(*first == 1, "a life begins with {first} and goes to {last}");
    }
    assert!(read > 0, "nothing is kept");
    numbers.lives.len()
}

#[track_caller]
fn killed(rounds: u32) {
    const STORE: &str = "runtime: {logs: {store: {file_size: 64KiB, files: 400}}}\n";
    let length = LENGTH.to_string();
    let flags = ["--lines", "100000000", "--line-length", &length];
    let app = App::new()
        .write("fulcrum.yml", STORE)
        .stub_domain("users", &flags);
    let logs = app.root().join(".fulcrum/logs");
    let mut dice = Dice::new(1400);
    let (mut most, mut half_made) = (0, 0);
    for round in 1..=rounds {
        app.run(&["dev", "--detach"]).exits(0);
        let lives = usize::try_from(round).expect("few");
        app.wait_for_times("users", "speaks", lives);
        let made = files(&logs, ".new");
        assert!(made <= 1, "{made} half-made files are left from before");
        dice.pause(150);
        let instance = app.instance();
        instance.signal(Signal::KILL);
        wait_until("all of it is gone", LIMIT, || {
            app.processes().is_empty().then_some(())
        });
        half_made += files(&logs, ".new");
        most = most.max(whole(&app));
    }
    figure(
        "E14",
        &format!(
            "{rounds} kills of Fulcrum during fast rotation: 0 lines missing or doubled in up to {most} lives at once, {half_made} half-made files found"
        ),
    );
}

#[test]
fn e14_kills_during_rotation_leave_unbroken_runs() {
    killed(8);
}

#[test]
#[ignore = "long: two hundred kills"]
fn e14_two_hundred_kills_during_rotation_leave_unbroken_runs() {
    killed(200);
}
