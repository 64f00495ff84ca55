//! E4, E5: much at once.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, LIMIT, Signal, figure, json_lines, quantile, wait_until};

use super::{arrived, growth, kept, mib};

/// What lies below a folder, in bytes on disk.
fn on_disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => on_disk(&entry.path()),
        Ok(meta) => meta.blocks() * 512,
        // It has gone meanwhile.
        Err(_) => 0,
    });
    sizes.sum()
}

/// A domain says so many lines of 100 bytes; another one tells the time all the while, and is read
/// no later than this, in milliseconds.
#[track_caller]
fn flood(lines: u64, latest: u64) {
    const STORE: &str = "\
runtime:
  logs: {store: {file_size: 4MiB, files: 4, total_size: 24MiB, compress: false}}
  defaults: {heartbeat: {interval: 200ms, misses: 10}, stop: {grace: 2s}}
";
    let count = lines.to_string();
    let loud = [
        "--lines",
        &count,
        "--line-length",
        "100",
        "--at-gate",
        "--ignore-term",
    ];
    let app = App::new()
        .write("fulcrum.yml", STORE)
        .stub_domain("loud", &loud)
        .stub_domain("quiet", &["--tick", "20ms"]);
    app.up();
    let instance = app.instance();
    let cpu = || instance.usage().expect("it lives").cpu;
    let before = cpu();
    let mut late = Vec::new();
    let mut most = 0;
    let (took, grown) = growth(&instance, || {
        app.open_gate();
        app.wait_for_times("loud", "speaks", 1);
        let begun = Instant::now();
        wait_until("all is said", LIMIT * 4, || {
            most = most.max(on_disk(&app.root().join(".fulcrum")));
            let quiet = app.see("quiet");
            // None just after its registration.
            late.extend(quiet["heartbeat_age_ms"].as_u64());
            (app.times("loud", "said") > 0).then_some(())
        });
        begun.elapsed()
    });
    arrived(&app, "loud", "stdout", lines);
    most = most.max(on_disk(&app.root().join(".fulcrum")));
    let cores = (cpu() - before).as_secs_f64() / took.as_secs_f64();
    let ticks = app
        .run(&["logs", "quiet", "--grep", "^tick", "-o", "json"])
        .exits(0);
    let mut behind = Vec::new();
    for line in json_lines(&ticks.stdout) {
        let text = line["message"].as_str().expect("a text");
        let said: u64 = text["tick ".len()..].parse().expect("a number");
        let read = line["time"].as_str().expect("a time");
        behind.push(micros(read).saturating_sub(said) / 1000);
    }
    let behind = quantile(&mut behind, 0.99).expect("it has told the time");
    let late = quantile(&mut late, 0.99)
        .unwrap_or_default()
        .saturating_sub(200);
    figure(
        "E4",
        &format!(
            "{:.0} MB in {:.1} s: Fulcrum +{:.1} MiB, {cores:.2} cores; at most {:.1} MiB on disk (limit 24); \
             a bystander's lines late by p99 {behind} ms, its heartbeats by {late} ms",
            lines as f64 / 1e4,
            took.as_secs_f64(),
            mib(grown),
            mib(most),
        ),
    );
    assert!(grown < 20 << 20, "Fulcrum grew by {grown} bytes");
    // Of the files that are written to, one of each of three speakers comes on top.
    assert!(most > 8 << 20 && most < 36 << 20, "{most} bytes on disk");
    assert!(
        behind < latest,
        "a bystander's lines were late by {behind} ms"
    );
    assert!(app.see("quiet")["restarts"] == 0 && app.see("loud")["restarts"] == 0);
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
fn e04_a_flood_of_100_mb_is_bounded_and_hurts_nobody() {
    // Beside other tests, on a machine that is busy with them.
    flood(1_000_000, 1_500);
}

#[test]
#[ignore = "long: a gigabyte"]
fn e04_a_flood_of_a_gigabyte_is_bounded_and_hurts_nobody() {
    flood(10_737_418, 250);
}

#[test]
fn e04_who_floods_is_stopped_within_its_grace() {
    let flags = [
        "--lines",
        "1000000000",
        "--line-length",
        "100",
        "--ignore-term",
    ];
    let app = App::new().stub_domain_with("users", &flags, "{stop: {grace: 1s}}");
    app.up();
    app.wait_for_times("users", "speaks", 1);
    let begun = Instant::now();
    app.run(&["domains", "stop", "users"]).exits(0);
    let took = begun.elapsed();
    figure(
        "E4",
        &format!(
            "stopped in the middle of a flood, grace 1 s: {} ms",
            took.as_millis()
        ),
    );
    assert!(took < Duration::from_secs(2), "{took:?}");
    app.down();
}

/// Four domains, and somebody who follows all of them and reads nothing.
#[track_caller]
fn numbered(lines: u64) {
    let count = (lines / 4).to_string();
    let flags = ["--lines", &count, "--both", "--at-gate"];
    let names = ["d0", "d1", "d2", "d3"];
    let store = "runtime: {logs: {store: {files: 10000, total_size: 16GiB}}}\n";
    let app = names
        .iter()
        .fold(App::new().write("fulcrum.yml", store), |app, name| {
            app.stub_domain(name, &flags)
        });
    app.up();
    let mut follower = app.start(&["logs", "-f"]);
    follower.wait_for("ready");
    follower.signal(Signal::STOP);
    let begun = Instant::now();
    app.open_gate();
    wait_until("all is said", Duration::from_secs(1800), || {
        names
            .iter()
            .all(|name| app.times(name, "said") > 0)
            .then_some(())
    });
    let took = begun.elapsed();
    for name in names {
        arrived(&app, name, "stdout", lines / 4 - 1);
        arrived(&app, name, "stderr", lines / 4);
        kept(&app, name, "stdout", 2).are(1, lines / 4 - 1);
        kept(&app, name, "stderr", 2).are(2, lines / 4);
    }
    drop(follower);
    app.down();
    for name in names {
        kept(&app, name, "stdout", 2).are(1, lines / 4 - 1);
        kept(&app, name, "stderr", 2).are(2, lines / 4);
    }
    figure(
        "E5",
        &format!(
            "{lines} lines from 4 domains by 2 streams each, one write a line, a stopped follower: \
             0 lost, doubled, reordered; said in {:.1} s",
            took.as_secs_f64()
        ),
    );
}

#[test]
fn e05_numbered_lines_of_four_domains_are_all_there() {
    numbered(200_000);
}

#[test]
#[ignore = "long: ten million lines"]
fn e05_ten_million_lines_of_four_domains_are_all_there() {
    numbered(10_000_000);
}

#[test]
fn e04_times_are_read() {
    assert_eq!(micros("1970-01-01T00:00:01.000002Z"), 1_000_002);
    assert_eq!(micros("2024-02-29T12:00:00.000000Z"), 1_709_208_000_000_000);
}
