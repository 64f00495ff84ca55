//! Pinned Python packages, installed into virtual environments once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::command::CommandRunner;
use crate::workspace;

/// A virtual environment with packages, which are those of a requirements file with this text.
pub(crate) struct PythonEnvironment<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) requirements: &'a str,
}

impl PythonEnvironment<'_> {
    /// Its Python, if the packages have been installed before.
    pub(crate) fn installed(&self) -> Option<PathBuf> {
        let installed = fs::read_to_string(self.marker());
        let is_installed = installed.is_ok_and(|installed| installed == self.requirements);
        Some(self.python()).filter(|python| is_installed && python.exists())
    }

    /// Creates it, unless that has been done before, and returns its Python.
    ///
    /// # Errors
    /// A Python without `venv`, or a pip that fails.
    pub(crate) fn install(&self) -> anyhow::Result<PathBuf> {
        if let Some(python) = self.installed() {
            return Ok(python);
        }
        let packages: Vec<&str> = self.requirements.lines().collect();
        let (directory, python) = (self.directory, self.python());
        eprintln!(
            "installing {} in {}",
            packages.join(", "),
            directory.display()
        );
        CommandRunner::new("python3", workspace::root())
            .args(["-m", "venv", "--clear"])
            .arg(directory)
            .run_checked()?;
        CommandRunner::new(&python, workspace::root())
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(packages)
            .run_checked()?;
        // Written last, so that an interrupted install is repeated.
        let marker = self.marker();
        fs::write(&marker, self.requirements)
            .with_context(|| format!("cannot write {}", marker.display()))?;
        Ok(python)
    }

    fn python(&self) -> PathBuf {
        self.directory.join("bin/python")
    }

    fn marker(&self) -> PathBuf {
        self.directory.join("requirements-installed.txt")
    }
}
