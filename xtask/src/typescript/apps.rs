//! Real frameworks: each directory of `tests/typescript/apps` is an app with the domain `check`, whose
//! response to `app_check_request` is in `expected.json`. Packages are installed from npm.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::command::CommandRunner;
use crate::node_tools::Node;
use crate::sample::copy_tree;
use crate::{node_tools, workspace};

/// A start includes the first scan of a framework.
const LIMIT: Duration = Duration::from_secs(120);

/// Directories of apps.
pub(super) struct Apps(Vec<PathBuf>);

impl Apps {
    /// Those below `directory` whose names contain `filter`.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub(super) fn named(directory: &Path, filter: Option<&str>) -> anyhow::Result<Self> {
        let entries = fs::read_dir(directory)
            .with_context(|| format!("cannot read {}", directory.display()))?;
        let mut apps = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        apps.retain(|app| filter.is_none_or(|filter| name_of(app).contains(filter)));
        apps.sort();
        Ok(Self(apps))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Starts each app on each Node, and prints what came of it. Returns how many have failed.
    ///
    /// # Errors
    /// Packages that cannot be installed.
    pub(super) fn run(&self, program: &Path, nodes: &[Node]) -> anyhow::Result<usize> {
        let mut failed = 0;
        for app in &self.0 {
            let name = name_of(app);
            let root = install(app, &name)?;
            for node in nodes {
                let started = Instant::now();
                let result = RunningApp::new(program, &root, &node.1)?.check(app);
                let word = if result.is_ok() { "pass" } else { "FAIL" };
                let took = started.elapsed().as_secs_f64();
                eprintln!("node {:5} {word}  {name} ({took:.1} s)", node.0);
                if let Err(error) = result {
                    eprintln!("{error:#}\n");
                    failed += 1;
                }
            }
        }
        Ok(failed)
    }
}

fn name_of(app: &Path) -> String {
    let name = app.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A copy of the app with its packages. They are kept as long as no `package.json` changes.
fn install(source: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let root = workspace::tools()?.join("typescript-apps").join(name);
    let wanted = manifests(source)?;
    // Written last, so that an interrupted install is repeated.
    let marker = root.join("installed.txt");
    let is_current = fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted);
    if root.exists() && !is_current {
        fs::remove_dir_all(&root)?;
    }
    copy_tree(source, &root, &["node_modules"])?;
    if is_current {
        return Ok(root);
    }
    eprintln!("installing the packages of {name}");
    let package: Value = serde_json::from_str(&fs::read_to_string(root.join("package.json"))?)?;
    let manager = package["packageManager"].as_str().unwrap_or("npm");
    install_with(manager, &root).with_context(|| format!("cannot install {name}"))?;
    fs::write(marker, wanted)?;
    Ok(root)
}

fn install_with(manager: &str, root: &Path) -> anyhow::Result<()> {
    let (name, version) = manager.split_once('@').unwrap_or((manager, ""));
    let tool = |package: &str, program: &str| -> anyhow::Result<PathBuf> {
        let directory = workspace::tools()?.join(format!("{name}-{version}"));
        node_tools::install(&directory, &[&format!("{package}@{version}")])?;
        Ok(directory.join("node_modules").join(program))
    };
    let run = CommandRunner::new("node", root);
    let run = match name {
        "npm" => CommandRunner::new("npm", root).args(["install", "--no-audit", "--no-fund"]),
        "pnpm" => run
            .arg(tool("pnpm", "pnpm/bin/pnpm.mjs")?)
            .args(["install", "--no-frozen-lockfile"]),
        "yarn" => run
            .arg(tool("@yarnpkg/cli-dist", "@yarnpkg/cli-dist/bin/yarn.js")?)
            .args(["install", "--no-immutable"])
            // Else it looks for a project in the directories above, such as this repository.
            .env("YARN_IGNORE_PATH", "1"),
        _ => bail!("the package manager {manager} is none of npm, pnpm and yarn"),
    };
    run.env("CI", "1").stdout().map(drop)
}

/// The text of every `package.json` and of the settings of package managers.
fn manifests(directory: &Path) -> anyhow::Result<String> {
    const NAMES: [&str; 3] = ["package.json", "pnpm-workspace.yaml", ".yarnrc.yml"];
    let mut text = String::new();
    let mut entries = fs::read_dir(directory)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            text.push_str(&manifests(&entry.path())?);
        } else if NAMES.iter().any(|name| entry.file_name() == *name) {
            text.push_str(&fs::read_to_string(entry.path())?);
        }
    }
    Ok(text)
}

/// An app that is stopped with this value.
struct RunningApp<'a> {
    program: &'a Path,
    root: &'a Path,
    directory: tempfile::TempDir,
}

impl<'a> RunningApp<'a> {
    fn new(program: &'a Path, root: &'a Path, node: &Path) -> anyhow::Result<Self> {
        let settings = format!(
            "runtime:\n  standby: \"off\"\n  defaults:\n    node: {}\n    install: false\n",
            node.display()
        );
        fs::write(root.join("fulcrum.yml"), settings)?;
        let directory = tempfile::tempdir()?;
        let run = directory.path().join("run");
        fs::DirBuilder::new().mode(0o700).create(run)?;
        Ok(Self {
            program,
            root,
            directory,
        })
    }

    fn fulcrum(&self, args: &[&str]) -> CommandRunner {
        CommandRunner::new("env", self.root)
            .args(["-u", "NODE_EXTRA_CA_CERTS"])
            .arg(self.program)
            .args(args)
            .env("FULCRUM_APP_PATH", self.root)
            .env("XDG_RUNTIME_DIR", self.directory.path().join("run"))
            .env("XDG_CACHE_HOME", self.directory.path().join("cache"))
            .env("FULCRUM_RUNTIME__GRPC__LISTEN", "127.0.0.1:0")
            .timeout(LIMIT)
    }

    /// Starts the app and compares its response.
    fn check(&self, source: &Path) -> anyhow::Result<()> {
        let expected = fs::read_to_string(source.join("expected.json"))?;
        let expected: Value = serde_json::from_str(&expected)?;
        let call = ["domains", "call", "check", "app_check_request", "{}"];
        let response = self
            .fulcrum(&["dev", "--detach", "--wait", "--timeout", "60s"])
            .stdout()
            .and_then(|_| self.fulcrum(&call).stdout())
            .with_context(|| self.logs())?;
        let response: Value = serde_json::from_str(&response)?;
        ensure!(
            response == expected,
            "expected {expected}\nreceived {response}\n{}",
            self.logs()
        );
        Ok(())
    }

    fn logs(&self) -> String {
        self.fulcrum(&["logs"]).stdout().unwrap_or_default()
    }
}

impl Drop for RunningApp<'_> {
    fn drop(&mut self) {
        // An error means that it is not running.
        let _ = self.fulcrum(&["down", "--force"]).output();
    }
}
