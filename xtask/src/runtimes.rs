//! `cargo xtask runtimes`: the sample app's `catalog` under each Node, Bun and Deno: it registers,
//! answers, crashes and is explained, hangs and is found, is reloaded, and stops after its dependent.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::node_tools::{self, NODE_VERSIONS};
use crate::sample::{self, Running, Sample};
use crate::steps::format_error;
use crate::wait::until;
use crate::workspace;

/// The maximum time of a restart or a reload on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A runtime that is not Node: the word of `process.runtime`, and its version in npm.
const OTHERS: [(&str, &str); 2] = [("bun", "1.4.5"), ("deno", "2.9.6")];

/// Ways to fail, which the sample's domain does not have.
const FAILURES: &str = "\
  async crashHandler() {
    setTimeout(() => { throw new Error('the shelf fell over'); }, 10);
    return { success: true };
  }

  async hangHandler() {
    for (;;) {}
  }

";

/// A handler of the sample's domain, before which [`FAILURES`] are inserted.
const LAST_HANDLER: &str = "  async productIndexHandler() {";

const DEPENDENT: &str = "\
import { DomainBase } from '@fulcrum/domain';
export default class Front extends DomainBase {}
";

struct Runtime {
    name: String,
    /// The word of `process.runtime`.
    word: &'static str,
    program: PathBuf,
}

