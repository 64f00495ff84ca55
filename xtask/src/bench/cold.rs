//! Cold start of eight trivial domains: Fulcrum, beside the same eight commands started directly
//! and in parallel.

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
const TARGET_RATIO: f64 = 1.25;

pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    let nodes = nodes::install()?;
    println!(
        "node  language         directly   fulcrum    ratio  target    (medians of {ROUNDS}, {DOMAINS} domains)"
    );
    for (name, node, language) in [
        ("20", nodes.v20.as_path(), Language::Module),
        ("20", nodes.v20.as_path(), Language::TypeScript),
        ("24", nodes.v24.as_path(), Language::Module),
    ] {
        let app = App::new(fulcrum, node, language, DOMAINS)?;
        let commands = commands(&app)?;
        let server = RegistrationServer::start(node)?;
        let (mut direct, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..=ROUNDS {
            direct.push(measure_direct(&commands, &server)?);
            whole.push(measure_fulcrum(&app)?);
        }
        let (direct, whole) = (median(&direct[1..]), median(&whole[1..]));
        let verdict = if whole / direct <= TARGET_RATIO {
            "reached"
        } else {
            "MISSED"
        };
        println!(
            "{name:4}  {:15} {direct:6.1} ms  {whole:6.1} ms  {:5.2}  {TARGET_RATIO}  {verdict}",
            language.name(),
            whole / direct,
        );
    }
    Ok(())
}

/// A domain's command as Fulcrum runs it.
struct LaunchCommand {
    command: Vec<String>,
    cwd: String,
    env: BTreeMap<String, String>,
}

fn commands(app: &App) -> anyhow::Result<Vec<LaunchCommand>> {
    app.fulcrum(&["dev", "--detach", "--wait"]).stdout()?;
    let commands = (0..DOMAINS).map(|index| {
        let status = app.json(&["domains", "status", &format!("d{index}"), "-o", "json"])?;
        let texts = |value: &Value| -> Option<Vec<String>> {
            value
                .as_array()?
                .iter()
                .map(|text| Some(text.as_str()?.to_owned()))
                .collect()
        };
        let env = status["env"].as_object().context("no environment")?;
        Ok(LaunchCommand {
            command: texts(&status["command"]).context("no command")?,
            cwd: status["cwd"]
                .as_str()
                .context("no working directory")?
                .to_owned(),
            env: env
                .iter()
                .filter(|(name, _)| *name != "FULCRUM_DOMAIN_TOKEN")
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
        })
    });
    let commands = commands.collect();
    app.fulcrum(&["down"]).output()?;
    commands
}

/// A process that registers every domain.
struct RegistrationServer {
    child: Child,
    address: String,
}

impl RegistrationServer {
    fn start(node: &Path) -> anyhow::Result<Self> {
        let root = workspace::root();
        let mut child = Command::new(node)
            .arg(root.join("xtask/src/bench/registration-server.mjs"))
            .arg(root.join("sdk/node/test"))
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("no output")?;
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address)?;
        ensure!(
            address.contains(':'),
            "the registration server did not start: {address:?}"
        );
        Ok(Self {
            child,
            address: address.trim().to_owned(),
        })
    }
}

impl Drop for RegistrationServer {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

/// Milliseconds until all eight, started directly, print that they are registered.
fn measure_direct(commands: &[LaunchCommand], server: &RegistrationServer) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut children = Vec::new();
    for command in commands {
        let (program, args) = command.command.split_first().context("an empty command")?;
        children.push(
            Command::new(program)
                .args(args)
                .current_dir(&command.cwd)
                .env_clear()
                .envs(&command.env)
                .env("FULCRUM_GRPC_SERVER", &server.address)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()?,
        );
    }
    let outcome = children
        .iter_mut()
        .try_for_each(|child| wait_for_line(child, "registered"));
    let took = started.elapsed().as_secs_f64() * 1000.0;
    children.iter_mut().for_each(kill);
    outcome.map(|()| took)
}

/// Milliseconds from the start of Fulcrum until it prints that all eight are ready.
fn measure_fulcrum(app: &App) -> anyhow::Result<f64> {
    let run = app.fulcrum(&["dev"]);
    let started = Instant::now();
    let mut child = run.piped()?;
    let outcome = wait_for_line(&mut child, &format!("{DOMAINS} domains ready in"));
    let took = started.elapsed().as_secs_f64() * 1000.0;
    app.fulcrum(&["down"]).output()?;
    kill(&mut child);
    outcome.map(|()| took)
}

fn wait_for_line(child: &mut Child, wanted: &str) -> anyhow::Result<()> {
    let stdout = child.stdout.take().context("no output")?;
    let mut output = String::new();
    let mut lines = BufReader::new(stdout).lines();
    for line in &mut lines {
        let line = line?;
        if line.contains(wanted) {
            // Read on, so that a full or closed pipe does not disturb it.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(());
        }
        output.push_str(&line);
        output.push('\n');
    }
    bail!("it exited without printing {wanted:?}; it printed\n{output}")
}

fn kill(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
