//! Measures the cost of watching: `cargo run --release -p fulcrum-watch --example measure`.
//!
//! An app of 20 domains with 100 files each and 40,000 files in `node_modules`, in a temporary
//! directory.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a stand-alone program that measures and prints"
)]

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use fulcrum_watch::{WatchEvent, WatchOptions, WatchSpec, WatchStatus, WatchedDir, Watcher};

const DOMAINS: usize = 20;
const SAVES: usize = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = tempfile::tempdir()?;
    let app = home.path();
    create_app(app)?;
    // So that no file was written a moment ago.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spec = WatchSpec {
        app_root: app.to_owned(),
        dirs: (0..DOMAINS)
            .map(|domain| {
                WatchedDir::new(format!("d{domain}"), app.join(format!("domains/d{domain}")))
            })
            .collect(),
        ..WatchSpec::default()
    };

    let (memory, cpu) = (resident(), cpu_time());
    let begun = Instant::now();
    let mut watcher = Watcher::start(&spec, WatchOptions::default()).await?;
    let took = begun.elapsed();
    println!(
        "set-up            {took:?}, CPU {:?}",
        cpu_time().saturating_sub(cpu)
    );
    loop {
        match watcher.next().await {
            Some(WatchEvent::Status(WatchStatus::Ready { dirs, files, after })) => {
                println!("watches           {dirs} dirs, {files} files");
                println!("learned           {after:?} after the start");
                break;
            }
            other => println!("{other:?}"),
        }
    }
    println!("CPU for all that  {:?}", cpu_time().saturating_sub(cpu));
    println!(
        "memory            {} KiB more",
        resident().saturating_sub(memory)
    );

    for (name, atomic) in [("in place", false), ("renamed over", true)] {
        let mut times = Vec::new();
        for save in 0..SAVES {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let path = app.join(format!("domains/d{}/src/{}.js", save % DOMAINS, save % 80));
            let text = format!("export default {save}; // {name}\n").repeat(100);
            let begun = Instant::now();
            if atomic {
                let new = path.with_extension("tmp");
                fs::write(&new, text)?;
                fs::rename(new, &path)?;
            } else {
                fs::write(&path, text)?;
            }
            let news = watcher.next().await;
            times.push(begun.elapsed());
            assert!(matches!(news, Some(WatchEvent::Changes(_))), "{news:?}");
        }
        times.sort();
        let at = |percent: usize| times[times.len() * percent / 100];
        println!(
            "save to report    p50 {:?}, p95 {:?}, p99 {:?} ({name})",
            at(50),
            at(95),
            at(99)
        );
    }

    let cpu = cpu_time();
    let idle = Duration::from_secs(5);
    let _ = tokio::time::timeout(idle, watcher.next()).await;
    println!(
        "idle CPU          {:?} in {idle:?}",
        cpu_time().saturating_sub(cpu)
    );

    let cpu = cpu_time();
    for number in 0..50_000 {
        fs::write(
            app.join(format!("node_modules/p0/{}.js", number % 40)),
            "written",
        )?;
    }
    let own = cpu_time().saturating_sub(cpu);
    let quiet = tokio::time::timeout(Duration::from_millis(300), watcher.next()).await;
    println!(
        "50,000 writes into node_modules: {} (the writing took {own:?})",
        if quiet.is_err() {
            "nothing events"
        } else {
            "REPORTED"
        }
    );

    let mut polled = Watcher::start(
        &spec,
        WatchOptions {
            poll: Some(Duration::from_millis(500)),
            ..WatchOptions::default()
        },
    )
    .await?;
    while !matches!(
        polled.next().await,
        Some(WatchEvent::Status(WatchStatus::Ready { .. }))
    ) {}
    tokio::time::sleep(Duration::from_secs(2)).await;
    let cpu = cpu_time();
    let _ = tokio::time::timeout(idle, polled.next()).await;
    println!(
        "polling CPU       {:?} in {idle:?}",
        cpu_time().saturating_sub(cpu)
    );
    Ok(())
}

fn create_app(app: &Path) -> io::Result<()> {
    for domain in 0..DOMAINS {
        let root = app.join(format!("domains/d{domain}"));
        for dir in ["src", "lib"] {
            fs::create_dir_all(root.join(dir))?;
        }
        for file in 0..100 {
            let dir = if file < 80 { "src" } else { "lib" };
            let text = format!("export const n = {file};\n").repeat(200);
            fs::write(root.join(dir).join(format!("{file}.js")), text)?;
        }
    }
    for package in 0..1000 {
        for modules in ["node_modules", "domains/d0/node_modules"] {
            let dir = app.join(modules).join(format!("p{package}"));
            fs::create_dir_all(&dir)?;
            for file in 0..20 {
                fs::write(dir.join(format!("{file}.js")), "module.exports = 1;\n")?;
            }
        }
    }
    Ok(())
}

/// The CPU time of the process.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let threads = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let all: u64 = threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    let first = stat.split_whitespace().next().and_then(|n| n.parse().ok());
    Duration::from_nanos(all.max(first.unwrap_or(0)))
}

/// The resident memory of the process, in KiB.
fn resident() -> u64 {
    fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .trim()
                .strip_suffix("kB")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0)
}
