//! Installs the packed packages with real package managers into empty directories, and runs them there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::json;

use super::npm::NpmPackages;
use super::tree::version;
use crate::command::CommandRunner;
use crate::packages::managers::{MANAGERS, Manager};
use crate::sample::{Sample, Signal, send};
use crate::steps::format_error;
use crate::wait::until;

/// The package managers whose packages run under Node.
const CHECKED: [&str; 6] = [
    "npm",
    "pnpm-10",
    "pnpm-12",
    "yarn-1",
    "yarn-4-node-modules",
    "yarn-4-pnp",
];

/// How the command line of the launcher ends. The program is in a directory of the same name with pnpm.
const LAUNCHER: &str = "fulcrum-cli/bin/";

const LIMIT: Duration = Duration::from_secs(60);

/// Checks every package manager, and prints one line for each.
///
/// # Errors
/// A package manager with which something differs.
pub(super) fn run(packages: &NpmPackages) -> anyhow::Result<()> {
    let mut failed = 0;
    for name in CHECKED {
        let manager = MANAGERS.into_iter().find(|manager| manager.name == name);
        let manager = manager.with_context(|| format!("no package manager {name}"))?;
        let started = Instant::now();
        let result = check(manager, packages);
        let took = started.elapsed().as_secs_f64();
        match result {
            Ok(seen) => println!("{took:6.1} s  {name:<20} {seen}"),
            Err(error) => {
                failed += 1;
                println!("{took:6.1} s  {name:<20} FAILED");
                eprintln!("{}", format_error(&error));
            }
        }
    }
    ensure!(failed == 0, "{failed} package managers failed (see above)");
    Ok(())
}

fn check(manager: Manager, packages: &NpmPackages) -> anyhow::Result<String> {
    // The program is that of the package, found by the launcher.
    let sample = Sample::empty(PathBuf::from("fulcrum"), "")?;
    let sample = sample.with_env("PATH", &manager.path()?);
    sample.run_with(|sample| {
        let project = Project {
            manager,
            dir: sample.app(),
            sample,
        };
        project.install(packages)?;
        let result = project.check();
        for process in sample.processes()? {
            // Only what a failed check has left.
            let _has_exited = send(process.pid, Signal::KILL);
        }
        result
    })
}

/// An empty directory with the packages installed.
struct Project<'a> {
    manager: Manager,
    dir: PathBuf,
    sample: &'a Sample,
}

