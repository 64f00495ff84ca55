//! E4, E5: high output rates.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, LIMIT, Signal, json_lines, measurement, quantile, wait_until};

use super::support::{growth, mib, stored_numbers, wait_for_line};

/// The size of a directory, in bytes on disk.
fn on_disk(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => on_disk(&entry.path()),
        Ok(meta) => meta.blocks() * 512,
        // It was removed meanwhile.
        Err(_) => 0,
    });
    sizes.sum()
}

/// A domain writes `lines` lines of 100 bytes. Another one writes the time meanwhile, and its lines
/// are read with at most `max_delay_ms` of delay.
#[track_caller]
fn run_flood(lines: u64, max_delay_ms: u64) {
    const STORE: &str = "\
runtime:
  logs: {store: {file_size: 4MiB, files: 4, total_size: 24MiB, compress: false}}
  defaults: {heartbeat: {interval: 200ms, misses: 10}, stop: {grace: 2s}}
";
    let count = lines.to_string();
    let flags = [
        "--lines",
        &count,
        "--line-length",
        "100",
        "--wait-for-gate",
        "--ignore-term",
    ];
    let app = App::new()
        .write("fulcrum.yml", STORE)
        .stub_domain("loud", &flags)
        .stub_domain("quiet", &["--tick", "20ms"]);
    app.start();
    let instance = app.instance();
    let cpu = || instance.usage().expect("it is running").cpu;
    let before = cpu();
    let mut heartbeat_age_ms = Vec::new();
    let mut max_disk_bytes = 0;
    let (took, grown) = growth(&instance, || {
        app.release_gate();
        app.wait_for_event_count("loud", "writing", 1);
        let started = Instant::now();
        wait_until("all lines are written", LIMIT * 4, || {
            max_disk_bytes = max_disk_bytes.max(on_disk(&app.root().join(".fulcrum")));
            let status = app.status("quiet");
            // It has none just after its registration.
            heartbeat_age_ms.extend(status["heartbeat_age_ms"].as_u64());
            (app.event_count("loud", "written") > 0).then_some(())
        });
        started.elapsed()
    });
    wait_for_line(&app, "loud", "stdout", lines);
    max_disk_bytes = max_disk_bytes.max(on_disk(&app.root().join(".fulcrum")));
    let cores = (cpu() - before).as_secs_f64() / took.as_secs_f64();
    let ticks = app
        .run(&["logs", "quiet", "--grep", "^tick", "-o", "json"])
        .exits(0);
    let mut delay_ms = Vec::new();
    for line in json_lines(&ticks.stdout) {
        let text = line["message"].as_str().expect("a text");
        let written_at: u64 = text["tick ".len()..].parse().expect("a number");
        let read_at = line["time"].as_str().expect("a time");
        delay_ms.push(micros(read_at).saturating_sub(written_at) / 1000);
    }
    let delay_ms = quantile(&mut delay_ms, 0.99).expect("there are ticks");
    let heartbeat_age_ms = quantile(&mut heartbeat_age_ms, 0.99)
        .unwrap_or_default()
        .saturating_sub(200);
    measurement(
        "E4",
        &format!(
            "{:.0} MB in {:.1} s: Fulcrum +{:.1} MiB, {cores:.2} cores; at most {:.1} MiB on disk (limit 24); \
             a bystander's lines late by p99 {delay_ms} ms, its heartbeats by {heartbeat_age_ms} ms",
            lines as f64 / 1e4,
            took.as_secs_f64(),
            mib(grown),
            mib(max_disk_bytes),
        ),
    );
    assert!(grown < 20 << 20, "Fulcrum grew by {grown} bytes");
    // The open files of three sources are not counted by the limit.
    assert!(
        max_disk_bytes > 8 << 20 && max_disk_bytes < 36 << 20,
        "{max_disk_bytes} bytes on disk"
    );
    assert!(
        delay_ms < max_delay_ms,
        "a bystander's lines were late by {delay_ms} ms"
    );
    assert!(app.status("quiet")["restarts"] == 0 && app.status("loud")["restarts"] == 0);
    assert!(cores < 1.3, "{cores} cores");
}

