//! What people use today: each runs one SDK domain, which registers at a witness.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};

use super::domain::Source;
use super::witness::Witness;
use crate::command::Run;
use crate::workspace;

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rival {
    Nodemon,
    NodeWatch,
    TsxWatch,
    Pm2,
    /// Killed and spawned by the measurement itself at the moment of the save.
    Direct,
}

impl Rival {
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
        let words: Vec<String> = match self {
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
        words
            .into_iter()
            .chain([entry.to_owned()])
            .chain(after)
            .collect()
    }
}

/// Installs them below the target folder, once.
pub(super) fn install() -> anyhow::Result<PathBuf> {
    let folder = workspace::tools()?.join("rivals");
    if !folder.join("node_modules/pm2").is_dir() {
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("package.json"), "{\"private\":true}\n")?;
        Run::new("npm", &folder)
            .args([
                "install",
                "--no-audit",
                "--no-fund",
                "nodemon",
                "tsx",
                "pm2",
            ])
            .passes()?;
    }
    Ok(folder)
}

/// A domain under a rival, in a folder of its own.
pub(super) struct Stage {
    rival: Rival,
    node: PathBuf,
    tools: PathBuf,
    address: String,
    folder: tempfile::TempDir,
    pub(super) source: Source,
    child: Child,
}

impl Stage {
    pub(super) fn start(
        rival: Rival,
        node: &Path,
        tools: &Path,
        witness: &Witness,
        source: Source,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("fulcrum-bench-")
            .tempdir()?;
        let package = folder.path().join("node_modules/@fulcrum/domain");
        fs::create_dir_all(&package)?;
        let sdk = workspace::root().join("sdk/node");
        fs::copy(sdk.join("package.json"), package.join("package.json"))?;
        fs::create_dir(package.join("dist"))?;
        for file in fs::read_dir(sdk.join("dist"))? {
            let file = file?;
            fs::copy(file.path(), package.join("dist").join(file.file_name()))?;
        }
        source.save(folder.path(), 0)?;
        let child = spawn(rival, node, tools, &witness.address, folder.path(), &source)?;
        Ok(Self {
            rival,
            node: node.to_owned(),
            tools: tools.to_owned(),
            address: witness.address.clone(),
            folder,
            source,
            child,
        })
    }

    /// Saves another version of the domain.
    pub(super) fn save(&mut self, version: u32) -> anyhow::Result<()> {
        self.source.save(self.folder.path(), version)?;
        if self.rival == Rival::Direct {
            self.respawn()?;
        }
        Ok(())
    }

    /// Kills the domain itself, and starts it again once it is gone.
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
        self.child = spawn(self.rival, node, tools, address, self.folder.path(), source)?;
        Ok(())
    }
}

fn spawn(
    rival: Rival,
    node: &Path,
    tools: &Path,
    address: &str,
    folder: &Path,
    source: &Source,
) -> anyhow::Result<Child> {
    let bin = node.parent().context("a program is in a folder")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let child = Command::new(node)
        .args(rival.arguments(tools, source.file))
        .current_dir(folder)
        .env_remove("NODE_EXTRA_CA_CERTS")
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("PM2_HOME", folder.join(".pm2"))
        .env("FULCRUM_GRPC_SERVER", address)
        .env("FULCRUM_DOMAIN_NAME", "d0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok(child)
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Politely first: pm2 starts its domain in a session of its own.
            let _ = kill_process_group(group, Signal::INT);
            std::thread::sleep(std::time::Duration::from_millis(500));
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
