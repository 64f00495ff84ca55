//! The rows: a package manager and a layout.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::managers::{MANAGERS, Manager};
use crate::command::CommandRunner;
use crate::sample::{Running, Sample};

/// How the repository is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// A fresh clone: a domain with a `package.json` and a lock file of its own.
    Clone,
    /// The app is a workspace, and its domains are members.
    Workspace,
    /// The app is a member of a workspace of the repository around it.
    BelowRoot,
    /// The first install fails; then the user corrects `package.json` and installs by hand.
    Repaired,
}

const LAYOUTS: [(&str, Layout); 4] = [
    ("fresh clone", Layout::Clone),
    ("workspace", Layout::Workspace),
    ("app below a workspace root", Layout::BelowRoot),
    ("failed install, repaired by hand", Layout::Repaired),
];

/// A package of one file, and one whose dependency has a build script that pnpm ignores.
const DEPENDENCIES: &str = r#""left-pad":"1.3.0","@grpc/proto-loader":"0.8.0""#;

/// A package that no registry has.
const UNKNOWN: &str =
    r#""left-pad":"1.3.0","@grpc/proto-loader":"0.8.0","@fulcrum-xtask/none":"1.0.0""#;

const DOMAIN: &str = "\
import { DomainBase } from '@fulcrum/domain';
import pad from 'left-pad';
import * as loader from '@grpc/proto-loader';

export default class Padder extends DomainBase {
  async padHandler({ text }) {
    return { success: true, padded: pad(text, 5), loads: typeof loader.load };
  }
}
";

/// One row of the suite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    manager: Manager,
    layout: (&'static str, Layout),
}

/// All rows.
pub(super) fn all() -> Vec<Row> {
    let rows = MANAGERS
        .into_iter()
        .flat_map(|manager| LAYOUTS.map(|layout| Row { manager, layout }));
    rows.collect()
}

impl Row {
    pub(super) fn name(&self) -> String {
        format!("{}: {}", self.manager.name, self.layout.0)
    }

    /// Creates the app, starts it and calls it; returns what was seen.
    ///
    /// # Errors
    /// An app that does not get ready by `fulcrum dev` alone, a wrong answer, a foreign lock file, or a
    /// failure without a clear reason.
    pub(super) fn run(&self, program: &Path) -> anyhow::Result<String> {
        let (_, layout) = self.layout;
        let below = match layout {
            Layout::BelowRoot => "apps/shop",
            Layout::Clone | Layout::Workspace | Layout::Repaired => "",
        };
        let sample = Sample::empty(program.to_path_buf(), below)?;
        let sample = sample.with_env("PATH", &self.manager.path()?);
        sample.run_with(|sample| self.check(sample))
    }

    fn check(&self, sample: &Sample) -> anyhow::Result<String> {
        let (_, layout) = self.layout;
        let root = sample.repository();
        CommandRunner::new("git", &root)
            .args(["init", "--quiet"])
            .run_checked()?;
        let app = sample.app();
        let domain = app.join("domains/padder");
        fs::create_dir_all(&domain)?;
        fs::write(app.join("fulcrum.yml"), "runtime: {}\n")?;
        fs::write(domain.join("domain.js"), DOMAIN)?;
        let (install_root, member) = match layout {
            Layout::Clone | Layout::Repaired => (domain.clone(), domain),
            Layout::Workspace => (app, domain),
            Layout::BelowRoot => (root, app),
        };
        write_package(&member, "member", DEPENDENCIES)?;
        if install_root != member {
            self.write_workspace(&install_root, layout)?;
        }
        if let Some((name, text)) = self.manager.settings {
            fs::write(install_root.join(name), text)?;
        }
        if self.manager.lock == "yarn.lock" {
            // Without it, Yarn looks for a project above.
            fs::write(install_root.join("yarn.lock"), "")?;
        }
        self.manager
            .run(&install_root, &install_arguments(self.manager))?;
        ensure!(
            install_root.join(self.manager.lock).is_file(),
            "{} wrote no {}",
            self.manager.name,
            self.manager.lock
        );
        remove_installed(&install_root, &member)?;
        if layout == Layout::Repaired {
            return self.check_repaired(sample, &install_root);
        }
        let running = sample.start()?;
        self.expect_answer(&running)?;
        self.expect_no_foreign_lock(&install_root, &member)?;
        let text = self.warnings(&running)?;
        running.expect_exit_code(0, &["down"])?;
        // All is in place now.
        let running = sample.start()?;
        let log = log_text(&running)?;
        running.expect_exit_code(0, &["down"])?;
        ensure!(
            log.matches("installing packages in").count() == 1,
            "the second start installed again:\n{log}"
        );
        Ok(text)
    }

