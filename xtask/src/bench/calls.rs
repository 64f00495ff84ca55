//! Calls through Fulcrum to domains, beside the same handler in a direct gRPC server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use super::app::App;
use crate::command::CommandRunner;
use crate::node_tools;
use crate::workspace;

/// As `cargo xtask interop` uses them.
const PACKAGES: [&str; 2] = ["@grpc/grpc-js@1.14.7", "@grpc/proto-loader@0.8.1"];

const CALLERS: [u32; 3] = [1, 64, 1_000];
const PAYLOADS: [(u32, &str); 3] = [(100, "100 B"), (10 << 10, "10 KiB"), (1 << 20, "1 MiB")];
const SECONDS: u32 = 5;

const SDK_DOMAIN: &str = "import { DomainBase } from '@fulcrum/domain';

export default class Sdk extends DomainBase {
  textEchoHandler({ text }) {
    return { success: true, text };
  }
}
";

/// What the domains need that is built or installed.
struct Programs {
    load_client: PathBuf,
    stub: PathBuf,
    packages: PathBuf,
}

pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    let programs = Programs::prepare()?;
    let app = App::with_files(fulcrum, "runtime: {standby: \"off\"}\n", &[], 0)?;
    programs.write_domains(&app.root())?;
    app.fulcrum(&["dev", "--detach", "--wait", "--watch=false"])
        .run_checked()?;
    let status = app.json(&["domains", "status", "-o", "json"])?;
    let instance = &status["instance"];
    let address = instance["grpc"].as_str().context("no gRPC address")?;
    let pid = instance["pid"].as_u64().context("no pid")?;
    println!(
        "{:16} {:8} {:>7}  {:>9}  {:>9}  {:>9}  {:>9}  {:>14}  failed",
        "handler", "payload", "callers", "a second", "p50", "p99", "max", "CPU of Fulcrum"
    );
    for (name, domain) in [
        ("native stub", "stub"),
        ("SDK", "sdk"),
        ("grpc-js", "by-hand"),
    ] {
        for (bytes, payload) in PAYLOADS {
            for callers in CALLERS {
                let before = cpu_time(pid)?;
                let report = programs.load(address, domain, callers, bytes)?;
                let cpu = cpu_time(pid)? - before;
                print_row(name, payload, callers, &report, Some(cpu));
            }
        }
    }
    let server = Server::start(&programs.packages)?;
    for (bytes, payload) in PAYLOADS {
        for callers in CALLERS {
            let report = programs.load(&server.address, "direct", callers, bytes)?;
            print_row("direct grpc-js", payload, callers, &report, None);
        }
    }
    println!(
        "memory of Fulcrum: {} MiB at most",
        peak_memory(pid)? / (1 << 20)
    );
    Ok(())
}

impl Programs {
    fn prepare() -> anyhow::Result<Self> {
        CommandRunner::cargo()
            .args(["build", "--quiet", "--release", "--package", "fulcrum-e2e"])
            .args(["--bin", "load-client", "--bin", "stub-domain"])
            .run_checked()?;
        let release = workspace::target()?.join("release");
        let packages = workspace::tools()?.join("grpc-js");
        node_tools::install(&packages, &PACKAGES)?;
        Ok(Self {
            load_client: release.join("load-client"),
            stub: release.join("stub-domain"),
            packages,
        })
    }

    fn write_domains(&self, app: &Path) -> anyhow::Result<()> {
        let domain = |name: &str| app.join("domains").join(name);
        for name in ["stub", "sdk", "by-hand"] {
            fs::create_dir_all(domain(name))?;
        }
        let stub = format!(
            "process: {{command: [\"{}\"], ready: registered}}\n",
            self.stub.display()
        );
        fs::write(domain("stub").join("fulcrum.yml"), stub)?;
        fs::write(domain("sdk").join("domain.mjs"), SDK_DOMAIN)?;
        let by_hand = workspace::root().join("tests/interop/grpc-js-domain.cjs");
        fs::copy(by_hand, domain("by-hand").join("domain.cjs"))?;
        let environment = format!(
            "process: {{env: {{PROTO_DIR: \"{}\", GRPC_JS_DIR: \"{}\"}}}}\n",
            workspace::root().join("proto").display(),
            self.packages.display()
        );
        fs::write(domain("by-hand").join("fulcrum.yml"), environment)?;
        Ok(())
    }

    /// The report of `load-client`.
    fn load(&self, address: &str, domain: &str, callers: u32, bytes: u32) -> anyhow::Result<Value> {
        let text = CommandRunner::new(&self.load_client, workspace::root())
            .args([address, domain, "text_echo_request"])
            .args([callers, SECONDS, bytes].map(|number| number.to_string()))
            .stdout()?;
        Ok(serde_json::from_str(&text)?)
    }
}

/// `cpu` is in seconds.
fn print_row(name: &str, payload: &str, callers: u32, report: &Value, cpu: Option<f64>) {
    let number = |key: &str| report[key].as_f64().unwrap_or_default();
    let ms = |key: &str| format!("{:.2} ms", number(key) / 1000.0);
    let cpu = cpu.map_or_else(String::new, |cpu| {
        format!("{:.1} us a call", cpu * 1e6 / number("calls").max(1.0))
    });
    println!(
        "{name:16} {payload:8} {callers:>7}  {:>9.0}  {:>9}  {:>9}  {:>9}  {cpu:>14}  {}{}",
        number("per_second"),
        ms("p50"),
        ms("p99"),
        ms("max"),
        number("failed"),
        match number("mixed") {
            0.0 => String::new(),
            mixed => format!(", {mixed} MIXED UP"),
        }
    );
}

/// The CPU time of a process, in seconds.
fn cpu_time(pid: u64) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|text| text.parse::<f64>().ok());
    let (Some(user), Some(system)) = (ticks(), ticks()) else {
        bail!("/proc/{pid}/stat has no times: {stat}");
    };
    // Ticks of Linux are hundredths of a second on every platform.
    Ok((user + system) / 100.0)
}

/// The largest resident memory that a process has had, in bytes.
fn peak_memory(pid: u64) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.context("the process has no peak memory")? * 1024)
}

/// The direct server. Dropping it ends it.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(packages: &Path) -> anyhow::Result<Self> {
        let root = workspace::root();
        let mut child = Command::new("node")
            .arg(root.join("xtask/src/bench/grpc-js-server.cjs"))
            .arg(root.join("proto/framework/framework.proto"))
            .arg(packages)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("a pipe")?;
        let mut port = String::new();
        BufReader::new(stdout).read_line(&mut port)?;
        let address = format!("127.0.0.1:{}", port.trim());
        Ok(Self { child, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
