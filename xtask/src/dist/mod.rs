//! `cargo xtask dist`: what users install, for this platform. Everything is made offline, and the same
//! sources have the same result: no file has the time of the build, its user or its place.

mod archive;
mod check;
mod deb;
mod manual;
mod npm;
mod platform;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::command::CommandRunner;
use crate::{sample, workspace};

pub(crate) use manual::write_man_pages;

use platform::Platform;

/// What to build.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Package the debug build: fast to make, for tests.
    pub(crate) debug: bool,
    /// The directory of the result; `target/dist-packages` by default.
    pub(crate) out: Option<PathBuf>,
    /// Install the result with real package managers, and run it.
    pub(crate) check: bool,
}

/// Builds everything.
///
/// # Errors
/// A build that fails, or a program that is missing or fails.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let out = match &options.out {
        Some(out) => out.clone(),
        None => workspace::target()?.join("dist-packages"),
    };
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let program = build(options.debug)?;
    let platform = Platform::current()?;
    let tree = Tree::write(&out, &program)?;
    archive::tarball(&out, &tree, platform)?;
    let packages = npm::pack(&out, &tree, platform)?;
    deb::build(&out, &tree)?;
    fs::remove_dir_all(&tree.dir)?;
    for path in sorted(&out)? {
        let size = fs::metadata(&path)?.len();
        println!("{:>9} KiB  {}", size.div_ceil(1024), path.display());
    }
    match options.check {
        true => check::run(&packages),
        false => Ok(()),
    }
}

/// Builds the program that is packaged.
fn build(debug: bool) -> anyhow::Result<PathBuf> {
    if debug {
        return sample::build();
    }
    CommandRunner::cargo()
        .args(["build", "--locked", "--package", "fulcrum-cli"])
        .args(["--profile", "dist"])
        // Paths of this machine in panic messages would make the result depend on it.
        .env("RUSTFLAGS", remap_flags()?)
        .run_checked()?;
    Ok(workspace::target()?.join("dist").join("fulcrum"))
}

fn remap_flags() -> anyhow::Result<String> {
    let home = std::env::var("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|_| {
            std::env::home_dir()
                .map(|home| home.join(".cargo"))
                .context("no home")
        })?;
    Ok(format!(
        "--remap-path-prefix={}=/fulcrum --remap-path-prefix={}=/cargo",
        workspace::root().display(),
        home.display()
    ))
}

/// The files of an installation, in a directory.
struct Tree {
    dir: PathBuf,
}

impl Tree {
    /// Writes the program, its man pages, completions and documents.
    fn write(out: &Path, program: &Path) -> anyhow::Result<Self> {
        let dir = out.join("tree");
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        for part in ["bin", "man", "completions"] {
            fs::create_dir_all(dir.join(part))?;
        }
        fs::copy(program, dir.join("bin/fulcrum"))
            .with_context(|| format!("cannot copy {}", program.display()))?;
        manual::write_from(program, &dir.join("man"))?;
        for (shell, file) in [
            ("bash", "fulcrum.bash"),
            ("zsh", "_fulcrum"),
            ("fish", "fulcrum.fish"),
            ("powershell", "fulcrum.ps1"),
            ("elvish", "fulcrum.elv"),
        ] {
            let script = CommandRunner::new(program, workspace::root())
                .args(["completions", shell])
                .stdout()?;
            fs::write(dir.join("completions").join(file), script)?;
        }
        for document in ["LICENSE", "README.md", "CHANGELOG.md"] {
            fs::copy(workspace::root().join(document), dir.join(document))?;
        }
        Ok(Self { dir })
    }
}

/// The version of the workspace.
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The time that all files have: of the last commit, in seconds since 1970.
fn source_date() -> anyhow::Result<String> {
    if let Ok(date) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(date);
    }
    let date = CommandRunner::new("git", workspace::root())
        .args(["log", "-1", "--format=%ct"])
        .stdout()?;
    Ok(date.trim().to_owned())
}

fn sorted(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}
