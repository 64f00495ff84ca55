//! The metrics of the sample app, read by Prometheus' own libraries and tools.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::command::CommandRunner;
use crate::sample::Sample;
use crate::workspace;

/// Samples that an app always has.
const NAMES: [&str; 8] = [
    "fulcrum_domain_up",
    "fulcrum_domain_ready",
    "fulcrum_domain_cpu_seconds_total",
    "fulcrum_domain_memory_bytes",
    "fulcrum_domain_heartbeat_age_seconds",
    "fulcrum_domain_event_loop_lag_seconds_bucket",
    "fulcrum_domain_start_duration_seconds_count",
    "process_resident_memory_bytes",
];

/// Starts the app, reads its metrics in both formats, and checks them, the alert rules and the
/// example of a configuration with `promtool`, if that can be had.
pub(super) fn check(sample: &Sample, python: &Path, directory: &Path) -> anyhow::Result<()> {
    let running = sample.start()?;
    let status = running.json(&["domains", "status", "-o", "json"])?;
    let address = status["instance"]["http"]
        .as_str()
        .with_context(|| format!("the instance serves no metrics: {status}"))?;
    let text = CommandRunner::new(python, workspace::root())
        .arg(directory.join("metrics.py"))
        .arg(format!("http://{address}/metrics"))
        .args(NAMES)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdout()?;
    running.expect_exit_code(0, &["down"])?;
    let Some(promtool) = promtool()? else {
        println!("skipped: there is no promtool, and Debian's package prometheus cannot be had");
        return Ok(());
    };
    let file = sample.app().join("metrics.txt");
    fs::write(&file, &text)?;
    check_with_promtool(&promtool, &file)?;
    sample.assert_no_processes()
}

fn check_with_promtool(promtool: &Path, metrics: &Path) -> anyhow::Result<()> {
    let docs = workspace::root().join("docs").join("observability");
    let run = |args: &[&str]| CommandRunner::new(promtool, docs.clone()).args(args);
    // It reads them from standard input only.
    let checked = CommandRunner::new("sh", workspace::root())
        .args(["-c", "exec \"$0\" check metrics < \"$1\""])
        .arg(promtool)
        .arg(metrics)
        .output()?;
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    ensure!(
        checked.status.success() && said.trim().is_empty(),
        "promtool check metrics: {said}"
    );
    run(&["check", "rules", "alerts.yml"]).run_checked()?;
    run(&["check", "config", "prometheus.yml"]).run_checked()?;
    println!("ok: promtool accepts the metrics, the alert rules and the configuration");
    Ok(())
}

/// The program on `PATH`, or that of Debian's package, which is unpacked without being installed:
/// installing it would start a server.
fn promtool() -> anyhow::Result<Option<PathBuf>> {
    let on_path = CommandRunner::new("promtool", workspace::root()).args(["--version"]);
    if on_path.output().is_ok_and(|output| output.status.success()) {
        return Ok(Some(PathBuf::from("promtool")));
    }
    let directory = workspace::tools()?.join("promtool");
    let program = directory.join("usr/bin/promtool");
    if program.exists() {
        return Ok(Some(program));
    }
    fs::create_dir_all(&directory)?;
    let apt = |args: &[&str]| {
        let run = CommandRunner::new("apt-get", directory.clone()).args(args);
        run.output().is_ok_and(|output| output.status.success())
    };
    let download = ["download", "--quiet", "prometheus"];
    let downloaded = apt(&download) || (apt(&["update", "--quiet"]) && apt(&download));
    if !downloaded {
        return Ok(None);
    }
    let package = fs::read_dir(&directory)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"));
    let Some(package) = package else {
        return Ok(None);
    };
    CommandRunner::new("dpkg-deb", directory.clone())
        .arg("-x")
        .arg(&package)
        .arg(&directory)
        .run_checked()?;
    fs::remove_file(package)?;
    Ok(program.exists().then_some(program))
}