impl Project<'_> {
    fn install(&self, packages: &NpmPackages) -> anyhow::Result<()> {
        let file = |path: &Path| -> anyhow::Result<String> {
            Ok(format!("file:{}", std::path::absolute(path)?.display()))
        };
        let program = file(&packages.platform)?;
        let replaced = json!({ &packages.platform_name: &program });
        let mut package = json!({
            "name": "installed",
            "private": true,
            "type": "module",
            "dependencies": {
                "fulcrum-cli": file(&packages.launcher)?,
                "@fulcrum/domain": file(&packages.domain)?,
            },
        });
        match self.manager.program {
            // As `npm install ./fulcrum-cli-*.tgz` has it.
            "npm" => package["dependencies"][&packages.platform_name] = json!(program),
            "pnpm" => {
                let text = format!("overrides:\n  '{}': '{program}'\n", packages.platform_name);
                fs::write(self.dir.join("pnpm-workspace.yaml"), text)?;
            }
            _ => package["resolutions"] = replaced,
        }
        fs::write(self.dir.join("package.json"), package.to_string())?;
        if let Some((name, text)) = self.manager.settings {
            fs::write(self.dir.join(name), text)?;
        }
        if self.manager.lock == "yarn.lock" {
            fs::write(self.dir.join("yarn.lock"), "")?;
        }
        let arguments: &[&str] = match self.manager.name {
            "yarn-4-node-modules" | "yarn-4-pnp" => &["install", "--no-immutable"],
            "pnpm-10" | "pnpm-12" => &["install", "--no-frozen-lockfile"],
            _ => &["install"],
        };
        self.manager.run(&self.dir, arguments)
    }

    /// `npx fulcrum ARGS`, or what the package manager has for it.
    fn npx(&self, args: &[&str]) -> CommandRunner {
        let (program, first): (&str, &[&str]) = match self.manager.program {
            "npm" => ("npx", &["--no-install", "fulcrum"]),
            "pnpm" => ("pnpm", &["exec", "fulcrum"]),
            // Without --silent it prints what it runs, before the JSON.
            "yarn" if self.manager.name == "yarn-1" => ("yarn", &["--silent", "run", "fulcrum"]),
            _ => ("yarn", &["run", "fulcrum"]),
        };
        self.sample.in_environment(program, &[first, args].concat())
    }

    fn check(&self) -> anyhow::Result<String> {
        let shown = self.npx(&["--version"]).stdout()?;
        ensure!(
            shown.contains(&format!("fulcrum {}", version())),
            "another version: {shown}"
        );
        // package.json exists, and is not changed.
        let init = self.npx(&["init", ".", "--lang", "js"]);
        let written = init.output()?;
        ensure!(written.status.success(), init.failure(&written));

        let test = self.npx(&["node", "--test", "test/users.test.js"]);
        let tested = test.output()?;
        ensure!(tested.status.success(), test.failure(&tested));

        let log = self.dir.join("dev.log");
        let mut dev = self.npx(&["dev"]).start(&log)?;
        let instance = until("the domain is ready", LIMIT, || {
            if let Some(status) = dev.try_wait()? {
                bail!(
                    "`fulcrum dev` exited ({status}):\n{}",
                    fs::read_to_string(&log).unwrap_or_default()
                );
            }
            self.ready_instance()
        })?;
        let tree = ancestors(instance, dev.id())?;
        for process in &tree {
            ensure!(
                !process.contains(LAUNCHER),
                "a launcher is left in the process tree: {}",
                tree.join(" <- ")
            );
        }
        self.expect_code(4, &["domains", "status", "nobody"])?;
        self.expect_code(0, &["down"])?;
        let status = until("`fulcrum dev` exits", LIMIT, || Ok(dev.try_wait()?))?;
        ensure!(
            status.code() == Some(0),
            "after `down`, `dev` exited with {status}"
        );
        self.expect_code(3, &["domains", "list"])?;
        let direct = self.check_direct()?;
        Ok(format!("{}; {direct}", tree.join(" <- ")))
    }

    /// The launcher itself becomes the program: the pid is the same, and so is what a signal does.
    fn check_direct(&self) -> anyhow::Result<String> {
        let launcher = self.dir.join("node_modules/.bin/fulcrum");
        if !launcher.exists() {
            return Ok("no node_modules".to_owned());
        }
        let launcher = launcher.to_str().context("a path in UTF-8")?;
        let log = self.dir.join("direct.log");
        let mut dev = self.sample.in_environment(launcher, &["dev"]).start(&log)?;
        let pid = until("the domain is ready", LIMIT, || self.ready_instance())?;
        ensure!(
            pid == dev.id(),
            "the instance is {pid}, and its launcher was {}",
            dev.id()
        );
        send(i32::try_from(pid)?, Signal::TERM)?;
        let status = until("it exits", LIMIT, || Ok(dev.try_wait()?))?;
        ensure!(
            status.code() == Some(0),
            "after SIGTERM it exited with {status}"
        );
        self.sample.assert_no_processes()?;
        Ok("the launcher becomes the program".to_owned())
    }

    /// The pid of the instance, once its domain is ready.
    fn ready_instance(&self) -> anyhow::Result<Option<u32>> {
        let output = self.npx(&["domains", "status", "-o", "json"]).output()?;
        let status: serde_json::Value = match serde_json::from_slice(&output.stdout) {
            Ok(status) => status,
            Err(_) => return Ok(None),
        };
        let is_ready = status["domains"][0]["ready"] == true;
        let pid = status["instance"]["pid"].as_u64().filter(|_| is_ready);
        Ok(pid.and_then(|pid| u32::try_from(pid).ok()))
    }

    fn expect_code(&self, code: i32, args: &[&str]) -> anyhow::Result<()> {
        let run = self.npx(args);
        let output = run.output()?;
        // npm passes the code on; Yarn 1 and pnpm do too.
        ensure!(
            output.status.code() == Some(code),
            run.failure(&output)
                .context(format!("expected exit code {code}"))
        );
        Ok(())
    }
}

/// The command lines of a process and of its ancestors, up to `last`.
fn ancestors(pid: u32, last: u32) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut pid = pid;
    loop {
        let line = fs::read(format!("/proc/{pid}/cmdline"))?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let short = words.iter().take(3).map(|word| {
            let name = word.rsplit('/').next().unwrap_or(word);
            // Of a path, what tells whose it is.
            if word.contains(LAUNCHER) { word } else { name }
        });
        found.push(short.collect::<Vec<_>>().join(" "));
        if pid == last || pid == 1 {
            return Ok(found);
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_ascii_whitespace().nth(1));
        pid = parent.context("/proc has no parent")?.parse()?;
    }
}
