//! Calls by stock clients, in Python and Node, to a domain with the SDK and to one written by hand,
//! while the domains are restarted.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::web;
use crate::command::CommandRunner;
use crate::node_tools;
use crate::sample::{Running, Sample};
use crate::workspace;

/// The packages of the client, and of the domain that is written by hand.
const PACKAGES: [&str; 2] = ["@grpc/grpc-js@1.14.7", "@grpc/proto-loader@0.8.1"];

/// The domain with the SDK.
const SDK_DOMAIN: &str = r#"
import { DomainBase } from '@fulcrum/domain';

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export default class Sdk extends DomainBase {
  textEchoHandler({ text }) {
    return { success: true, text };
  }

  async answerWaitHandler({ ms }) {
    await pause(ms);
    return { success: true };
  }

  async *rowListHandler({ to }) {
    for (let n = 1; n <= to; n++) yield { n };
  }
}
"#;

const DOMAINS: [&str; 2] = ["sdk", "by-hand"];

/// Starts the app and runs both clients.
pub(super) fn check(sample: &Sample, python: &Path, directory: &Path) -> anyhow::Result<()> {
    let packages = workspace::tools()?.join("grpc-js");
    node_tools::install(&packages, &PACKAGES)?;
    write_app(&sample.app(), &packages, directory)?;
    let running = sample.start()?;
    let status = running.json(&["domains", "status", "-o", "json"])?;
    let address = status["instance"]["grpc"]
        .as_str()
        .with_context(|| format!("the instance has no gRPC address: {status}"))?;
    let proto = workspace::root().join("proto");
    let python_client = |options: &[&str]| {
        CommandRunner::new(python, workspace::root())
            .arg(directory.join("calls.py"))
            .args(options)
            .arg(address)
            .arg(&proto)
            .args(DOMAINS)
            .env("PYTHONUNBUFFERED", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
    };
    let node_client = |phase: &str| {
        CommandRunner::new("node", workspace::root())
            .arg(directory.join("calls.cjs"))
            .arg(phase)
            .arg(address)
            .arg(&proto)
            .arg(&packages)
            .args(DOMAINS)
    };
    python_client(&[]).run_checked()?;
    node_client("checks").run_checked()?;
    web::check(directory, address, &DOMAINS)?;
    run_with_restarts(&running, &python_client(&["--load"]))?;
    run_with_restarts(&running, &node_client("load"))?;
    running.expect_exit_code(0, &["down"])?;
    sample.assert_no_processes()
}

fn write_app(app: &Path, packages: &Path, directory: &Path) -> anyhow::Result<()> {
    for domain in DOMAINS {
        fs::create_dir_all(app.join("domains").join(domain))?;
    }
    fs::write(app.join("domains/sdk/domain.mjs"), SDK_DOMAIN)?;
    fs::copy(
        directory.join("grpc-js-domain.cjs"),
        app.join("domains/by-hand/domain.cjs"),
    )?;
    let proto = workspace::root().join("proto");
    let environment = format!(
        "process:\n  env: {{PROTO_DIR: \"{}\", GRPC_JS_DIR: \"{}\"}}\n",
        proto.display(),
        packages.display()
    );
    fs::write(app.join("domains/by-hand/fulcrum.yml"), environment)?;
    let settings =
        "runtime:\n  domains: [domains/sdk, domains/by-hand]\n  grpc: {call_timeout: 2s}\n";
    fs::write(app.join("fulcrum.yml"), settings)?;
    Ok(())
}

/// Runs a client, and restarts the domains as long as it runs.
fn run_with_restarts(running: &Running<'_>, client: &CommandRunner) -> anyhow::Result<()> {
    thread::scope(|scope| {
        let client = scope.spawn(|| client.run_checked());
        let mut restarts = 0;
        while !client.is_finished() {
            for domain in DOMAINS {
                running.expect_exit_code(0, &["domains", "restart", domain])?;
                thread::sleep(Duration::from_millis(300));
            }
            restarts += 1;
        }
        println!("ok: {restarts} restarts of each domain meanwhile");
        client.join().expect("the client's thread does not panic")
    })
}
