//! What a domain says, at a receiver of OTLP logs: complete and in order while it is there,
//! nobody's trouble while it isn't, and complete again afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::command::Run;
use crate::sample::{Running, Sample, Signal, send};
use crate::wait::until;
use crate::workspace;

const LINES: u64 = 1_000;

/// How long lines may take to arrive, the longest pause between attempts included.
const ARRIVAL: Duration = Duration::from_secs(30);

/// The trace of every even line.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A domain that says as many numbered lines as it is asked for, as pino does.
const TELLER: &str = r#"
import { DomainBase } from '@fulcrum/domain';

export default class Teller extends DomainBase {
  async sayHandler({ from, lines }) {
    for (let n = from; n < from + lines; n += 1) {
      const trace = n % 2 === 0 ? { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' } : {};
      process.stdout.write(JSON.stringify({ level: n % 10 === 0 ? 50 : 30, ...trace, n }) + '\n');
    }
    return { success: true };
  }
}
"#;

/// Starts a receiver and the app, and takes the receiver away in every way.
pub(super) fn check(sample: &Sample, python: &Path, folder: &Path) -> anyhow::Result<()> {
    let app = sample.app();
    fs::create_dir_all(app.join("domains/teller"))?;
    fs::write(app.join("domains/teller/domain.js"), TELLER)?;
    let mut receiver = Receiver::start(python, folder, &app, 0)?;
    let config = format!(
        "runtime:\n  domains: [domains/catalog, domains/teller]\n  logs:\n    forward:\n      \
         otlp: http://127.0.0.1:{}\n      headers: {{X-Tenant: shop}}\n",
        receiver.port
    );
    fs::write(app.join("fulcrum.yml"), config)?;
    let running = sample.start()?;

    say(&running, 0, LINES)?;
    receiver.has_all(LINES)?;
    receiver.has_what_each_line_is()?;
    println!("ok: {LINES} lines arrive, in order, none lost, with level, trace and source");

    receiver.child.kill()?;
    receiver.child.wait()?;
    let begun = Instant::now();
    say(&running, LINES, LINES)?;
    ensure!(
        running.domain("teller")?["ready"] == true && begun.elapsed() < Duration::from_secs(5),
        "the domain is ready and quick while its receiver is gone, not {:?}",
        begun.elapsed()
    );
    warned_once(&running, "aren't forwarded to")?;
    let mut receiver = Receiver::start(python, folder, &app, receiver.port)?;
    receiver.has_all(2 * LINES)?;
    warned_once(&running, "are forwarded to")?;
    println!("ok: a receiver that is gone for a while gets all lines in the end");

    // Said right before the end: what is on its way is sent first.
    say(&running, 2 * LINES, LINES)?;
    running.exits_with(0, &["down"])?;
    receiver.has_all(3 * LINES)?;
    let about_itself = |record: &Value| {
        let body = record["body"].as_str().unwrap_or_default();
        body.contains("forwarded to")
    };
    ensure!(
        !receiver.records()?.iter().any(about_itself),
        "the words about forwarding aren't forwarded"
    );
    println!("ok: the last lines arrive before the end");

    let running = sample.start()?;
    send(i32::try_from(receiver.child.id())?, Signal::STOP)?;
    say(&running, 3 * LINES, LINES)?;
    let begun = Instant::now();
    running.exits_with(0, &["down"])?;
    ensure!(
        begun.elapsed() < Duration::from_secs(5),
        "a receiver that is stuck holds up the end for 2 s at most, not {:?}",
        begun.elapsed()
    );
    println!("ok: a receiver that is stuck doesn't hold up the end");
    receiver.child.kill()?;
    receiver.child.wait()?;
    sample.nothing_left()
}

fn say(running: &Running<'_>, from: u64, lines: u64) -> anyhow::Result<()> {
    let wanted = format!(r#"{{"from":{from},"lines":{lines}}}"#);
    running.exits_with(0, &["domains", "call", "teller", "say_request", &wanted])?;
    Ok(())
}

/// Waits until one of Fulcrum's own lines has these words; more than one is a failure.
fn warned_once(running: &Running<'_>, words: &str) -> anyhow::Result<()> {
    let told = until(&format!("a line says that logs {words}"), ARRIVAL, || {
        let output = running.exits_with(0, &["logs", "fulcrum", "-o", "json"])?;
        let text = String::from_utf8(output.stdout)?;
        let told = text.lines().filter(|line| line.contains(words)).count();
        Ok((told > 0).then_some(told))
    })?;
    ensure!(told == 1, "logs {words}: told {told} times instead of once");
    Ok(())
}

/// The running program, and the file that it writes to. Dropping it ends it.
struct Receiver {
    child: Child,
    port: u16,
    file: PathBuf,
}

impl Receiver {
    fn start(python: &Path, folder: &Path, app: &Path, port: u16) -> anyhow::Result<Self> {
        let (log, file) = (app.join("receiver.log"), app.join("received.jsonl"));
        let child = Run::new(python, workspace::root())
            .arg(folder.join("receiver.py"))
            .arg(port.to_string())
            .arg(&file)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .start(&log)?;
        let mut receiver = Self { child, port, file };
        receiver.port = until("the receiver listens", ARRIVAL, || {
            let printed = fs::read_to_string(&log)?;
            if let Some(status) = receiver.child.try_wait()? {
                bail!("the receiver ended by itself ({status}):\n{printed}");
            }
            let line = printed.strip_suffix('\n');
            let port = line.and_then(|line| line.rsplit_once(':')?.1.parse().ok());
            Ok(port)
        })?;
        Ok(receiver)
    }

    fn records(&self) -> anyhow::Result<Vec<Value>> {
        let text = fs::read_to_string(&self.file).context("nothing was received")?;
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines();
        Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
    }

    /// The numbers of the teller's lines, as they came.
    fn numbers(&self) -> anyhow::Result<Vec<u64>> {
        let number = |record: &Value| {
            let body: Value = serde_json::from_str(record["body"].as_str()?).ok()?;
            body["n"].as_u64()
        };
        Ok(self.records()?.iter().filter_map(number).collect())
    }

    /// Waits until that many lines have come, and looks at their order.
    fn has_all(&self, lines: u64) -> anyhow::Result<()> {
        let mut seen = Vec::new();
        let complete = until("all lines have arrived", ARRIVAL, || {
            seen = self.numbers()?;
            Ok((seen.len() as u64 >= lines).then_some(()))
        });
        complete.with_context(|| format!("{} of {lines} lines arrived", seen.len()))?;
        let wrong = seen.iter().zip(0..).find(|(seen, place)| **seen != *place);
        ensure!(
            wrong.is_none() && seen.len() as u64 == lines,
            "lines come once and in order; the first that doesn't: {wrong:?} of {}",
            seen.len()
        );
        Ok(())
    }

    fn has_what_each_line_is(&self) -> anyhow::Result<()> {
        let records = self.records()?;
        let about = |service: &str| {
            let of = |record: &&Value| record["service"] == service;
            records.iter().filter(of).collect::<Vec<_>>()
        };
        let mut checked = 0;
        for (place, record) in about("teller").iter().enumerate() {
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
                "record {place} of teller isn't what was said: {record}"
            );
            checked += 1;
        }
        ensure!(
            checked == LINES,
            "the service teller said {checked} of {LINES} lines"
        );
        ensure!(
            !about("catalog").is_empty() && !about("fulcrum").is_empty(),
            "every domain is a service, and so is fulcrum itself"
        );
        Ok(())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // After a failure, which was told already; else it is gone.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
