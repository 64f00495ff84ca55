//! From spawn to registered, as Fulcrum measures it, beside `node -e 0` of the same Node.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};

use super::app::{App, Language};
use super::median::median;
use super::nodes;
use super::typescript;

const ROUNDS: usize = 10;

struct Case<'a> {
    node: (&'a str, &'a Path),
    language: Language,
    /// The target ratio.
    target: f64,
}

pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    let nodes = nodes::install()?;
    let case = |name, node, language, target| Case {
        node: (name, node),
        language,
        target,
    };
    let cases = [
        case("20", nodes.v20.as_path(), Language::Module, 1.8),
        case("20", nodes.v20.as_path(), Language::CommonJs, 1.8),
        case("20", nodes.v20.as_path(), Language::TypeScript, 3.0),
        case("24", nodes.v24.as_path(), Language::Module, 1.8),
        case("24", nodes.v24.as_path(), Language::CommonJs, 1.8),
        case("24", nodes.v24.as_path(), Language::TypeScript, 1.8),
    ];
    println!(
        "node  language              node -e 0  registered  ratio  target   (medians of {ROUNDS})"
    );
    for case in cases {
        let Measurement {
            baseline,
            registered,
            ratio,
        } = measure(fulcrum, &case)?;
        println!(
            "{:4}  {:20} {baseline:7.1} ms {registered:8.1} ms  {ratio:5.2}  {:.1}  {}",
            case.node.0,
            case.language.name(),
            case.target,
            if ratio <= case.target {
                "reached"
            } else {
                "MISSED"
            },
        );
    }
    typescript::run(fulcrum, &nodes)
}

/// Medians of the rounds, in milliseconds.
struct Measurement {
    baseline: f64,
    registered: f64,
    /// Of each round's own ratio: a machine that changes its speed between rounds changes both.
    ratio: f64,
}

fn measure(fulcrum: &Path, case: &Case<'_>) -> anyhow::Result<Measurement> {
    let app = App::new(fulcrum, case.node.1, case.language, 1)?;
    app.fulcrum(&["dev", "--detach", "--wait"]).stdout()?;
    let (mut baselines, mut registered, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    // One more round: the first fills caches.
    for round in 0..=ROUNDS {
        let before = measure_baseline(case.node.1)?;
        app.fulcrum(&["domains", "restart", "d0"]).stdout()?;
        let after = measure_baseline(case.node.1)?;
        let listed = app.json(&["domains", "list", "-o", "json"])?;
        let took = listed[0]["registered_in_ms"]
            .as_f64()
            .context("no registered_in_ms")?;
        if round > 0 {
            let baseline = (before + after) / 2.0;
            baselines.push(baseline);
            registered.push(took);
            ratios.push(took / baseline);
        }
    }
    Ok(Measurement {
        baseline: median(&baselines),
        registered: median(&registered),
        ratio: median(&ratios),
    })
}

/// Milliseconds of `node -e 0`, from spawn to exit.
pub(super) fn measure_baseline(node: &Path) -> anyhow::Result<f64> {
    let started = Instant::now();
    let status = Command::new(node)
        .args(["-e", "0"])
        .env_remove("NODE_EXTRA_CA_CERTS")
        .stdin(Stdio::null())
        .status()?;
    let took = started.elapsed().as_secs_f64() * 1000.0;
    ensure!(status.success(), "{} -e 0 failed: {status}", node.display());
    Ok(took)
}