/// Microseconds since 1970 of a time such as `2026-11-23T10:00:00.123456Z`.
fn micros(time: &str) -> u64 {
    let number = |range: std::ops::Range<usize>| time[range].parse::<u64>().expect("digits");
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    // Days by the civil calendar, with March as the first month.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let seconds = (days - 719_468) * 86_400 + number(11..13) * 3_600 + number(14..16) * 60;
    (seconds + number(17..19)) * 1_000_000 + number(20..26)
}

#[test]
fn e04_a_flood_of_100_mb_is_bounded_and_does_not_affect_other_domains() {
    // Besides other tests, on a machine that is busy with them.
    run_flood(1_000_000, 1_500);
}

#[test]
#[ignore = "long: a gigabyte"]
fn e04_a_flood_of_a_gigabyte_is_bounded_and_does_not_affect_other_domains() {
    run_flood(10_737_418, 250);
}

#[test]
fn e04_a_flooding_domain_is_stopped_within_its_grace() {
    let flags = [
        "--lines",
        "1000000000",
        "--line-length",
        "100",
        "--ignore-term",
    ];
    let app = App::new().stub_domain_with("users", &flags, "{stop: {grace: 1s}}");
    app.start();
    app.wait_for_event_count("users", "writing", 1);
    let started = Instant::now();
    app.run(&["domains", "stop", "users"]).exits(0);
    let took = started.elapsed();
    measurement(
        "E4",
        &format!(
            "stopped in the middle of a flood, grace 1 s: {} ms",
            took.as_millis()
        ),
    );
    assert!(took < Duration::from_secs(2), "{took:?}");
    app.down();
}

/// Four domains, and a follower of all of them that reads nothing.
#[track_caller]
fn run_numbered_lines(lines: u64) {
    let count = (lines / 4).to_string();
    let flags = ["--lines", &count, "--both-streams", "--wait-for-gate"];
    let names = ["d0", "d1", "d2", "d3"];
    let store = "runtime: {logs: {store: {files: 10000, total_size: 16GiB}}}\n";
    let app = names
        .iter()
        .fold(App::new().write("fulcrum.yml", store), |app, name| {
            app.stub_domain(name, &flags)
        });
    app.start();
    let mut follower = app.spawn(&["logs", "-f"]);
    follower.wait_for("ready");
    follower.signal(Signal::STOP);
    let started = Instant::now();
    app.release_gate();
    wait_until("all lines are written", Duration::from_secs(1800), || {
        names
            .iter()
            .all(|name| app.event_count(name, "written") > 0)
            .then_some(())
    });
    let took = started.elapsed();
    for name in names {
        wait_for_line(&app, name, "stdout", lines / 4 - 1);
        wait_for_line(&app, name, "stderr", lines / 4);
        stored_numbers(&app, name, "stdout", 2).assert_range(1, lines / 4 - 1);
        stored_numbers(&app, name, "stderr", 2).assert_range(2, lines / 4);
    }
    drop(follower);
    app.down();
    for name in names {
        stored_numbers(&app, name, "stdout", 2).assert_range(1, lines / 4 - 1);
        stored_numbers(&app, name, "stderr", 2).assert_range(2, lines / 4);
    }
    measurement(
        "E5",
        &format!(
            "{lines} lines from 4 domains by 2 streams each, one write a line, a stopped follower: \
             0 lost, doubled, reordered; written in {:.1} s",
            took.as_secs_f64()
        ),
    );
}

#[test]
fn e05_all_numbered_lines_of_four_domains_are_stored() {
    run_numbered_lines(200_000);
}

#[test]
#[ignore = "long: ten million lines"]
fn e05_ten_million_lines_of_four_domains_are_stored() {
    run_numbered_lines(10_000_000);
}

#[test]
fn e04_times_are_parsed() {
    assert_eq!(micros("1970-01-01T00:00:01.000002Z"), 1_000_002);
    assert_eq!(micros("2024-02-29T12:00:00.000000Z"), 1_709_208_000_000_000);
}
