//! `cargo xtask e2e`: what a person does with the sample app, unattended.
//!
//! First in the background: start, list, call, kill a domain, restart one, read logs, stop.
//! Then in the foreground: start, Ctrl-C. After each, no process of the run may be left.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::sample::{self, DOMAINS, Running, Sample, Signal};
use crate::wait::until;

/// How long Fulcrum may need to have a killed domain back, or to stop all of them.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs everything, and prints what it does.
///
/// # Errors
/// The step that failed, with the command to repeat and what it printed.
pub(crate) fn run() -> anyhow::Result<()> {
    let program = step("build fulcrum", sample::build)?;
    let sample = step("copy the sample app", || Sample::copy(program))?;
    sample.used_by(|sample| {
        in_background(sample)?;
        in_foreground(sample)
    })
}

fn in_background(sample: &Sample) -> anyhow::Result<()> {
    let running = step("fulcrum dev --detach --wait", || sample.start())?;
    step(
        "domains list shows three ready and pricing without a process",
        || listed(&running),
    )?;
    step("domains status tells about the instance", || {
        status(&running)
    })?;
    step("orders answers a call through catalog", || {
        call_orders(&running)
    })?;
    step("notifications, without the SDK, answers a call", || {
        call_notifications(&running)
    })?;
    step("catalog's error comes back through orders, exit 1", || {
        let output = running.exits_with(
            1,
            &["domains", "call", "orders", ORDER, r#"{"sku":"none"}"#],
        )?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            text.contains("tea-green"),
            "stderr doesn't carry catalog's error: {text}"
        );
        Ok(())
    })?;
    step("an unknown domain is exit 4", || {
        running
            .exits_with(4, &["domains", "call", "nobody", "x_request"])
            .map(drop)
    })?;
    let generation = step("kill -9 catalog: it comes back, ready", || {
        killed_and_back(&running)
    })?;
    step("orders answers a call through the new catalog", || {
        call_orders(&running)
    })?;
    step("domains restart orders: a new life, ready", || {
        restart(&running)
    })?;
    step("logs of catalog, of both its lives", || {
        logs(&running, generation)
    })?;
    step("fulcrum down", || {
        running.exits_with(0, &["down"]).map(drop)
    })?;
    step("nothing is left", || sample.nothing_left())?;
    step("domains list without an instance is exit 3", || {
        running.exits_with(3, &["domains", "list"]).map(drop)
    })
}

fn in_foreground(sample: &Sample) -> anyhow::Result<()> {
    let (_running, mut child, log) = step("fulcrum dev", || sample.start_in_foreground())?;
    step("Ctrl-C ends it with exit 0", || {
        send_interrupt(child.id())?;
        let status = until("`fulcrum dev` ends", LIMIT, || Ok(child.try_wait()?))?;
        let printed = std::fs::read_to_string(&log)?;
        ensure!(
            status.success(),
            "it ended with {status}; it printed:\n{printed}"
        );
        Ok(())
    })?;
    step("nothing is left", || sample.nothing_left())
}

/// Does one thing, and prints its name and how long it took.
fn step<T>(name: &str, run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let begun = Instant::now();
    let result = run();
    let outcome = if result.is_ok() { "" } else { "FAILED: " };
    eprintln!("{:8.2} s  {outcome}{name}", begun.elapsed().as_secs_f64());
    result.with_context(|| format!("step \"{name}\""))
}

const ORDER: &str = "order_create_request";

fn listed(running: &Running) -> anyhow::Result<()> {
    let list = running.json(&["domains", "list", "-o", "json"])?;
    let domains = list.as_array().context("the list isn't an array")?;
    let names: Vec<_> = domains.iter().map(|domain| &domain["name"]).collect();
    ensure!(
        names == ["catalog", "notifications", "orders", "pricing"],
        "the names are {names:?}"
    );
    for name in DOMAINS {
        let domain = running.domain(name)?;
        let good = domain["ready"] == true
            && domain["phase"] == "running"
            && domain["goal"] == "up"
            && domain["pid"].is_u64();
        ensure!(good, "{name} isn't ready: {domain}");
    }
    let pricing = running.domain("pricing")?;
    ensure!(
        pricing["pid"].is_null() && pricing["entry"].is_null() && pricing["ready"] == false,
        "pricing has no program, but the list says: {pricing}"
    );
    Ok(())
}

