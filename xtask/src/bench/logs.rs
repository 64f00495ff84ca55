//! How fast what domains say is kept, and at what cost, beside `cat > file`.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};

use super::app::App;
use super::logs_past;
use super::median::median;
use crate::wait::until;

/// In all, however many domains say it.
const BYTES: u64 = 1 << 30;
const ROUNDS: usize = 3;
const AIM: f64 = 0.9;
const CPU_AIM: f64 = 0.9;
const MEMORY_AIM: f64 = 20.0;
const LIMIT: Duration = Duration::from_secs(120);

pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    println!(
        "domains  compressed    direct  cat > file   fulcrum  ratio to cat (aim {AIM})  CPU s/GiB (aim {CPU_AIM})  \
         growth MiB (aim {MEMORY_AIM})    (medians of {ROUNDS}, 1 GiB in all)"
    );
    for (domains, compress) in [(1, false), (8, false), (1, true)] {
        let (mut direct, mut cat, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            direct.push(reference(domains, false)?);
            cat.push(reference(domains, true)?);
            kept.push(through(fulcrum, domains, compress)?);
        }
        let of = |figure: fn(&Kept) -> f64| median(&kept.iter().map(figure).collect::<Vec<_>>());
        let (direct, cat) = (median(&direct), median(&cat));
        let took = of(|kept| kept.seconds);
        let (ratio, cpu, grown) = (cat / took, of(|kept| kept.cpu), of(|kept| kept.grown));
        let reached = ratio >= AIM && cpu <= CPU_AIM && grown <= MEMORY_AIM;
        println!(
            "{domains:7}  {:10}  {direct:6.2} s    {cat:6.2} s  {took:6.2} s  {ratio:23.2}  {cpu:21.2}  {grown:21.1}  {}",
            if compress { "yes" } else { "no" },
            if reached { "reached" } else { "MISSED" },
        );
    }
    logs_past::run(fulcrum)
}

/// What keeping a gigabyte has cost.
struct Kept {
    seconds: f64,
    cpu: f64,
    grown: f64,
}

/// Seconds until as many programs as there would be domains have written their part to files, each
/// by a `cat` of its own or directly.
fn reference(domains: u64, by_cat: bool) -> anyhow::Result<f64> {
    let folder = tempfile::Builder::new()
        .prefix("fulcrum-bench-")
        .tempdir()?;
    let mut children = Vec::new();
    let mut files = Vec::new();
    for index in 0..domains {
        let path = folder.path().join(index.to_string());
        let file = File::create(&path)?;
        files.push(path);
        let mut says = Command::new(std::env::current_exe()?);
        says.args(["__lines", &(BYTES / domains).to_string()]);
        if by_cat {
            let mut says = says.stdout(Stdio::piped()).spawn()?;
            let pipe = says.stdout.take().context("piped")?;
            children.push(says);
            children.push(Command::new("cat").stdin(pipe).stdout(file).spawn()?);
        } else {
            children.push(says.stdout(file).spawn()?);
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
        first = first.min(begin(&line)?);
    }
    Ok(end - first)
}

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_secs_f64()
}

/// When a program began, by the beginning of what it wrote.
fn begin(line: &[u8]) -> anyhow::Result<f64> {
    let text = std::str::from_utf8(line)?.trim();
    Ok(text
        .parse::<f64>()
        .with_context(|| format!("{text:?} is no time"))?
        / 1e6)
}

/// An app whose domains say a gigabyte together, and keep all of it.
pub(super) fn talkers(fulcrum: &Path, domains: u64, compress: bool) -> anyhow::Result<App> {
    let settings = format!(
        "runtime: {{logs: {{store: {{files: 10000, total_size: 16GiB, compress: {compress}}}}}}}\n"
    );
    let program = std::env::current_exe()?;
    let command = format!(
        "process: {{command: [{}, __lines, '{}', ../../gate], restart: never}}\n",
        program.display(),
        BYTES / domains
    );
    App::of(
        fulcrum,
        &settings,
        ("fulcrum.yml", command),
        usize::try_from(domains)?,
    )
}

/// Starts the instance in the background, as for production, and lets all its domains speak at
/// once; gives its number.
pub(super) fn serve(app: &App) -> anyhow::Result<u32> {
    app.fulcrum(&["serve", "--detach"]).stdout()?;
    until("all are there", LIMIT, || {
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

fn through(fulcrum: &Path, domains: u64, compress: bool) -> anyhow::Result<Kept> {
    let app = talkers(fulcrum, domains, compress)?;
    let pid = serve(&app)?;
    let (mut largest, mut smallest) = (0, u64::MAX);
    let mut before = (-1.0, 0.0);
    // What is still done at the end, such as compressing, is part of the cost.
    until("all is kept and it is at rest", LIMIT, || {
        let resident = resident(pid).unwrap_or_default();
        largest = largest.max(resident);
        smallest = smallest.min(resident.max(1));
        if now() - before.1 < 0.5 {
            return Ok(None);
        }
        let cpu = cpu(pid).unwrap_or_default();
        let at_rest = std::mem::replace(&mut before, (cpu, now())).0 >= cpu;
        Ok((at_rest && all_have_ended(&app)?).then_some(()))
    })?;
    app.fulcrum(&["down"]).stdout()?;
    let logs = app.root().join(".fulcrum/logs");
    let folders = (0..domains).map(|index| logs.join(format!("d{index}")));
    let (mut first, mut last) = (f64::MAX, 0.0_f64);
    for folder in folders {
        first = first.min(begun(&app, &folder)?);
        // The last file that is written to is the last one of a flood: its end is when all is kept.
        last = last.max(written(&folder)?);
    }
    Ok(Kept {
        seconds: last - first,
        cpu: before.0,
        grown: (largest - smallest) as f64 / f64::from(1 << 20),
    })
}

/// Whether all have said what they have to say.
pub(super) fn all_have_ended(app: &App) -> anyhow::Result<bool> {
    let list = app.json(&["domains", "list", "-o", "json"])?;
    let over = |domain: &serde_json::Value| domain["pid"].is_null() && domain["generation"] == 1;
    Ok(list.as_array().context("a list")?.iter().all(over))
}

/// When a domain began to speak, by its first line.
fn begun(app: &App, folder: &Path) -> anyhow::Result<f64> {
    let name = folder
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
    begin(&line)
}

/// When something was last written in a folder, to the coarseness of its clock.
fn written(folder: &Path) -> anyhow::Result<f64> {
    let mut last = 0.0_f64;
    for entry in fs::read_dir(folder)? {
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
