//! What Fulcrum remembers of its installs: in `.fulcrum/installs` of the app, by install root.
//!
//! An interrupted install leaves a `node_modules` that may look complete, so an install is recorded
//! before it starts. Its end removes the record, whatever came of it; only an install that was killed
//! leaves one, and then the packages are looked at more closely.

use std::fs;
use std::path::{Path, PathBuf};

use super::manager::LOCK_FILES;
use crate::prepare::files::{digest, write_atomically};

/// The records of the installs in one root by one app. A directory that cannot be written loses the
/// records and nothing else: what is installed decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InstallMarker {
    root: PathBuf,
    dir: PathBuf,
    name: String,
}

impl InstallMarker {
    pub(super) fn new(root: &Path, app_root: &Path) -> Self {
        let name = digest(&[root.as_os_str().as_encoded_bytes()])[..16].to_owned();
        Self {
            root: root.to_path_buf(),
            dir: app_root.join(".fulcrum/installs"),
            name,
        }
    }

    fn running_path(&self) -> PathBuf {
        self.dir.join(format!("{}.running", self.name))
    }

    fn completed_path(&self) -> PathBuf {
        self.dir.join(format!("{}.installed", self.name))
    }

    /// Whether an install was started and has not ended.
    pub(super) fn is_interrupted(&self) -> bool {
        self.running_path().exists()
    }

    /// Whether an install was completed with the present `package.json` and lock file; `None` if
    /// none was completed.
    pub(super) fn is_current(&self) -> Option<bool> {
        let recorded = fs::read_to_string(self.completed_path()).ok()?;
        Some(recorded.lines().next() == Some(self.content_hash().as_str()))
    }

    /// Records the start of an install.
    pub(super) fn start(&self) {
        let text = format!("installing packages in {}\n", self.root.display());
        self.write(&self.running_path(), &text);
        // Earlier versions left it, and it blocked later starts.
        let _ = fs::remove_file(self.root.join(".fulcrum-installing"));
    }

    /// Records that the package manager has ended.
    pub(super) fn end(&self) {
        let _ = fs::remove_file(self.running_path());
    }

    /// Records that the packages are in place.
    pub(super) fn complete(&self) {
        let text = format!("{}\n{}\n", self.content_hash(), self.root.display());
        self.write(&self.completed_path(), &text);
        self.end();
    }

    fn write(&self, path: &Path, text: &str) {
        let written = fs::create_dir_all(&self.dir)
            .and_then(|()| write_atomically(path, text.as_bytes(), 0o644));
        if let Err(error) = written {
            tracing::debug!(path = %path.display(), %error, "cannot record an install");
        }
    }

    /// The hash of `package.json` and the lock files.
    fn content_hash(&self) -> String {
        let names = std::iter::once("package.json").chain(LOCK_FILES);
        let contents: Vec<Vec<u8>> = names
            .map(|name| fs::read(self.root.join(name)).unwrap_or_default())
            .collect();
        digest(&contents.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}
