//! Builds the packages, and checks them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::command::CommandRunner;
use crate::steps::Outcome;
use crate::{sample, workspace};

use super::platform::Platform;
use super::tree::Tree;
use super::{archive, check, deb, npm};

/// What to build.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Package the debug build: fast to make, for tests.
    pub(crate) debug: bool,
    /// The directory of the result; `target/dist-packages` by default, `target/dist-debug/packages`
    /// for the debug build.
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
        None if options.debug => debug_directory()?.join("packages"),
        None => workspace::target()?.join("dist-packages"),
    };
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let program = build(options.debug)?;
    let platform = Platform::current()?;
    let tree = Tree::write(&out, &program)?;
    archive::tarball(&out, &tree, platform)?;
    let packages = npm::pack(&out, &tree, platform)?;
    let debian = deb::build(&out, &tree, platform)?;
    fs::remove_dir_all(&tree.dir)?;
    for path in sorted(&out)? {
        let size = fs::metadata(&path)?.len();
        println!("{:>9} KiB  {}", size.div_ceil(1024), path.display());
    }
    if let Outcome::Skipped(why) = debian {
        println!("no Debian package: {why}");
    }
    match options.check {
        true => check::run(&packages),
        false => Ok(()),
    }
}

/// Builds the program that is packaged.
fn build(debug: bool) -> anyhow::Result<PathBuf> {
    if debug {
        return stripped(&sample::build()?);
    }
    // Functions with the same code are in the program once. Of the toolchain's linkers only this
    // platform's can do it.
    let linker: &[&str] = match cfg!(all(
        target_os = "linux",
        target_arch = "x86_64",
        target_env = "gnu"
    )) {
        true => &["-C", "link-arg=-Wl,--icf=all"],
        false => &[],
    };
    CommandRunner::cargo()
        .args(["rustc", "--locked", "--package", "fulcrum-cli"])
        .args(["--bin", "fulcrum", "--profile", "dist", "--"])
        .args(linker)
        // Paths of this machine in panic messages would make the result depend on it.
        .env("RUSTFLAGS", remap_flags()?)
        .run_checked()?;
    Ok(workspace::target()?.join("dist").join("fulcrum"))
}

/// A copy without symbols: three quarters of a debug build, which every package manager would pack,
/// unpack and hash.
fn stripped(program: &Path) -> anyhow::Result<PathBuf> {
    let dir = debug_directory()?;
    fs::create_dir_all(&dir)?;
    let copy = dir.join("fulcrum");
    CommandRunner::new("strip", workspace::root())
        .arg("-o")
        .arg(&copy)
        .arg(program)
        .run_checked()
        .context("`strip` belongs to the linker's package")?;
    Ok(copy)
}

fn debug_directory() -> anyhow::Result<PathBuf> {
    Ok(workspace::target()?.join("dist-debug"))
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

fn sorted(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}
