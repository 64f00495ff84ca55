//! The measurements, and the table that they print.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

use super::super::app::App;
use super::super::logs::now;
use super::super::median::median;
use super::super::nodes;
use super::super::start::measure_baseline;
use super::alternatives::{self, Alternative, AlternativeApp};
use super::domain::Source;
use super::observer::Observer;

const SAVES: u32 = 50;

/// The pause between two saves of a fast typist.
const PAUSE: Duration = Duration::from_millis(700);

pub(in crate::bench) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    let node = nodes::install()?.v20;
    let tools = alternatives::install()?;
    println!("save to a response of new code, Node 20, {SAVES} saves      p50        p95");
    let row = |language: &str, name: &str, times: &[f64]| {
        let (p50, p95) = (median(times), quantile(times, 0.95));
        println!("  {language:10}  {name:38}  {p50:7.1} ms  {p95:7.1} ms");
        p50
    };
    let mut best = Vec::new();
    for (language, source, names) in [
        (
            "JavaScript",
            Source::javascript(),
            &[
                Alternative::Nodemon,
                Alternative::NodeWatch,
                Alternative::Pm2,
                Alternative::Direct,
            ][..],
        ),
        ("TypeScript", Source::typescript(), &[Alternative::TsxWatch]),
    ] {
        let mut theirs = Vec::new();
        for alternative in names {
            let times = measure_alternative(*alternative, &node, &tools, source.clone())?;
            theirs.push((*alternative, row(language, alternative.name(), &times)));
        }
        let ours = row(
            language,
            "fulcrum dev --watch",
            &measure_reload(fulcrum, &node, &source)?,
        );
        best.push((language, theirs, ours));
    }
    for (language, theirs, ours) in &best {
        for (alternative, their) in theirs {
            let target = match alternative {
                Alternative::TsxWatch => 0.1,
                Alternative::Direct => 1.0,
                Alternative::Nodemon | Alternative::NodeWatch | Alternative::Pm2 => 0.4,
            };
            verdict(
                &format!("{language}: fulcrum ÷ {}", alternative.name()),
                ours / their,
                target,
            );
        }
    }
    Ok(())
}

fn verdict(what: &str, ratio: f64, target: f64) {
    let word = if ratio <= target { "reached" } else { "MISSED" };
    println!("  {what:52}  {ratio:5.2}  (target {target})  {word}");
}

fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() as f64 * at) as usize;
    sorted
        .get(index.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

fn measure_alternative(
    alternative: Alternative,
    node: &Path,
    tools: &Path,
    source: Source,
) -> anyhow::Result<Vec<f64>> {
    let observer = Observer::start(node, None)?;
    let mut app_of_alternative =
        AlternativeApp::start(alternative, node, tools, &observer, source)?;
    let context = || format!("with {}", alternative.name());
    observer
        .wait_for("the first version", |_| true)
        .with_context(context)?;
    saves(&observer, |version| app_of_alternative.save(version)).with_context(context)
}

fn measure_reload(fulcrum: &Path, node: &Path, source: &Source) -> anyhow::Result<Vec<f64>> {
    let (app, observer) = running(fulcrum, node, source, "")?;
    let directory = app.root().join("domains/d0");
    let times = saves(&observer, |version| {
        source.write_version(&directory, version)
    });
    app.fulcrum(&["down"]).stdout()?;
    times
}

/// An app under `fulcrum dev --watch`, whose one domain has responded.
fn running(
    fulcrum: &Path,
    node: &Path,
    source: &Source,
    settings: &str,
) -> anyhow::Result<(App, Observer)> {
    let settings = format!(
        // Each crash is that of a stable domain.
        "runtime:\n  {settings}\n  defaults:\n    restart: {{stable_after: 1s, budget: 1000}}\n    node: {}\n",
        node.display()
    );
    let app = App::with_file(fulcrum, &settings, (source.file, source.text(0)), 1)?;
    app.fulcrum(&["dev", "--watch", "--detach", "--wait"])
        .stdout()?;
    let status = app.json(&["domains", "status", "-o", "json"])?;
    let address = status["instance"]["grpc"].as_str().context("no address")?;
    let observer = Observer::start(node, Some((address, "d0")))?;
    observer.wait_for("the first version", |_| true)?;
    Ok((app, observer))
}

/// Milliseconds from each save to the first response of its version.
fn saves(
    observer: &Observer,
    mut save: impl FnMut(u32) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for version in 1..=SAVES {
        std::thread::sleep(PAUSE);
        let started = now() * 1000.0;
        save(version)?;
        let answer = observer.wait_for("a new version", |answer| answer.version == version)?;
        times.push(answer.at - started);
    }
    Ok(times)
}

/// Measures SIGKILL to the first response of the next process.
pub(in crate::bench) fn crashes(fulcrum: &Path) -> anyhow::Result<()> {
    const CRASHES: usize = 20;
    let node = &nodes::install()?.v20;
    let tools = &alternatives::install()?;
    let source = Source::javascript();
    let mut baselines = Vec::new();
    let mut direct = Vec::new();
    {
        let observer = Observer::start(node, None)?;
        let mut app_of_alternative =
            AlternativeApp::start(Alternative::Direct, node, tools, &observer, source.clone())?;
        observer.wait_for("the first process", |_| true)?;
        for _ in 0..CRASHES {
            std::thread::sleep(PAUSE);
            baselines.push(measure_baseline(node)?);
            let started = now() * 1000.0;
            app_of_alternative.respawn()?;
            direct.push(observer.wait_for("another process", |_| true)?.at - started);
        }
    }
    let mut ours = Vec::new();
    for standby in ["standby: 1", "standby: 'off'"] {
        let (app, observer) = running(fulcrum, node, &source, standby)?;
        let mut times = Vec::new();
        let mut pid = pid_of(&app)?;
        for _ in 0..CRASHES {
            // Beyond `restart.stable_after` of this app.
            std::thread::sleep(PAUSE + Duration::from_millis(1_300));
            let started = now() * 1000.0;
            let leader = i32::try_from(pid)
                .ok()
                .and_then(Pid::from_raw)
                .context("a pid")?;
            kill_process(leader, Signal::KILL)?;
            let before = pid;
            let answer = observer.wait_for("another process", |answer| answer.pid != before)?;
            pid = answer.pid;
            times.push(answer.at - started);
        }
        app.fulcrum(&["down"]).stdout()?;
        ours.push(times);
    }
    let (baseline, direct) = (median(&baselines), median(&direct));
    let (warm, cold) = (median(&ours[0]), median(&ours[1]));
    println!(
        "crash to a response of the next process, medians of {CRASHES}: node -e 0 {baseline:.1} ms, direct respawn {direct:.1} ms, fulcrum with a standby {warm:.1} ms, without {cold:.1} ms"
    );
    verdict("with a standby ÷ node -e 0", warm / baseline, 1.0);
    verdict("without one ÷ a direct respawn", cold / direct, 1.15);
    Ok(())
}

fn pid_of(app: &App) -> anyhow::Result<u32> {
    let list = app.json(&["domains", "list", "-o", "json"])?;
    Ok(u32::try_from(list[0]["pid"].as_u64().context("no pid")?)?)
}
