//! The other runners of TypeScript, and what they have printed before.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::Context;

use super::execute::{LIMIT, execute};
use super::fulcrum::environment;
use super::layout;
use super::row::Row;
use super::verdict;
use crate::node_tools::{self, NodeVersion};

/// Another runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    Tsx,
    /// `node --experimental-transform-types`, which only some versions have.
    Node,
}

/// The peers, and results of earlier runs by a key of everything that they depend on.
pub(super) struct Peers {
    tsx: Vec<String>,
    file: PathBuf,
    known: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Peers {
    /// Installs tsx, and reads the results of earlier runs unless all are wanted `fresh`.
    ///
    /// # Errors
    /// An npm that fails.
    pub(super) fn new(file: PathBuf, fresh: bool) -> anyhow::Result<Self> {
        let kept = fs::read(&file).ok().filter(|_| !fresh);
        // An invalid file is one without results.
        let known = kept.and_then(|text| serde_json::from_slice(&text).ok());
        Ok(Self {
            tsx: node_tools::tsx_arguments()?,
            file,
            known: Mutex::new(known.unwrap_or_default()),
        })
    }

    /// What is wrong with the output of a peer for a row; `None` where a Node has no such peer.
    ///
    /// # Errors
    /// Files that cannot be written, a Node that cannot be started.
    pub(super) fn differences(
        &self,
        peer: Peer,
        row: &Row,
        (node, program): (NodeVersion, &Path),
        directory: &Path,
    ) -> anyhow::Result<Option<Vec<String>>> {
        if peer == Peer::Node && !matches!(node.numbers().0, 22 | 24) {
            return Ok(None);
        }
        let key = key(peer, row, node);
        if let Some(known) = self.lock().get(&key) {
            return Ok(Some(known.clone()));
        }
        layout::write(row, directory)?;
        let mut command = Command::new(program);
        match peer {
            Peer::Tsx => command.args(&self.tsx),
            Peer::Node => command.args(["--experimental-transform-types", "--no-warnings"]),
        };
        command.arg(&row.entry).current_dir(directory);
        command.env_clear().envs(environment(directory));
        let printed = execute(&mut command, LIMIT)?;
        let differences = verdict::differences(row, &printed);
        fs::remove_dir_all(directory)?;
        self.lock().insert(key, differences.clone());
        Ok(Some(differences))
    }

    /// Keeps the results for the next run.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn keep(&self) -> anyhow::Result<()> {
        let text = serde_json::to_vec(&*self.lock())?;
        fs::write(&self.file, text).with_context(|| format!("cannot write {}", self.file.display()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        // A panic of another worker leaves the results valid.
        self.known.lock().unwrap_or_else(|lock| lock.into_inner())
    }
}

fn key(peer: Peer, row: &Row, node: NodeVersion) -> String {
    let mut row = row.clone();
    // Moving a row within its file changes nothing.
    row.place = (PathBuf::new(), 0);
    let mut hasher = DefaultHasher::new();
    (peer, row, node.version, node_tools::TSX).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
