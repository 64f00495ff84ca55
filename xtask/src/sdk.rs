//! `cargo xtask sdk [--check]`: the Node package in `sdk/node`.
//!
//! Its `dist/` is checked in, because the `fulcrum` binary embeds it. `sdk/node/build.mjs` builds
//! and compares it; this module installs its dependencies first.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;

use crate::command::CommandRunner;
use crate::workspace;

/// Builds `dist/`, or with `check` only compares it with what its sources build.
///
/// # Errors
/// npm missing or failing, sources that fail the type check, or, with `check`, files
/// that differ.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    npm_run(if check {
        &["run", "--silent", "check"]
    } else {
        &["run", "--silent", "build"]
    })?;
    eprintln!("sdk: dist/ matches its sources");
    Ok(())
}

/// Runs the package's tests.
///
/// # Errors
/// npm missing or failing, or a failed test.
pub(crate) fn test() -> anyhow::Result<()> {
    npm_run(&["test", "--silent"])
}

fn npm_run(args: &[&str]) -> anyhow::Result<()> {
    let package = workspace::root().join("sdk").join("node");
    if !is_installed(&package)? {
        eprintln!("sdk: installing the build's dependencies into sdk/node/node_modules");
        npm(&package, &["ci", "--no-audit", "--no-fund"])?;
    }
    npm(&package, args)
}

fn npm(dir: &Path, args: &[&str]) -> anyhow::Result<()> {
    CommandRunner::new("npm", dir).args(args).run_checked()
}

/// Is the install in `node_modules` as new as the lock file?
fn is_installed(package: &Path) -> anyhow::Result<bool> {
    // npm writes this file last, so it stands for a finished install.
    let installed = modified(&package.join("node_modules/.package-lock.json"))?;
    let locked = modified(&package.join("package-lock.json"))?.with_context(|| {
        format!(
            "{} has no package-lock.json; `npm install` there creates it",
            package.display()
        )
    })?;
    Ok(installed.is_some_and(|installed| installed >= locked))
}

fn modified(path: &Path) -> anyhow::Result<Option<SystemTime>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.modified()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    #[test]
    fn an_install_older_than_the_lock_file_or_unfinished_is_repeated() {
        let package = tempfile::tempdir().unwrap();
        let message = is_installed(package.path()).unwrap_err().to_string();
        assert!(message.contains("package-lock.json"), "{message}");

        let lock = File::create(package.path().join("package-lock.json")).unwrap();
        assert!(!is_installed(package.path()).unwrap());
        fs::create_dir(package.path().join("node_modules")).unwrap();
        assert!(!is_installed(package.path()).unwrap());

        let installed =
            File::create(package.path().join("node_modules/.package-lock.json")).unwrap();
        let now = SystemTime::now();
        lock.set_modified(now).unwrap();
        installed.set_modified(now).unwrap();
        assert!(is_installed(package.path()).unwrap());
        lock.set_modified(now + Duration::from_secs(1)).unwrap();
        assert!(!is_installed(package.path()).unwrap());
    }
}