    /// The first start fails with a reason; after the repair it starts.
    fn check_repaired(&self, sample: &Sample, install_root: &Path) -> anyhow::Result<String> {
        let lock = install_root.join(self.manager.lock);
        fs::remove_file(&lock)?;
        if self.manager.program == "yarn" {
            fs::write(&lock, "")?;
        }
        write_package(install_root, "member", UNKNOWN)?;
        let config = sample.app().join("fulcrum.yml");
        fs::write(&config, self.pinned_manager(install_root)?)?;
        let running = sample.running();
        let output =
            running.expect_exit_code(10, &["dev", "--detach", "--wait", "--timeout", "120s"])?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let reason = text
            .lines()
            .find(|line| line.contains("install in"))
            .with_context(|| format!("no reason was given:\n{text}"))?;
        let program = self.manager.program;
        ensure!(
            reason.contains(&format!("run `{program} install`")),
            "the cure is not that of {program}: {reason}"
        );
        ensure!(
            running.domain("padder")?["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("install in")),
            "`domains list` has another reason"
        );
        running.expect_exit_code(0, &["down"])?;
        write_package(install_root, "member", DEPENDENCIES)?;
        self.manager
            .run(install_root, &install_arguments(self.manager))?;
        let running = sample.start()?;
        self.expect_answer(&running)?;
        running.expect_exit_code(0, &["down"])?;
        Ok(reason.trim().to_owned())
    }

    /// Without a lock file, only `packageManager` tells which package manager a plain package has.
    fn pinned_manager(&self, install_root: &Path) -> anyhow::Result<&'static str> {
        let field = match self.manager.program {
            "pnpm" | "bun" | "deno" => self.manager.program,
            _ => return Ok("runtime: {}\n"),
        };
        let path = install_root.join("package.json");
        let text = fs::read_to_string(&path)?;
        let engine = format!(r#"{{"devEngines":{{"packageManager":{{"name":"{field}"}}}},"#);
        fs::write(&path, text.replacen('{', &engine, 1))?;
        Ok("runtime: {}\n")
    }

    fn write_workspace(&self, root: &Path, layout: Layout) -> anyhow::Result<()> {
        let pattern = if layout == Layout::BelowRoot {
            "apps/*"
        } else {
            "domains/*"
        };
        if self.manager.program == "pnpm" {
            // Not the style that `pnpm init` writes.
            let text = format!("# ours\npackages: [ \"{pattern}\" ]\n");
            fs::write(root.join("pnpm-workspace.yaml"), text)?;
            fs::write(
                root.join("package.json"),
                "{\"name\":\"root\",\"private\":true}\n",
            )?;
        } else {
            let text =
                format!("{{\"name\":\"root\",\"private\":true,\"workspaces\":[\"{pattern}\"]}}\n");
            fs::write(root.join("package.json"), text)?;
        }
        Ok(())
    }

    fn expect_answer(&self, running: &Running<'_>) -> anyhow::Result<()> {
        let answer = running.json(&[
            "domains",
            "call",
            "padder",
            "pad_request",
            r#"{"text":"x"}"#,
        ])?;
        ensure!(
            answer["padded"] == "    x" && answer["loads"] == "function",
            "a wrong answer: {answer}"
        );
        Ok(())
    }

    fn expect_no_foreign_lock(&self, root: &Path, member: &Path) -> anyhow::Result<()> {
        let locks = [
            "package-lock.json",
            "pnpm-lock.yaml",
            "yarn.lock",
            "bun.lock",
            "deno.lock",
        ];
        for dir in [root, member] {
            for lock in locks {
                let is_own = lock == self.manager.lock && dir == root;
                ensure!(
                    is_own || !dir.join(lock).exists(),
                    "{} is a foreign lock file",
                    dir.join(lock).display()
                );
            }
        }
        Ok(())
    }

    /// The warnings of the start: at most one.
    fn warnings(&self, running: &Running<'_>) -> anyhow::Result<String> {
        let log = log_text(running)?;
        let warnings: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("although"))
            .collect();
        ensure!(warnings.len() <= 1, "more than one warning:\n{log}");
        Ok(warnings
            .first()
            .map_or("ready".to_owned(), |line| format!("ready; {line}")))
    }
}

/// The lines of Fulcrum itself about the domain.
fn log_text(running: &Running<'_>) -> anyhow::Result<String> {
    let lines = running
        .fulcrum(&["logs", "padder", "-n", "500", "-o", "json"])
        .stdout()?;
    let messages = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|line| line["stream"] == "fulcrum")
        .filter_map(|line| line["message"].as_str().map(str::to_owned));
    Ok(messages.collect::<Vec<_>>().join("\n"))
}

fn install_arguments(manager: Manager) -> Vec<&'static str> {
    match manager.name {
        "yarn-4-node-modules" | "yarn-4-pnp" => vec!["install", "--no-immutable"],
        "pnpm-10" | "pnpm-12" => vec!["install", "--no-frozen-lockfile"],
        _ => vec!["install"],
    }
}

fn write_package(dir: &Path, name: &str, dependencies: &str) -> anyhow::Result<()> {
    let text = format!(
        r#"{{"name":"{name}","version":"1.0.0","private":true,"type":"module","dependencies":{{{dependencies}}}}}"#
    );
    Ok(fs::write(dir.join("package.json"), text)?)
}

/// Removes what a clone does not have.
fn remove_installed(root: &Path, member: &Path) -> anyhow::Result<()> {
    let names = ["node_modules", ".pnp.cjs", ".pnp.loader.mjs", ".yarn"];
    let paths: Vec<PathBuf> = names
        .iter()
        .flat_map(|name| [root.join(name), member.join(name)])
        .collect();
    for path in paths {
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else if path.exists() {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
