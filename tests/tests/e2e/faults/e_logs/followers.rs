//! E10 to E12: followers.

use std::time::Duration;

use fulcrum_e2e::{App, Foreground, LIMIT, Process, Signal, measurement, wait_until};

use super::support::{growth, mib, numbered};

fn app_writing(lines: u64) -> App {
    let lines = lines.to_string();
    App::new().stub_domain(
        "users",
        &["--lines", &lines, "--line-length", "100", "--wait-for-gate"],
    )
}

/// The time that the generation with this number took to write its lines, in microseconds.
#[track_caller]
fn write_time_us(app: &App, generation: usize) -> u64 {
    let end = app.wait_for_event_count("users", "written", generation);
    end - app.event_times("users", "writing")[generation - 1]
}

/// A follower that has printed the existing lines.
fn spawn_follower(app: &App) -> Foreground {
    let mut follower = app.spawn(&["logs", "users", "-f"]);
    follower.wait_for("ready");
    follower
}

#[test]
fn e10_a_stuck_follower_gets_the_gap_and_delays_no_domain() {
    run_stuck_follower(500_000);
}

#[test]
#[ignore = "long: half a gigabyte"]
fn e10_a_follower_that_misses_half_a_gigabyte_gets_the_gap() {
    run_stuck_follower(5_000_000);
}

#[track_caller]
fn run_stuck_follower(lines: u64) {
    let app = app_writing(lines);
    app.start();
    let instance = app.instance();
    let stuck = spawn_follower(&app);
    stuck.signal(Signal::STOP);
    let (with, grown) = growth(&instance, || {
        app.release_gate();
        write_time_us(&app, 1)
    });
    stuck.signal(Signal::CONT);
    let last = format!("{lines:010} x");
    wait_until("it has shown the last line", LIMIT, || {
        stuck.stdout().contains(&last).then_some(())
    });
    // Gaps are reported where lines are missing.
    let (mut last_number, mut missed, mut shown) = (0, 0, 0);
    for line in stuck.stdout().lines() {
        let Some((_, text)) = line.split_once("│ ") else {
            panic!("{line}");
        };
        if let Some((_, number)) = numbered(text.as_bytes()) {
            assert_eq!(
                number,
                last_number + 1,
                "a line is missing, or out of order"
            );
            last_number = number;
            shown += 1;
        } else if let Some((number, _)) = text.split_once(" lines dropped") {
            let number: u64 = number.parse().expect("a number");
            missed += number;
            last_number += number;
        }
    }
    // Where the writer is slow, nothing is missing.
    assert_eq!((last_number, shown + missed), (lines, lines));
    drop(stuck);

    app.run(&["domains", "restart", "users"]).exits(0);
    let without = write_time_us(&app, 2);
    measurement(
        "E10",
        &format!(
            "{} MB written in {} ms with a stuck follower, in {} ms without; Fulcrum +{:.1} MiB; gaps of {missed} lines",
            lines / 10_000,
            with / 1000,
            without / 1000,
            mib(grown),
        ),
    );
    assert!(with < without * 2 + 1_000_000, "{with} and {without} µs");
    assert!(grown < 20 << 20, "{grown} bytes");
    app.down();
}

fn descriptors(instance: &Process) -> usize {
    instance.usage().expect("it is running").fds
}

#[track_caller]
fn run_exiting_readers(rounds: u32) {
    let app = App::new()
        .stub_domain("users", &["--tick", "20ms"])
        .stub_domain("loud", &["--lines", "50000"]);
    app.start();
    let instance = app.instance();
    let before = descriptors(&instance);
    let script = format!(
        "for i in $(seq {rounds}); do {} logs users -f | head -n 1 >/dev/null; echo \"${{PIPESTATUS[0]}}\"; done",
        fulcrum_e2e::binary().display()
    );
    let ended = app.program("bash", &["-c", &script]).output().exits(0);
    assert_eq!(ended.stderr, "", "not quiet");
    let codes: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(codes.len(), rounds as usize);
    assert!(
        codes.iter().all(|code| matches!(*code, "0" | "141")),
        "{codes:?}"
    );
    // Readers that read much less than is written for them.
    for args in [
        "logs",
        "logs --raw",
        "logs -o json",
        "logs -n 40000",
        "domains events",
    ] {
        let script = format!(
            "{} {args} | head -n 1 >/dev/null; echo \"${{PIPESTATUS[0]}}\"",
            fulcrum_e2e::binary().display()
        );
        let ended = app.program("bash", &["-c", &script]).output().exits(0);
        assert!(
            ended.stderr.is_empty() && matches!(ended.stdout.trim(), "0" | "141"),
            "{args}: {ended}"
        );
    }
    for _ in 0..rounds.div_ceil(4) {
        let killed = spawn_follower(&app);
        killed.signal(Signal::KILL);
    }
    let limit = Duration::from_secs(5);
    wait_until("as many descriptors are open as before", limit, || {
        (descriptors(&instance) <= before).then_some(())
    });
    measurement(
        "E11",
        &format!(
            "{rounds} times `logs users -f | head -1`, {} SIGKILLs: {before} descriptors before and after",
            rounds.div_ceil(4)
        ),
    );
    app.down();
}

#[test]
fn e11_readers_that_exit_leave_nothing_behind() {
    run_exiting_readers(20);
}

#[test]
#[ignore = "long: two hundred times"]
fn e11_two_hundred_readers_that_exit_leave_nothing_behind() {
    run_exiting_readers(200);
}

/// Followers that read nothing.
#[track_caller]
fn run_many_followers(followers: u64) {
    let app = app_writing(500_000);
    app.start();
    let instance = app.instance();
    let mut many_followers = Vec::new();
    let (_, joined) = growth(&instance, || {
        for _ in 0..followers {
            many_followers.push(app.spawn(&["logs", "users", "-f"]));
        }
        for follower in &mut many_followers {
            follower.wait_for("ready");
        }
    });
    for follower in &many_followers {
        follower.signal(Signal::STOP);
    }
    let (took, grown) = growth(&instance, || {
        app.release_gate();
        write_time_us(&app, 1)
    });
    measurement(
        "E12",
        &format!(
            "{followers} stopped followers: Fulcrum +{:.1} MiB for them, +{:.1} MiB during 50 MB, written in {} ms",
            mib(joined),
            mib(grown),
            took / 1000,
        ),
    );
    // A capacity of 1 MiB each, most of which is shared.
    assert!(grown < (20 << 20) + followers * (1 << 20), "{grown} bytes");
    drop(many_followers);
    app.down();
}

#[test]
fn e12_twenty_followers_use_bounded_memory() {
    run_many_followers(20);
}

#[test]
#[ignore = "long: a hundred processes"]
fn e12_a_hundred_followers_use_bounded_memory() {
    run_many_followers(100);
}