fn status(running: &Running) -> anyhow::Result<()> {
    let status = running.json(&["domains", "status", "-o", "json"])?;
    let instance = &status["instance"];
    ensure!(instance["mode"] == "dev", "the mode isn't dev: {status}");
    let address = instance["grpc"].as_str().unwrap_or_default();
    ensure!(
        address.starts_with("127.0.0.1:"),
        "no address to reach: {status}"
    );
    Ok(())
}

fn call_orders(running: &Running) -> anyhow::Result<()> {
    let request = r#"{"sku":"tea-green","quantity":3}"#;
    let answer = running.json(&["domains", "call", "orders", ORDER, request])?;
    let order = &answer["order"];
    // 3 × 6.90, plus 19 %.
    let good =
        order["product"]["name"] == "Green tea, 100 g" && order["price"]["totalCents"] == 2463;
    ensure!(good, "not the order that was asked for: {answer}");
    Ok(())
}

fn call_notifications(running: &Running) -> anyhow::Result<()> {
    let request = r#"{"to":"ann@example.com","text":"on its way"}"#;
    let answer = running.json(&[
        "domains",
        "call",
        "notifications",
        "notification_send_request",
        request,
    ])?;
    ensure!(
        answer["sent"] == 1,
        "not what notifications should answer: {answer}"
    );
    Ok(())
}

/// Kills catalog and waits for its next life, whose generation is returned.
fn killed_and_back(running: &Running) -> anyhow::Result<u64> {
    let before = running.domain("catalog")?;
    let pid = before["pid"].as_i64().context("catalog has no pid")?;
    sample::send(i32::try_from(pid)?, Signal::KILL)?;
    let after = until("catalog is ready with a new pid", LIMIT, || {
        let now = running.domain("catalog")?;
        Ok(
            (now["ready"] == true && now["pid"].is_u64() && now["pid"] != before["pid"])
                .then_some(now),
        )
    })?;
    ensure!(
        number(&after, "generation")? > number(&before, "generation")?,
        "the same life: {after}"
    );
    ensure!(
        number(&after, "restarts")? > number(&before, "restarts")?,
        "not counted: {after}"
    );
    ensure!(
        after["last_exit"]["signal"] == 9,
        "the signal isn't told: {after}"
    );
    number(&after, "generation")
}

fn restart(running: &Running) -> anyhow::Result<()> {
    let before = running.domain("orders")?;
    running.exits_with(0, &["domains", "restart", "orders"])?;
    // The command waits for the outcome, so there is nothing to wait for here.
    let after = running.domain("orders")?;
    ensure!(
        after["ready"] == true && after["pid"] != before["pid"],
        "not restarted: {after}"
    );
    ensure!(
        number(&after, "generation")? > number(&before, "generation")?,
        "the same life: {after}"
    );
    Ok(())
}

/// Both lives of catalog said hello, and Fulcrum said why there were two.
fn logs(running: &Running, last: u64) -> anyhow::Result<()> {
    let output = running.exits_with(0, &["domains", "logs", "catalog", "-o", "json"])?;
    let text = String::from_utf8(output.stdout).context("the log isn't UTF-8")?;
    let lines = text
        .lines()
        .map(serde_json::from_str::<Value>)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("a line of the log isn't JSON:\n{text}"))?;
    let mut lives = Vec::new();
    for line in &lines {
        ensure!(
            line["domain"] == "catalog",
            "a line of another domain: {line}"
        );
        if line["stream"] == "stdout" && line["message"] == "catalog has 3 products" {
            lives.push(number(line, "generation")?);
        }
    }
    ensure!(
        lives.len() == 2 && lives[1] == last,
        "lives that said hello: {lives:?}, the log:\n{text}"
    );
    if !lines.iter().any(|line| line["stream"] == "fulcrum") {
        bail!("Fulcrum's own words about catalog are missing:\n{text}");
    }
    Ok(())
}

fn number(value: &Value, key: &str) -> anyhow::Result<u64> {
    value[key]
        .as_u64()
        .with_context(|| format!("{key} isn't a number: {value}"))
}

fn send_interrupt(pid: u32) -> anyhow::Result<()> {
    sample::send(i32::try_from(pid)?, Signal::INT)
}
