//! The domain whose code changes.

use std::fs;
use std::path::Path;

/// Its file name, and its text without the version.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) file: &'static str,
    text: &'static str,
}

const MODULE: &str = "import { DomainBase } from '@fulcrum/domain';

class Trivial extends DomainBase {
  pingHandler(payload<T>) {
    return { version: <V>, pid: process.pid };
  }
}

await new Trivial().start();
";

impl Source {
    pub(super) fn javascript() -> Self {
        Self {
            file: "domain.mjs",
            text: MODULE,
        }
    }

    pub(super) fn typescript() -> Self {
        Self {
            file: "domain.mts",
            text: MODULE,
        }
    }

    pub(super) fn is_typescript(&self) -> bool {
        self.file.ends_with("ts")
    }

    /// The text of a version.
    pub(super) fn text(&self, version: u32) -> String {
        let types = if self.is_typescript() {
            ": unknown"
        } else {
            ""
        };
        self.text
            .replace("<T>", types)
            .replace("<V>", &version.to_string())
    }

    /// Saves a version in place: `node --watch` of Node 20 does not notice one that is renamed over the
    /// old one.
    pub(super) fn write_version(&self, directory: &Path, version: u32) -> anyhow::Result<()> {
        Ok(fs::write(directory.join(self.file), self.text(version))?)
    }
}
