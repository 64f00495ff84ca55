//! Eight trivial domains from nothing: Fulcrum with all it does, beside the same eight commands
//! started directly and in parallel.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::app::{App, Language};
use super::median::median;
use super::nodes;
use crate::workspace;

const DOMAINS: usize = 8;
const ROUNDS: usize = 10;
const AIM: f64 = 1.25;

pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    let nodes = nodes::install()?;
    println!(
        "node  language         directly   fulcrum    ratio  aim    (medians of {ROUNDS}, {DOMAINS} domains)"
    );
    for (name, node, language) in [
        ("20", nodes.v20.as_path(), Language::Module),
        ("20", nodes.v20.as_path(), Language::TypeScript),
        ("24", nodes.v24.as_path(), Language::Module),
    ] {
        let app = App::new(fulcrum, node, language, DOMAINS)?;
        let lives = lives(&app)?;
        let registrar = Registrar::start(node)?;
        let (mut direct, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..=ROUNDS {
            direct.push(directly(&lives, &registrar)?);
            whole.push(by_fulcrum(&app)?);
        }
        let (direct, whole) = (median(&direct[1..]), median(&whole[1..]));
        let verdict = if whole / direct <= AIM {
            "reached"
        } else {
            "MISSED"
        };
        println!(
            "{name:4}  {:15} {direct:6.1} ms  {whole:6.1} ms  {:5.2}  {AIM}  {verdict}",
            language.name(),
            whole / direct,
        );
    }
    Ok(())
}

/// The commands as Fulcrum runs them.
struct Life {
    command: Vec<String>,
    cwd: String,
    env: BTreeMap<String, String>,
}

fn lives(app: &App) -> anyhow::Result<Vec<Life>> {
    app.fulcrum(&["dev", "--detach", "--wait"]).stdout()?;
    let lives = (0..DOMAINS).map(|index| {
        let status = app.json(&["domains", "status", &format!("d{index}"), "-o", "json"])?;
        let texts = |value: &Value| -> Option<Vec<String>> {
            value
                .as_array()?
                .iter()
                .map(|text| Some(text.as_str()?.to_owned()))
                .collect()
        };
        let env = status["env"].as_object().context("no environment")?;
        Ok(Life {
            command: texts(&status["command"]).context("no command")?,
            cwd: status["cwd"].as_str().context("no folder")?.to_owned(),
            env: env
                .iter()
                .filter(|(name, _)| *name != "FULCRUM_DOMAIN_TOKEN")
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
        })
    });
    let lives = lives.collect();
    app.fulcrum(&["down"]).output()?;
    lives
}

/// A process that registers whoever asks.
struct Registrar {
    child: Child,
    address: String,
}

impl Registrar {
    fn start(node: &Path) -> anyhow::Result<Self> {
        let root = workspace::root();
        let mut child = Command::new(node)
            .arg(root.join("xtask/src/bench/registrar.mjs"))
            .arg(root.join("sdk/node/test"))
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("no output")?;
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address)?;
        ensure!(
            address.contains(':'),
            "the registrar did not start: {address:?}"
        );
        Ok(Self {
            child,
            address: address.trim().to_owned(),
        })
    }
}

impl Drop for Registrar {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Milliseconds until all eight, started directly, say that they are registered.
fn directly(lives: &[Life], registrar: &Registrar) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut children = Vec::new();
    for life in lives {
        let (program, args) = life.command.split_first().context("an empty command")?;
        children.push(
            Command::new(program)
                .args(args)
                .current_dir(&life.cwd)
                .env_clear()
                .envs(&life.env)
                .env("FULCRUM_GRPC_SERVER", &registrar.address)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()?,
        );
    }
    let outcome = children
        .iter_mut()
        .try_for_each(|child| wait_for_line(child, "registered"));
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    children.iter_mut().for_each(end);
    outcome.map(|()| took)
}

/// Milliseconds from starting Fulcrum until it says that all eight are ready.
fn by_fulcrum(app: &App) -> anyhow::Result<f64> {
    let run = app.fulcrum(&["dev"]);
    let begun = Instant::now();
    let mut child = run.piped()?;
    let outcome = wait_for_line(&mut child, &format!("{DOMAINS} domains ready in"));
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    app.fulcrum(&["down"]).output()?;
    end(&mut child);
    outcome.map(|()| took)
}

fn wait_for_line(child: &mut Child, wanted: &str) -> anyhow::Result<()> {
    let stdout = child.stdout.take().context("no output")?;
    let mut said = String::new();
    let mut lines = BufReader::new(stdout).lines();
    for line in &mut lines {
        let line = line?;
        if line.contains(wanted) {
            // Read on, so that a full or closed pipe can't disturb it.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(());
        }
        said.push_str(&line);
        said.push('\n');
    }
    bail!("it ended without saying {wanted:?}; it said\n{said}")
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
