//! Other tools that restart a program: each runs one SDK domain, which registers at an observer.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};

use super::domain::Source;
use super::observer::Observer;
use crate::command::CommandRunner;
use crate::workspace;

/// One of the tools.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alternative {
    Nodemon,
    NodeWatch,
    TsxWatch,
    Pm2,
    /// The measurement itself kills and spawns the domain right after the save.
    Direct,
}

impl Alternative {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nodemon => "nodemon",
            Self::NodeWatch => "node --watch",
            Self::TsxWatch => "tsx watch",
            Self::Pm2 => "pm2 --watch",
            Self::Direct => "kill and spawn",
        }
    }

    fn arguments(self, tools: &Path, entry: &str) -> Vec<String> {
        let tool = |path: &str| tools.join("node_modules").join(path).display().to_string();
        let before: Vec<String> = match self {
            Self::Nodemon => vec![tool("nodemon/bin/nodemon.js"), "--quiet".into()],
            Self::NodeWatch => vec!["--watch".into()],
            Self::TsxWatch => vec![tool("tsx/dist/cli.mjs"), "watch".into()],
            Self::Pm2 => vec![tool("pm2/bin/pm2"), "start".into()],
            Self::Direct => Vec::new(),
        };
        let after: &[&str] = match self {
            Self::Pm2 => &["--watch", "--no-daemon"],
            _ => &[],
        };
        let after = after.iter().map(|word| (*word).to_owned());
        before
            .into_iter()
            .chain([entry.to_owned()])
            .chain(after)
            .collect()
    }
}

/// Installs them below the target directory, once.
pub(super) fn install() -> anyhow::Result<PathBuf> {
    let directory = workspace::tools()?.join("alternatives");
    if !directory.join("node_modules/pm2").is_dir() {
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("package.json"), "{\"private\":true}\n")?;
        CommandRunner::new("npm", &directory)
            .args([
                "install",
                "--no-audit",
                "--no-fund",
                "nodemon",
                "tsx",
                "pm2",
            ])
            .run_checked()?;
    }
    Ok(directory)
}

/// A domain under an alternative, in a directory of its own.
pub(super) struct AlternativeApp {
    alternative: Alternative,
    node: PathBuf,
    tools: PathBuf,
    address: String,
    directory: tempfile::TempDir,
    pub(super) source: Source,
    child: Child,
}

impl AlternativeApp {
    pub(super) fn start(
        alternative: Alternative,
        node: &Path,
        tools: &Path,
        observer: &Observer,
        source: Source,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("fulcrum-bench-")
            .tempdir()?;
        let package = directory.path().join("node_modules/@fulcrum/domain");
        fs::create_dir_all(&package)?;
        let sdk = workspace::root().join("sdk/node");
        fs::copy(sdk.join("package.json"), package.join("package.json"))?;
        fs::create_dir(package.join("dist"))?;
        for file in fs::read_dir(sdk.join("dist"))? {
            let file = file?;
            fs::copy(file.path(), package.join("dist").join(file.file_name()))?;
        }
        source.write_version(directory.path(), 0)?;
        let child = spawn(
            alternative,
            node,
            tools,
            &observer.address,
            directory.path(),
            &source,
        )?;
        Ok(Self {
            alternative,
            node: node.to_owned(),
            tools: tools.to_owned(),
            address: observer.address.clone(),
            directory,
            source,
            child,
        })
    }

    /// Saves another version of the domain.
    pub(super) fn save(&mut self, version: u32) -> anyhow::Result<()> {
        self.source.write_version(self.directory.path(), version)?;
        if self.alternative == Alternative::Direct {
            self.respawn()?;
        }
        Ok(())
    }

    /// Kills the domain itself, and starts it again after its exit.
    pub(super) fn respawn(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        let Self {
            node,
            tools,
            address,
            source,
            ..
        } = self;
        self.child = spawn(
            self.alternative,
            node,
            tools,
            address,
            self.directory.path(),
            source,
        )?;
        Ok(())
    }
}

fn spawn(
    alternative: Alternative,
    node: &Path,
    tools: &Path,
    address: &str,
    directory: &Path,
    source: &Source,
) -> anyhow::Result<Child> {
    let bin = node.parent().context("the program has no directory")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let child = Command::new(node)
        .args(alternative.arguments(tools, source.file))
        .current_dir(directory)
        .env_remove("NODE_EXTRA_CA_CERTS")
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("PM2_HOME", directory.join(".pm2"))
        .env("FULCRUM_GRPC_SERVER", address)
        .env("FULCRUM_DOMAIN_NAME", "d0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok(child)
}

impl Drop for AlternativeApp {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // SIGINT first: pm2 starts its domain in a session of its own and stops it then.
            let _ = kill_process_group(group, Signal::INT);
            std::thread::sleep(std::time::Duration::from_millis(500));
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
