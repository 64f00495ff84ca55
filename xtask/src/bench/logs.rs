//! Speed and cost of storing the output of domains, beside `cat > file`.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};

use super::app::App;
use super::median::median;
use crate::wait::until;

/// Of all domains together.
const BYTES: u64 = 1 << 30;
const ROUNDS: usize = 3;
const TARGET_RATIO: f64 = 0.9;
const TARGET_CPU: f64 = 0.9;
const TARGET_GROWTH: f64 = 20.0;
const LIMIT: Duration = Duration::from_secs(120);

pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    println!(
        "domains  compressed    direct  cat > file   fulcrum  ratio to cat (target {TARGET_RATIO})  CPU s/GiB (target {TARGET_CPU})  \
         growth MiB (target {TARGET_GROWTH})    (medians of {ROUNDS}, 1 GiB in all)"
    );
    for (domains, compress) in [(1, false), (8, false), (1, true)] {
        let (mut direct, mut cat, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            direct.push(reference(domains, false)?);
            cat.push(reference(domains, true)?);
            costs.push(measure_store(fulcrum, domains, compress)?);
        }
        let of =
            |figure: fn(&StoreCost) -> f64| median(&costs.iter().map(figure).collect::<Vec<_>>());
        let (direct, cat) = (median(&direct), median(&cat));
        let took = of(|costs| costs.seconds);
        let (ratio, cpu, grown) = (cat / took, of(|costs| costs.cpu), of(|costs| costs.grown));
        let reached = ratio >= TARGET_RATIO && cpu <= TARGET_CPU && grown <= TARGET_GROWTH;
        println!(
            "{domains:7}  {:10}  {direct:6.2} s    {cat:6.2} s  {took:6.2} s  {ratio:23.2}  {cpu:21.2}  {grown:21.1}  {}",
            if compress { "yes" } else { "no" },
            if reached { "reached" } else { "MISSED" },
        );
    }
    Ok(())
}

/// The cost of storing a gigabyte.
struct StoreCost {
    seconds: f64,
    cpu: f64,
    grown: f64,
}

/// Seconds until as many programs as there are domains have written their part to files, each
/// through a `cat` of its own or directly.
fn reference(domains: u64, by_cat: bool) -> anyhow::Result<f64> {
    let directory = tempfile::Builder::new()
        .prefix("fulcrum-bench-")
        .tempdir()?;
    let mut children = Vec::new();
    let mut files = Vec::new();
    for index in 0..domains {
        let path = directory.path().join(index.to_string());
        let file = File::create(&path)?;
        files.push(path);
        let mut writer = Command::new(std::env::current_exe()?);
        writer.args(["__lines", &(BYTES / domains).to_string()]);
        if by_cat {
            let mut writer = writer.stdout(Stdio::piped()).spawn()?;
            let pipe = writer.stdout.take().context("piped")?;
            children.push(writer);
            children.push(Command::new("cat").stdin(pipe).stdout(file).spawn()?);
        } else {
            children.push(writer.stdout(file).spawn()?);
        }
    }
    for child in &mut children {
        ensure!(child.wait()?.success(), "a reference failed");
    }
    let end = now();
    let mut first = f64::MAX;
    for file in files {
        let mut line = [0; 20];
        File::open(file)?.read_exact(&mut line)?;
        first = first.min(first_line_time(&line)?);
    }
    Ok(end - first)
}

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_secs_f64()
}

/// The start time of a program, from the beginning of its output.
fn first_line_time(line: &[u8]) -> anyhow::Result<f64> {
    let text = std::str::from_utf8(line)?.trim();
    Ok(text
        .parse::<f64>()
        .with_context(|| format!("{text:?} is no time"))?
        / 1e6)
}

