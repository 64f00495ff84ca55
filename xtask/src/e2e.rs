//! `cargo xtask e2e`: a user's session with the sample app, unattended.
//!
//! First in the background: start, list, call, kill a domain, restart one, read logs, stop.
//! Then in the foreground: start, Ctrl-C. After each, no process of the run may remain.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::sample::{self, DOMAINS, Running, Sample, Signal};
use crate::wait::until;

/// The maximum time until a killed domain is ready again, or until all are stopped.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs all steps, and prints each with its time.
///
/// # Errors
/// The step that failed, with the command to repeat and its output.
pub(crate) fn run() -> anyhow::Result<()> {
    let program = step("build fulcrum", sample::build)?;
    let sample = step("copy the sample app", || Sample::copy(program))?;
    sample.run_with(|sample| {
        in_background(sample)?;
        in_foreground(sample)
    })
}

fn in_background(sample: &Sample) -> anyhow::Result<()> {
    let running = step("fulcrum dev --detach --wait", || sample.start())?;
    step(
        "domains list shows three ready and pricing without a process",
        || check_list(&running),
    )?;
    step("domains status shows the instance", || {
        check_status(&running)
    })?;
    step("orders answers a call through catalog", || {
        call_orders(&running)
    })?;
    step("notifications, without the SDK, answers a call", || {
        call_notifications(&running)
    })?;
    step("catalog's error is returned through orders, exit 1", || {
        let output = running.expect_exit_code(
            1,
            &["domains", "call", "orders", ORDER, r#"{"sku":"none"}"#],
        )?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            text.contains("tea-green"),
            "stderr does not contain catalog's error: {text}"
        );
        Ok(())
    })?;
    step("an unknown domain is exit 4", || {
        running
            .expect_exit_code(4, &["domains", "call", "nobody", "x_request"])
            .map(drop)
    })?;
    let generation = step("kill -9 catalog: it is restarted and ready", || {
        check_restart_after_kill(&running)
    })?;
    step("orders answers a call through the new catalog", || {
        call_orders(&running)
    })?;
    step("domains restart orders: a new generation, ready", || {
        restart(&running)
    })?;
    step("logs of catalog, of both generations", || {
        logs(&running, generation)
    })?;
    step("fulcrum down", || {
        running.expect_exit_code(0, &["down"]).map(drop)
    })?;
    step("no process remains", || sample.assert_no_processes())?;
    step("domains list without an instance is exit 3", || {
        running.expect_exit_code(3, &["domains", "list"]).map(drop)
    })
}

fn in_foreground(sample: &Sample) -> anyhow::Result<()> {
    let (_running, mut child, log) = step("fulcrum dev", || sample.start_in_foreground())?;
    step("Ctrl-C stops it with exit 0", || {
        send_interrupt(child.id())?;
        let status = until("`fulcrum dev` exits", LIMIT, || Ok(child.try_wait()?))?;
        let printed = std::fs::read_to_string(&log)?;
        ensure!(
            status.success(),
            "it exited with {status}; it printed:\n{printed}"
        );
        Ok(())
    })?;
    step("no process remains", || sample.assert_no_processes())
}

/// Runs one step, and prints its name and its time.
fn step<T>(name: &str, run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let started = Instant::now();
    let result = run();
    let outcome = if result.is_ok() { "" } else { "FAILED: " };
    eprintln!("{:8.2} s  {outcome}{name}", started.elapsed().as_secs_f64());
    result.with_context(|| format!("step \"{name}\""))
}

const ORDER: &str = "order_create_request";

fn check_list(running: &Running) -> anyhow::Result<()> {
    let list = running.json(&["domains", "list", "-o", "json"])?;
    let domains = list.as_array().context("the list is not an array")?;
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
        ensure!(good, "{name} is not ready: {domain}");
    }
    let pricing = running.domain("pricing")?;
    ensure!(
        pricing["pid"].is_null() && pricing["entry"].is_null() && pricing["ready"] == false,
        "pricing has no program, but the list has: {pricing}"
    );
    Ok(())
}

fn check_status(running: &Running) -> anyhow::Result<()> {
    let status = running.json(&["domains", "status", "-o", "json"])?;
    let instance = &status["instance"];
    ensure!(instance["mode"] == "dev", "the mode is not dev: {status}");
    let address = instance["grpc"].as_str().unwrap_or_default();
    ensure!(
        address.starts_with("127.0.0.1:"),
        "no gRPC address: {status}"
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
    ensure!(good, "not the expected order: {answer}");
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
    ensure!(answer["sent"] == 1, "not the expected response: {answer}");
    Ok(())
}

/// Kills catalog and waits for its next generation, which is returned.
fn check_restart_after_kill(running: &Running) -> anyhow::Result<u64> {
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
        json_number(&after, "generation")? > json_number(&before, "generation")?,
        "the same generation: {after}"
    );
    ensure!(
        json_number(&after, "restarts")? > json_number(&before, "restarts")?,
        "the restart is not counted: {after}"
    );
    ensure!(
        after["last_exit"]["signal"] == 9,
        "the signal is not in the last exit: {after}"
    );
    json_number(&after, "generation")
}

fn restart(running: &Running) -> anyhow::Result<()> {
    let before = running.domain("orders")?;
    running.expect_exit_code(0, &["domains", "restart", "orders"])?;
    // The command waits for the outcome, so there is nothing to wait for here.
    let after = running.domain("orders")?;
    ensure!(
        after["ready"] == true && after["pid"] != before["pid"],
        "not restarted: {after}"
    );
    ensure!(
        json_number(&after, "generation")? > json_number(&before, "generation")?,
        "the same generation: {after}"
    );
    Ok(())
}

/// Both generations of catalog wrote their first line, and Fulcrum logged the restart.
fn logs(running: &Running, last: u64) -> anyhow::Result<()> {
    let output = running.expect_exit_code(0, &["domains", "logs", "catalog", "-o", "json"])?;
    let text = String::from_utf8(output.stdout).context("the log is not UTF-8")?;
    let lines = text
        .lines()
        .map(serde_json::from_str::<Value>)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("a line of the log is not JSON:\n{text}"))?;
    let mut generations = Vec::new();
    for line in &lines {
        ensure!(
            line["domain"] == "catalog",
            "a line of another domain: {line}"
        );
        if line["stream"] == "stdout" && line["message"] == "catalog has 3 products" {
            generations.push(json_number(line, "generation")?);
        }
    }
    ensure!(
        generations.len() == 2 && generations[1] == last,
        "generations with a first line: {generations:?}, the log:\n{text}"
    );
    if !lines.iter().any(|line| line["stream"] == "fulcrum") {
        bail!("Fulcrum's own lines about catalog are missing:\n{text}");
    }
    Ok(())
}

fn json_number(value: &Value, key: &str) -> anyhow::Result<u64> {
    value[key]
        .as_u64()
        .with_context(|| format!("{key} is not a number: {value}"))
}

fn send_interrupt(pid: u32) -> anyhow::Result<()> {
    sample::send(i32::try_from(pid)?, Signal::INT)
}
