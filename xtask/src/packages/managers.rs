//! The package managers at pinned versions, installed below the tools directory.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::command::CommandRunner;
use crate::node_tools;
use crate::workspace;

/// A package manager as a row uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manager {
    pub(crate) name: &'static str,
    /// The program that users run.
    pub(crate) program: &'static str,
    /// Its package in npm with the version, and its program's file in it; `None` for the npm of PATH.
    package: Option<(&'static str, &'static str, &'static str)>,
    /// A file that an app needs for it, besides a lock file.
    pub(crate) settings: Option<(&'static str, &'static str)>,
    pub(crate) lock: &'static str,
}

const YARN_4: (&str, &str, &str) = ("@yarnpkg/cli-dist", "4.18.1", "bin/yarn.js");

/// All package managers that the suite covers.
pub(crate) const MANAGERS: [Manager; 8] = [
    Manager {
        name: "npm",
        program: "npm",
        package: None,
        settings: None,
        lock: "package-lock.json",
    },
    Manager {
        name: "pnpm-10",
        program: "pnpm",
        package: Some(("pnpm", "10.34.8", "bin/pnpm.cjs")),
        settings: None,
        lock: "pnpm-lock.yaml",
    },
    Manager {
        name: "pnpm-12",
        program: "pnpm",
        package: Some(("pnpm", "12.21.0", "../.bin/pnpm")),
        settings: None,
        lock: "pnpm-lock.yaml",
    },
    Manager {
        name: "yarn-1",
        program: "yarn",
        package: Some(("yarn", "1.22.22", "bin/yarn.js")),
        settings: None,
        lock: "yarn.lock",
    },
    Manager {
        name: "yarn-4-node-modules",
        program: "yarn",
        package: Some(YARN_4),
        settings: Some((".yarnrc.yml", "nodeLinker: node-modules\n")),
        lock: "yarn.lock",
    },
    Manager {
        name: "yarn-4-pnp",
        program: "yarn",
        package: Some(YARN_4),
        settings: Some((".yarnrc.yml", "nodeLinker: pnp\n")),
        lock: "yarn.lock",
    },
    Manager {
        name: "bun",
        program: "bun",
        package: Some(("bun", "1.4.5", "../.bin/bun")),
        settings: None,
        lock: "bun.lock",
    },
    Manager {
        name: "deno",
        program: "deno",
        package: Some(("deno", "2.9.6", "../.bin/deno")),
        settings: None,
        lock: "deno.lock",
    },
];

impl Manager {
    /// The value of `PATH` in which its program comes first.
    ///
    /// # Errors
    /// An npm that fails.
    pub(crate) fn path(self) -> anyhow::Result<String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let Some((package, version, file)) = self.package else {
            return Ok(path);
        };
        let name = package.rsplit('/').next().unwrap_or(package);
        let directory = workspace::tools()?.join(format!("{name}-{version}"));
        node_tools::install(&directory, &[&format!("{package}@{version}")])?;
        let program = directory.join("node_modules").join(package).join(file);
        let bin = directory.join("program");
        link(&bin, self.program, &program)?;
        Ok(format!("{}:{path}", bin.display()))
    }

    /// Runs it with these arguments.
    ///
    /// # Errors
    /// One that fails, unless all packages are in place as pnpm's are.
    pub(crate) fn run(self, dir: &Path, args: &[&str]) -> anyhow::Result<()> {
        let run = CommandRunner::new(self.program, dir)
            .args(args)
            .env("PATH", self.path()?)
            .env("CI", "1");
        let output = run.output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        let ignored_builds = text.contains("IGNORED_BUILDS");
        if output.status.success() || ignored_builds {
            return Ok(());
        }
        Err(run.failure(&output))
    }
}

/// A directory with one program.
fn link(dir: &Path, name: &str, program: &PathBuf) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    let link = dir.join(name);
    if fs::read_link(&link).is_ok_and(|target| target == *program) {
        return Ok(());
    }
    let _ = fs::remove_file(&link);
    let mode = fs::metadata(program)
        .with_context(|| format!("npm created no {}", program.display()))?
        .permissions()
        .mode();
    fs::set_permissions(program, fs::Permissions::from_mode(mode | 0o111))?;
    symlink(program, &link).with_context(|| format!("cannot create {}", link.display()))
}
