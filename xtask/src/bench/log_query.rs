//! Time and memory of queries on a gigabyte of stored lines.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::app::App;
use super::logs::{all_have_exited, log_producers, serve};
use super::median::median;
use crate::wait::until;

const DOMAINS: u64 = 8;
const ROUNDS: usize = 5;
const TARGET_MS: f64 = 100.0;
const TARGET_MIB: f64 = 32.0;
const LIMIT: Duration = Duration::from_secs(120);

pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    println!(
        "\ncompressed  command                 first line (target {TARGET_MS} ms)  all of it  largest MiB (target {TARGET_MIB})    (medians of {ROUNDS}, 1 GiB of {DOMAINS} domains)"
    );
    for compress in [false, true] {
        let app = log_producers(fulcrum, DOMAINS, compress)?;
        serve(&app)?;
        until("all domains have exited", LIMIT, || {
            Ok(all_have_exited(&app)?.then_some(()))
        })?;
        until("all segments are compressed", LIMIT, || {
            Ok((!compress || plain_files(&app)? <= usize::try_from(DOMAINS)?).then_some(()))
        })?;
        app.fulcrum(&["down"]).stdout()?;
        for args in [
            &["logs", "--since", "1h"][..],
            &["logs", "--since", "1h", "--grep", "nothing|fox|lazy"],
            &["logs", "-n", "100"],
        ] {
            let (mut first, mut whole, mut memory) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let (one, all, most) = read(&app, fulcrum, args)?;
                first.push(one);
                whole.push(all);
                memory.push(most);
            }
            let (first, memory) = (median(&first), median(&memory));
            let reached = first <= TARGET_MS && memory <= TARGET_MIB;
            println!(
                "{:10}  {:38}  {first:8.1} ms  {:6.2} s  {memory:8.1}  {}",
                if compress { "yes" } else { "no" },
                args.join(" "),
                median(&whole) / 1000.0,
                if reached { "reached" } else { "MISSED" },
            );
        }
    }
    Ok(())
}

fn plain_files(app: &App) -> anyhow::Result<usize> {
    let mut count = 0;
    for domain in fs::read_dir(app.root().join(".fulcrum/logs"))? {
        for file in fs::read_dir(domain?.path())? {
            let name = file?.file_name();
            count += usize::from(name.to_str().is_some_and(|name| name.ends_with(".log")));
        }
    }
    // Fulcrum's own log has one more.
    Ok(count.saturating_sub(1))
}

/// Milliseconds until the first line and until the last, and the peak memory in MiB.
fn read(app: &App, fulcrum: &Path, args: &[&str]) -> anyhow::Result<(f64, f64, f64)> {
    let started = Instant::now();
    let mut child = Command::new(fulcrum)
        .args(args)
        .env("FULCRUM_APP_PATH", app.root())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut out = BufReader::with_capacity(1 << 18, child.stdout.take().context("piped")?);
    let mut line = String::new();
    out.read_line(&mut line)?;
    let first = started.elapsed();
    ensure!(
        !line.is_empty(),
        "fulcrum {} printed nothing",
        args.join(" ")
    );
    let mut most = 0.0_f64;
    loop {
        let length = out.fill_buf()?.len();
        if length == 0 {
            break;
        }
        out.consume(length);
        most = most.max(peak(child.id()).unwrap_or_default());
    }
    let whole = started.elapsed();
    child.wait()?;
    Ok((
        first.as_secs_f64() * 1000.0,
        whole.as_secs_f64() * 1000.0,
        most,
    ))
}

/// The peak resident memory of a process, in MiB.
fn peak(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
