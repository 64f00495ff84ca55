//! From a save, or a crash, to an answer of the next life, beside what people use today.

mod domain;
mod rivals;
mod witness;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

use super::app::App;
use super::logs::now;
use super::median::median;
use super::nodes;
use super::start::floor;
use domain::Source;
use rivals::{Rival, Stage};
use witness::Witness;

const SAVES: u32 = 50;

/// Between two saves: a fast typist's.
const PAUSE: Duration = Duration::from_millis(700);

pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    let node = nodes::install()?.v20;
    let tools = rivals::install()?;
    println!("save to new code answering a call, Node 20, {SAVES} saves      p50        p95");
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
            &[Rival::Nodemon, Rival::NodeWatch, Rival::Pm2, Rival::Direct][..],
        ),
        ("TypeScript", Source::typescript(), &[Rival::TsxWatch]),
    ] {
        let mut theirs = Vec::new();
        for rival in names {
            let times = of_rival(*rival, &node, &tools, source.clone())?;
            theirs.push((*rival, row(language, rival.name(), &times)));
        }
        let ours = row(
            language,
            "fulcrum dev --watch",
            &of_fulcrum(fulcrum, &node, &source)?,
        );
        best.push((language, theirs, ours));
    }
    for (language, theirs, ours) in &best {
        for (rival, their) in theirs {
            let aim = match rival {
                Rival::TsxWatch => 0.1,
                Rival::Direct => 1.0,
                Rival::Nodemon | Rival::NodeWatch | Rival::Pm2 => 0.4,
            };
            verdict(
                &format!("{language}: fulcrum ÷ {}", rival.name()),
                ours / their,
                aim,
            );
        }
    }
    Ok(())
}

fn verdict(what: &str, ratio: f64, aim: f64) {
    let word = if ratio <= aim { "reached" } else { "MISSED" };
    println!("  {what:52}  {ratio:5.2}  (aim {aim})  {word}");
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

fn of_rival(rival: Rival, node: &Path, tools: &Path, source: Source) -> anyhow::Result<Vec<f64>> {
    let witness = Witness::start(node, None)?;
    let mut stage = Stage::start(rival, node, tools, &witness, source)?;
    let context = || format!("with {}", rival.name());
    witness
        .sees("the first version", |_| true)
        .with_context(context)?;
    saves(&witness, |version| stage.save(version)).with_context(context)
}

fn of_fulcrum(fulcrum: &Path, node: &Path, source: &Source) -> anyhow::Result<Vec<f64>> {
    let (app, witness) = running(fulcrum, node, source, "")?;
    let folder = app.root().join("domains/d0");
    let times = saves(&witness, |version| source.save(&folder, version));
    app.fulcrum(&["down"]).stdout()?;
    times
}

/// An app under `fulcrum dev --watch`, whose one domain has answered.
fn running(
    fulcrum: &Path,
    node: &Path,
    source: &Source,
    settings: &str,
) -> anyhow::Result<(App, Witness)> {
    let settings = format!(
        // So that each crash is one of a domain that had been stable.
        "runtime:\n  {settings}\n  defaults:\n    restart: {{stable_after: 1s, budget: 1000}}\n    node: {}\n",
        node.display()
    );
    let app = App::of(fulcrum, &settings, (source.file, source.text(0)), 1)?;
    app.fulcrum(&["dev", "--watch", "--detach", "--wait"])
        .stdout()?;
    let status = app.json(&["domains", "status", "-o", "json"])?;
    let address = status["instance"]["grpc"].as_str().context("no address")?;
    let witness = Witness::start(node, Some((address, "d0")))?;
    witness.sees("the first version", |_| true)?;
    Ok((app, witness))
}

/// Milliseconds from each save to its version's first answer.
fn saves(
    witness: &Witness,
    mut save: impl FnMut(u32) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for version in 1..=SAVES {
        std::thread::sleep(PAUSE);
        let begun = now() * 1000.0;
        save(version)?;
        let answer = witness.sees("a new version", |answer| answer.version == version)?;
        times.push(answer.at - begun);
    }
    Ok(times)
}

/// From SIGKILL to the next life's first answer.
pub(super) fn crashes(fulcrum: &Path) -> anyhow::Result<()> {
    const CRASHES: usize = 20;
    let node = &nodes::install()?.v20;
    let tools = &rivals::install()?;
    let source = Source::javascript();
    let mut floors = Vec::new();
    let mut direct = Vec::new();
    {
        let witness = Witness::start(node, None)?;
        let mut stage = Stage::start(Rival::Direct, node, tools, &witness, source.clone())?;
        witness.sees("the first life", |_| true)?;
        for _ in 0..CRASHES {
            std::thread::sleep(PAUSE);
            floors.push(floor(node)?);
            let begun = now() * 1000.0;
            stage.respawn()?;
            direct.push(witness.sees("another life", |_| true)?.at - begun);
        }
    }
    let mut ours = Vec::new();
    for standby in ["standby: 1", "standby: 'off'"] {
        let (app, witness) = running(fulcrum, node, &source, standby)?;
        let mut times = Vec::new();
        let mut pid = pid_of(&app)?;
        for _ in 0..CRASHES {
            // Beyond `restart.stable_after` of this app.
            std::thread::sleep(PAUSE + Duration::from_millis(1_300));
            let begun = now() * 1000.0;
            let leader = i32::try_from(pid)
                .ok()
                .and_then(Pid::from_raw)
                .context("a pid")?;
            kill_process(leader, Signal::KILL)?;
            let before = pid;
            let answer = witness.sees("another life", |answer| answer.pid != before)?;
            pid = answer.pid;
            times.push(answer.at - begun);
        }
        app.fulcrum(&["down"]).stdout()?;
        ours.push(times);
    }
    let (floor, direct) = (median(&floors), median(&direct));
    let (warm, cold) = (median(&ours[0]), median(&ours[1]));
    println!(
        "crash to an answer of the next life, medians of {CRASHES}: node -e 0 {floor:.1} ms, direct respawn {direct:.1} ms, fulcrum with a standby {warm:.1} ms, without {cold:.1} ms"
    );
    verdict("with a standby ÷ node -e 0", warm / floor, 1.0);
    verdict("without one ÷ a direct respawn", cold / direct, 1.15);
    Ok(())
}

fn pid_of(app: &App) -> anyhow::Result<u32> {
    let list = app.json(&["domains", "list", "-o", "json"])?;
    Ok(u32::try_from(list[0]["pid"].as_u64().context("no pid")?)?)
}
