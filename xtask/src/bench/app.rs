//! Apps for a measurement, each in an environment of its own.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::command::CommandRunner;

/// A domain that only registers and prints a line when it has. `<T>` is the place of a type.
const DOMAIN: &str = "import { DomainBase } from '@fulcrum/domain';

class Trivial extends DomainBase {
  pingHandler(payload<T>) {
    return payload;
  }
}

await new Trivial().start();
console.log('registered');
";

const COMMONJS: &str = "const { DomainBase } = require('@fulcrum/domain');

class Trivial extends DomainBase {
  pingHandler(payload) {
    return payload;
  }
}

new Trivial().start().then(() => console.log('registered'));
";

/// The language of a domain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Module,
    CommonJs,
    TypeScript,
}

impl Language {
    fn file(self) -> (&'static str, String) {
        match self {
            Self::Module => ("domain.mjs", DOMAIN.replace("<T>", "")),
            Self::CommonJs => ("domain.cjs", COMMONJS.to_owned()),
            Self::TypeScript => ("domain.mts", DOMAIN.replace("<T>", ": unknown")),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Module => "JavaScript, ESM",
            Self::CommonJs => "JavaScript, CommonJS",
            Self::TypeScript => "TypeScript",
        }
    }
}

/// An app in a temporary directory, stopped and removed with this value.
pub(super) struct App {
    fulcrum: PathBuf,
    directory: tempfile::TempDir,
}

impl App {
    /// An app of these many trivial domains, `d0`, `d1`, …, on one Node.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub(super) fn new(
        fulcrum: &Path,
        node: &Path,
        language: Language,
        domains: usize,
    ) -> anyhow::Result<Self> {
        let node = node.to_str().context("the path of Node is not UTF-8")?;
        // Cold starts are measured, without a standby process that boots beside them.
        let settings = format!("runtime:\n  standby: \"off\"\n  defaults:\n    node: {node}\n");
        Self::with_file(fulcrum, &settings, language.file(), domains)
    }

    /// An app with these settings, and a file of this name and text in each domain.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub(super) fn with_file(
        fulcrum: &Path,
        settings: &str,
        (name, text): (&str, String),
        domains: usize,
    ) -> anyhow::Result<Self> {
        Self::with_files(fulcrum, settings, &[(name.to_owned(), text)], domains)
    }

    /// An app with these settings, and files of these names and texts in each domain.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub(super) fn with_files(
        fulcrum: &Path,
        settings: &str,
        files: &[(String, String)],
        domains: usize,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("fulcrum-bench-")
            .tempdir()?;
        let app = directory.path().join("app");
        fs::create_dir(&app)?;
        for index in 0..domains {
            let domain = app.join("domains").join(format!("d{index}"));
            fs::create_dir_all(&domain)?;
            for (name, text) in files {
                fs::write(domain.join(name), text)?;
            }
        }
        fs::write(app.join("fulcrum.yml"), settings)?;
        fs::DirBuilder::new()
            .mode(0o700)
            .create(directory.path().join("run"))?;
        Ok(Self {
            fulcrum: fulcrum.to_path_buf(),
            directory,
        })
    }

    /// The app's root.
    pub(super) fn root(&self) -> PathBuf {
        self.directory.path().join("app")
    }

    /// Fulcrum's cache, which only this app uses.
    pub(super) fn cache(&self) -> PathBuf {
        self.directory.path().join("cache").join("fulcrum")
    }

    /// `fulcrum` on this app.
    pub(super) fn fulcrum(&self, args: &[&str]) -> CommandRunner {
        CommandRunner::new("env", self.root())
            .args(["-u", "NODE_EXTRA_CA_CERTS"])
            .arg(&self.fulcrum)
            .args(args)
            .env("FULCRUM_APP_PATH", self.root())
            .env("XDG_RUNTIME_DIR", self.directory.path().join("run"))
            .env("XDG_CACHE_HOME", self.directory.path().join("cache"))
            .env("FULCRUM_RUNTIME__GRPC__LISTEN", "127.0.0.1:0")
            .timeout(Duration::from_secs(120))
    }

    /// The JSON that a command of `fulcrum` prints.
    ///
    /// # Errors
    /// A command that fails, or prints invalid JSON.
    pub(super) fn json(&self, args: &[&str]) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.fulcrum(args).stdout()?)?)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // An error means that it is not running.
        let _ = self.fulcrum(&["down", "--force"]).output();
    }
}
