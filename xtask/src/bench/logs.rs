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
        "process: {{command: [{}, __lines, '{}'], restart: never}}\n",
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

/// Starts the instance in the background, as for production; gives its number.
pub(super) fn serve(app: &App) -> anyhow::Result<u32> {
    app.fulcrum(&["serve", "--detach"]).stdout()?;
    let status = app.json(&["domains", "status", "-o", "json"])?;
    let pid = status["instance"]["pid"].as_u64().context("no pid")?;
    Ok(u32::try_from(pid)?)
}

fn through(fulcrum: &Path, domains: u64, compress: bool) -> anyhow::Result<Kept> {
    let app = talkers(fulcrum, domains, compress)?;
    let pid = serve(&app)?;
    let logs = app.root().join(".fulcrum/logs");
    let (mut first, mut end, mut largest, mut smallest) = (None, 0.0, 0, u64::MAX);
    until("all is kept", LIMIT, || {
        let resident = resident(pid).unwrap_or_default();
        largest = largest.max(resident);
        smallest = smallest.min(resident.max(1));
        let kept: u64 = (0..domains)
            .map(|index| plain_bytes(&logs.join(format!("d{index}"))))
            .sum();
        end = now();
        if kept > 0 && first.is_none() {
            first = first_line(&logs, domains);
        }
        Ok((kept >= BYTES).then_some(()))
    })?;
    // What is still done afterwards, such as compressing, is part of the cost.
    let mut before = -1.0;
    until("it is at rest", LIMIT, || {
        std::thread::sleep(Duration::from_millis(300));
        let cpu = cpu(pid).unwrap_or_default();
        Ok((std::mem::replace(&mut before, cpu) >= cpu).then_some(()))
    })?;
    let kept = Kept {
        seconds: end - first.context("nothing was kept")?,
        cpu: before,
        grown: (largest - smallest) as f64 / f64::from(1 << 20),
    };
    app.fulcrum(&["down"]).stdout()?;
    Ok(kept)
}

/// Bytes of text that are kept of a domain: of a compressed file, those that it was made of, which
/// is a full one.
fn plain_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| {
        let size = entry.metadata().ok()?.len();
        let name = entry.file_name().into_string().ok()?;
        match name.split_once('.')?.1 {
            "log" => Some(size),
            "log.lz4" => Some(8 << 20),
            _ => None,
        }
    });
    sizes.sum()
}

fn first_line(logs: &Path, domains: u64) -> Option<f64> {
    let firsts = (0..domains).filter_map(|index| {
        let mut files: Vec<_> = fs::read_dir(logs.join(format!("d{index}")))
            .ok()?
            .flatten()
            .collect();
        files.sort_by_key(fs::DirEntry::file_name);
        let names = files.iter().filter(|file| {
            file.file_name()
                .to_str()
                .is_some_and(|name| name.ends_with(".log"))
        });
        names.flat_map(|file| lines_with_time(&file.path())).next()
    });
    firsts.min_by(f64::total_cmp)
}

/// The time with which what was said begins, among Fulcrum's own words.
fn lines_with_time(path: &Path) -> Option<f64> {
    let mut head = vec![0; 4096];
    let length = File::open(path).ok()?.read(&mut head).ok()?;
    let digits = head[..length]
        .windows(17)
        .find(|window| window[..16].iter().all(u8::is_ascii_digit) && window[16] == b' ')?;
    begin(&digits[..16]).ok()
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
