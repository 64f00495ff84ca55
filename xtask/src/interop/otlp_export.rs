//! Exported logs at an OTLP receiver: complete and in order while it runs, no hindrance to domains
//! while it does not, and complete again afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::command::CommandRunner;
use crate::sample::{Running, Sample, Signal, send};
use crate::wait::until;
use crate::workspace;

const LINES: u64 = 1_000;

/// The maximum time until lines arrive, the longest pause between attempts included.
const ARRIVAL: Duration = Duration::from_secs(30);

/// The trace of every even line.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A domain that writes a requested count of numbered lines, in the format of pino.
const LOGGER_DOMAIN: &str = r#"
import { DomainBase } from '@fulcrum/domain';

export default class Logger extends DomainBase {
  async writeHandler({ from, lines }) {
    for (let n = from; n < from + lines; n += 1) {
      const trace = n % 2 === 0 ? { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' } : {};
      process.stdout.write(JSON.stringify({ level: n % 10 === 0 ? 50 : 30, ...trace, n }) + '\n');
    }
    return { success: true };
  }
}
"#;

/// Starts a receiver and the app, then kills the receiver, restarts it and suspends it.
pub(super) fn check(sample: &Sample, python: &Path, directory: &Path) -> anyhow::Result<()> {
    let app = sample.app();
    fs::create_dir_all(app.join("domains/logger"))?;
    fs::write(app.join("domains/logger/domain.js"), LOGGER_DOMAIN)?;
    let mut receiver = OtlpReceiver::start(python, directory, &app, 0)?;
    let config = format!(
        "runtime:\n  domains: [domains/catalog, domains/logger]\n  logs:\n    forward:\n      \
         otlp: http://127.0.0.1:{}\n      headers: {{X-Tenant: shop}}\n",
        receiver.port
    );
    fs::write(app.join("fulcrum.yml"), config)?;
    let running = sample.start()?;

    write_lines(&running, 0, LINES)?;
    receiver.expect_lines(LINES)?;
    receiver.check_records()?;
    println!("ok: {LINES} lines arrive, in order, none lost, with level, trace and source");

    receiver.child.kill()?;
    receiver.child.wait()?;
    let started = Instant::now();
    write_lines(&running, LINES, LINES)?;
    ensure!(
        running.domain("logger")?["ready"] == true && started.elapsed() < Duration::from_secs(5),
        "the domain stays ready and fast without a receiver; it took {:?}",
        started.elapsed()
    );
    expect_one_warning(&running, &format!("{} failed: ", receiver.port))?;
    let mut receiver = OtlpReceiver::start(python, directory, &app, receiver.port)?;
    receiver.expect_lines(2 * LINES)?;
    expect_one_warning(&running, &format!("{} recovered", receiver.port))?;
    println!("ok: a restarted receiver gets all lines");

    // Written right before the shutdown: pending lines are sent first.
    write_lines(&running, 2 * LINES, LINES)?;
    running.expect_exit_code(0, &["down"])?;
    receiver.expect_lines(3 * LINES)?;
    let about_itself = |record: &Value| {
        let body = record["body"].as_str().unwrap_or_default();
        body.contains("OTLP export")
    };
    ensure!(
        !receiver.records()?.iter().any(about_itself),
        "messages about the export are not exported"
    );
    println!("ok: the last lines arrive before the shutdown");

    let running = sample.start()?;
    send(i32::try_from(receiver.child.id())?, Signal::STOP)?;
    write_lines(&running, 3 * LINES, LINES)?;
    let started = Instant::now();
    running.expect_exit_code(0, &["down"])?;
    ensure!(
        started.elapsed() < Duration::from_secs(5),
        "a suspended receiver delays the shutdown by at most 2 s, not {:?}",
        started.elapsed()
    );
    println!("ok: a suspended receiver does not delay the shutdown");
    receiver.child.kill()?;
    receiver.child.wait()?;
    sample.assert_no_processes()
}

fn write_lines(running: &Running<'_>, from: u64, lines: u64) -> anyhow::Result<()> {
    let wanted = format!(r#"{{"from":{from},"lines":{lines}}}"#);
    running.expect_exit_code(0, &["domains", "call", "logger", "write_request", &wanted])?;
    Ok(())
}

/// Waits until one of Fulcrum's own lines contains `text`; more than one is a failure.
fn expect_one_warning(running: &Running<'_>, text: &str) -> anyhow::Result<()> {
    let count = until(&format!("a log line contains {text}"), ARRIVAL, || {
        let output = running.expect_exit_code(0, &["logs", "fulcrum", "-o", "json"])?;
        let lines = String::from_utf8(output.stdout)?;
        let count = lines.lines().filter(|line| line.contains(text)).count();
        Ok((count > 0).then_some(count))
    })?;
    ensure!(count == 1, "{count} log lines contain {text}, not one");
    Ok(())
}

/// The running program, and the file that it writes to. Dropping it kills the program.
pub(super) struct OtlpReceiver {
    child: Child,
    pub(super) port: u16,
    file: PathBuf,
}

impl OtlpReceiver {
    pub(super) fn start(
        python: &Path,
        directory: &Path,
        app: &Path,
        port: u16,
    ) -> anyhow::Result<Self> {
        let (log, file) = (app.join("receiver.log"), app.join("received.jsonl"));
        let child = CommandRunner::new(python, workspace::root())
            .arg(directory.join("receiver.py"))
            .arg(port.to_string())
            .arg(&file)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .start(&log)?;
        let mut receiver = Self { child, port, file };
        receiver.port = until("the receiver listens", ARRIVAL, || {
            let printed = fs::read_to_string(&log)?;
            if let Some(status) = receiver.child.try_wait()? {
                bail!("the receiver exited ({status}):\n{printed}");
            }
            let line = printed.strip_suffix('\n');
            let port = line.and_then(|line| line.rsplit_once(':')?.1.parse().ok());
            Ok(port)
        })?;
        Ok(receiver)
    }

    pub(super) fn records(&self) -> anyhow::Result<Vec<Value>> {
        let text = fs::read_to_string(&self.file).context("nothing was received")?;
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines();
        Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
    }

    /// The numbers of the logger's lines, in order of arrival.
    fn numbers(&self) -> anyhow::Result<Vec<u64>> {
        let number = |record: &Value| {
            let body: Value = serde_json::from_str(record["body"].as_str()?).ok()?;
            body["n"].as_u64()
        };
        Ok(self.records()?.iter().filter_map(number).collect())
    }

    /// Waits until that many lines have arrived, and checks their order.
    fn expect_lines(&self, lines: u64) -> anyhow::Result<()> {
        let mut seen = Vec::new();
        let complete = until("all lines have arrived", ARRIVAL, || {
            seen = self.numbers()?;
            Ok((seen.len() as u64 >= lines).then_some(()))
        });
        complete.with_context(|| format!("{} of {lines} lines arrived", seen.len()))?;
        let wrong = seen.iter().zip(0..).find(|(seen, place)| **seen != *place);
        ensure!(
            wrong.is_none() && seen.len() as u64 == lines,
            "lines arrive once and in order; the first that does not: {wrong:?} of {}",
            seen.len()
        );
        Ok(())
    }

    fn check_records(&self) -> anyhow::Result<()> {
        let records = self.records()?;
        let about = |service: &str| {
            let of = |record: &&Value| record["service"] == service;
            records.iter().filter(of).collect::<Vec<_>>()
        };
        let mut checked = 0;
        for (place, record) in about("logger").iter().enumerate() {
            let Ok(body) = serde_json::from_str::<Value>(record["body"].as_str().unwrap_or(""))
            else {
                continue;
            };
            let Some(n) = body["n"].as_u64() else {
                continue;
            };
            let (severity, word) = if n % 10 == 0 {
                (17, "error")
            } else {
                (9, "info")
            };
            let trace = if n % 2 == 0 { TRACE } else { "" };
            ensure!(
                record["severity"] == severity
                    && record["severity_text"] == word
                    && record["trace_id"] == trace
                    && record["tenant"] == "shop"
                    && record["scope"] == "fulcrum"
                    && record["attributes"]["stream"] == "stdout"
                    && record["attributes"]["generation"] == 1
                    && record["attributes"]["pid"].as_i64() > Some(1)
                    && record["attributes"]["seq"].as_i64() > Some(0)
                    && record["time"].as_u64() > Some(1_500_000_000_000_000_000),
                "record {place} of logger is not what was written: {record}"
            );
            checked += 1;
        }
        ensure!(
            checked == LINES,
            "the service logger wrote {checked} of {LINES} lines"
        );
        ensure!(
            !about("catalog").is_empty() && !about("fulcrum").is_empty(),
            "every domain is a service, and so is fulcrum itself"
        );
        Ok(())
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        // Only after a failure, which has been reported; otherwise the process has exited.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