/// Runs the check under each runtime whose name contains `filter`.
///
/// # Errors
/// A runtime under which something is wrong, or none with that name.
pub(crate) fn run(filter: Option<&str>) -> anyhow::Result<()> {
    let program = sample::build()?;
    let mut failed = 0;
    let mut passed = 0;
    for name in names() {
        if filter.is_some_and(|filter| !name.contains(filter)) {
            continue;
        }
        let started = Instant::now();
        let result = install(&name).and_then(|runtime| {
            Sample::empty(program.clone(), "")?.run_with(|sample| check(sample, &runtime))
        });
        let took = started.elapsed().as_secs_f64();
        match result {
            Ok(outcome) => {
                passed += 1;
                println!("{took:6.1} s  {name:<12} {outcome}");
            }
            Err(error) => {
                failed += 1;
                println!("{took:6.1} s  {name:<12} FAILED");
                eprintln!("{}", format_error(&error));
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed > 0 || passed == 0 {
        bail!("{failed} runtimes failed, {passed} passed");
    }
    Ok(())
}

fn names() -> Vec<String> {
    let nodes = NODE_VERSIONS.iter().map(|node| format!("node-{node}"));
    let others = OTHERS.iter().map(|(word, _)| (*word).to_owned());
    nodes.chain(others).collect()
}

fn install(name: &str) -> anyhow::Result<Runtime> {
    let runtime = |word, program| Runtime {
        name: name.to_owned(),
        word,
        program,
    };
    if let Some(node) = NODE_VERSIONS
        .iter()
        .find(|node| format!("node-{node}") == name)
    {
        return Ok(runtime("node", node.install()?));
    }
    let other = OTHERS.iter().find(|(word, _)| *word == name);
    let (word, version) = *other.with_context(|| format!("no runtime {name}"))?;
    let directory = workspace::tools()?.join(format!("{word}-{version}"));
    node_tools::install(&directory, &[&format!("{word}@{version}")])?;
    let program = directory
        .join("node_modules/.bin")
        .join(word)
        .canonicalize()?;
    Ok(runtime(word, program))
}

/// Writes the app, and goes through the life of its domain.
fn check(sample: &Sample, runtime: &Runtime) -> anyhow::Result<String> {
    let app = sample.app();
    let shop = workspace::root().join("tests/apps/shop");
    let text = fs::read_to_string(shop.join("domains/catalog/domain.js"))?;
    ensure!(
        text.contains(LAST_HANDLER),
        "the sample's catalog has changed"
    );
    let text = text.replacen(LAST_HANDLER, &format!("{FAILURES}{LAST_HANDLER}"), 1);
    for domain in ["catalog", "front"] {
        fs::create_dir_all(app.join("domains").join(domain))?;
    }
    let entry = app.join("domains/catalog/domain.js");
    fs::write(&entry, &text)?;
    fs::write(app.join("package.json"), "{\"type\":\"module\"}\n")?;
    fs::write(app.join("domains/front/domain.js"), DEPENDENT)?;
    fs::write(
        app.join("domains/front/fulcrum.yml"),
        "process: {depends_on: [catalog]}\n",
    )?;
    let settings = format!(
        "runtime:\n  defaults:\n    runtime: {}\n    node: {}\n    heartbeat: {{interval: 500ms, misses: 2}}\n",
        runtime.word,
        runtime.program.display()
    );
    fs::write(app.join("fulcrum.yml"), settings)?;
    let running = sample.start()?;
    expect_runner(&running, runtime)?;
    expect_product(&running)?;

    running.expect_exit_code(0, &["domains", "call", "catalog", "crash_request", "{}"])?;
    wait_for_generation(&running, 2)?;
    let why = running.fulcrum(&["domains", "why", "catalog"]).stdout()?;
    ensure!(
        why.contains("the shelf fell over") && why.contains("domain.js:"),
        "the crash is not explained:\n{why}"
    );
    expect_product(&running)?;

    let hang = running.fulcrum(&[
        "domains",
        "call",
        "catalog",
        "hang_request",
        "{}",
        "--timeout",
        "1s",
    ]);
    ensure!(!hang.output()?.status.success(), "a hung domain answered");
    wait_for_generation(&running, 3)?;
    let why = running.fulcrum(&["domains", "why", "catalog"]).stdout()?;
    ensure!(
        why.contains("unresponsive"),
        "the hang is not explained:\n{why}"
    );
    expect_product(&running)?;

    fs::write(&entry, text.replace("Green tea", "Greener tea"))?;
    wait_for_generation(&running, 4)?;
    let answer = product(&running)?;
    ensure!(
        answer["product"]["name"] == "Greener tea, 100 g",
        "not the new code: {answer}"
    );

    running.expect_exit_code(0, &["domains", "stop", "all"])?;
    expect_order(&running)?;
    running.expect_exit_code(0, &["down"])?;
    sample.assert_no_processes()?;
    Ok(
        "registered, called, crashed and explained, hung and found, reloaded, stopped in order"
            .to_owned(),
    )
}

/// `status` names the runtime by its own version, never as the Node that it imitates.
fn expect_runner(running: &Running<'_>, runtime: &Runtime) -> anyhow::Result<()> {
    let text = running
        .fulcrum(&["domains", "status", "catalog"])
        .stdout()?;
    let runner = text
        .lines()
        .find(|line| line.starts_with("runner"))
        .with_context(|| format!("no runner:\n{text}"))?;
    let start = format!("{} ", runtime.word);
    ensure!(
        runner
            .trim_start_matches("runner")
            .trim_start()
            .starts_with(&start),
        "{} is shown as {runner}",
        runtime.name
    );
    Ok(())
}

fn product(running: &Running<'_>) -> anyhow::Result<Value> {
    let call = [
        "domains",
        "call",
        "catalog",
        "product_get_request",
        r#"{"sku":"tea-green"}"#,
    ];
    running.json(&call)
}

fn expect_product(running: &Running<'_>) -> anyhow::Result<()> {
    let answer = product(running)?;
    ensure!(
        answer["product"]["priceCents"] == 690,
        "a wrong answer: {answer}"
    );
    Ok(())
}

/// Waits until this generation, or a later one, is ready.
fn wait_for_generation(running: &Running<'_>, generation: u64) -> anyhow::Result<()> {
    until(&format!("generation {generation} is ready"), LIMIT, || {
        let domain = running.domain("catalog")?;
        let is_there = domain["generation"].as_u64() >= Some(generation);
        Ok((is_there && domain["ready"] == true).then_some(()))
    })
}

/// The dependent has stopped before its dependency was stopped.
fn expect_order(running: &Running<'_>) -> anyhow::Result<()> {
    let text = running
        .fulcrum(&["domains", "events", "-o", "json"])
        .stdout()?;
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let last = |domain: &str, phase: &str| {
        events
            .iter()
            .rposition(|event| event["domain"] == domain && event["to"] == phase)
            .with_context(|| format!("{domain} was never {phase}:\n{text}"))
    };
    ensure!(
        last("front", "stopped")? < last("catalog", "stopping")?,
        "catalog was stopped before its dependent:\n{text}"
    );
    Ok(())
}