/// An app whose domains write a gigabyte together, all of which is stored.
pub(super) fn log_producers(fulcrum: &Path, domains: u64, compress: bool) -> anyhow::Result<App> {
    let settings = format!(
        "runtime: {{logs: {{store: {{files: 10000, total_size: 16GiB, compress: {compress}}}}}}}\n"
    );
    let program = std::env::current_exe()?;
    let command = format!(
        "process: {{command: [{}, __lines, '{}', ../../gate], restart: never}}\n",
        program.display(),
        BYTES / domains
    );
    App::with_file(
        fulcrum,
        &settings,
        ("fulcrum.yml", command),
        usize::try_from(domains)?,
    )
}

/// Starts the instance in the background, in production mode, and lets all its domains write at
/// the same time; returns its pid.
pub(super) fn serve(app: &App) -> anyhow::Result<u32> {
    app.fulcrum(&["serve", "--detach"]).stdout()?;
    until("all domains have a process", LIMIT, || {
        let list = app.json(&["domains", "list", "-o", "json"])?;
        let all = list.as_array().context("a list")?;
        Ok(all
            .iter()
            .all(|domain| domain["pid"].is_u64())
            .then_some(()))
    })?;
    fs::write(app.root().join("gate"), "")?;
    let status = app.json(&["domains", "status", "-o", "json"])?;
    let pid = status["instance"]["pid"].as_u64().context("no pid")?;
    Ok(u32::try_from(pid)?)
}

fn measure_store(fulcrum: &Path, domains: u64, compress: bool) -> anyhow::Result<StoreCost> {
    let app = log_producers(fulcrum, domains, compress)?;
    let pid = serve(&app)?;
    let (mut largest, mut smallest) = (0, u64::MAX);
    let mut before = (-1.0, 0.0);
    // Work that remains at the end, such as compression, is part of the cost.
    until(
        "all output is stored and the instance is idle",
        LIMIT,
        || {
            let resident = resident(pid).unwrap_or_default();
            largest = largest.max(resident);
            smallest = smallest.min(resident.max(1));
            if now() - before.1 < 0.5 {
                return Ok(None);
            }
            let cpu = cpu(pid).unwrap_or_default();
            let is_idle = std::mem::replace(&mut before, (cpu, now())).0 >= cpu;
            Ok((is_idle && all_have_exited(&app)?).then_some(()))
        },
    )?;
    app.fulcrum(&["down"]).stdout()?;
    let logs = app.root().join(".fulcrum/logs");
    let directories = (0..domains).map(|index| logs.join(format!("d{index}")));
    let (mut first, mut last) = (f64::MAX, 0.0_f64);
    for directory in directories {
        first = first.min(first_output_time(&app, &directory)?);
        // The last write to any file ends the measurement.
        last = last.max(written(&directory)?);
    }
    Ok(StoreCost {
        seconds: last - first,
        cpu: before.0,
        grown: (largest - smallest) as f64 / f64::from(1 << 20),
    })
}

/// Have all domains exited?
pub(super) fn all_have_exited(app: &App) -> anyhow::Result<bool> {
    let list = app.json(&["domains", "list", "-o", "json"])?;
    let over = |domain: &serde_json::Value| domain["pid"].is_null() && domain["generation"] == 1;
    Ok(list.as_array().context("a list")?.iter().all(over))
}

/// The time of a domain's first line.
fn first_output_time(app: &App, directory: &Path) -> anyhow::Result<f64> {
    let name = directory
        .file_name()
        .and_then(|name| name.to_str())
        .context("a name")?;
    let mut child = app
        .fulcrum(&["logs", name, "--stream", "stdout", "--raw"])
        .piped()?;
    let mut line = [0; 20];
    child
        .stdout
        .take()
        .context("piped")?
        .read_exact(&mut line)?;
    child.wait()?;
    first_line_time(&line)
}

/// The time of the last write in a directory, at the resolution of its file times.
fn written(directory: &Path) -> anyhow::Result<f64> {
    let mut last = 0.0_f64;
    for entry in fs::read_dir(directory)? {
        let modified = entry?.metadata()?.modified()?;
        last = last.max(modified.duration_since(UNIX_EPOCH)?.as_secs_f64());
    }
    Ok(last)
}

/// Bytes of resident memory.
fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Seconds of CPU.
fn cpu(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}
