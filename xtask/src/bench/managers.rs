//! Programs that keep others running, each started as its users do.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

use crate::command::CommandRunner;
use crate::node_tools;
use crate::python_tools::PythonEnvironment;
use crate::workspace;

const PM2: &str = "7.0.4";
const SUPERVISOR: &str = "supervisor==4.3.0";

/// Something that starts programs and keeps them running.
pub(super) enum Manager {
    /// No manager: starts all, and starts again what ends.
    Bare(PathBuf),
    Fulcrum(PathBuf),
    /// From npm.
    Pm2(PathBuf),
    /// From PyPI.
    Supervisor(PathBuf),
    /// From Debian, if it is installed.
    Runit(PathBuf),
}

impl Manager {
    /// All that can be installed; the first is what the others are compared with.
    ///
    /// # Errors
    /// An npm or a pip that fails.
    pub(super) fn all(fulcrum: &Path, bare: PathBuf) -> anyhow::Result<Vec<Self>> {
        let mut all = vec![Self::Bare(bare), Self::Fulcrum(fulcrum.to_path_buf())];
        let pm2 = workspace::tools()?.join(format!("pm2-{PM2}"));
        node_tools::install(&pm2, &[&format!("pm2@{PM2}")])?;
        all.push(Self::Pm2(pm2.join("node_modules/pm2/bin/pm2-runtime")));
        let environment = PythonEnvironment {
            directory: &workspace::tools()?.join("supervisor"),
            requirements: SUPERVISOR,
        };
        let python = environment.install()?;
        all.push(Self::Supervisor(python.with_file_name("supervisord")));
        match find_on_path("runsvdir") {
            Some(runsvdir) => all.push(Self::Runit(runsvdir)),
            None => eprintln!("runit is not installed (Debian: apt-get install runit): left out"),
        }
        Ok(all)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Bare(_) => "bare spawn",
            Self::Fulcrum(_) => "Fulcrum",
            Self::Pm2(_) => "pm2",
            Self::Supervisor(_) => "supervisor",
            Self::Runit(_) => "runit",
        }
    }

    /// Writes what it needs to run these programs into an empty directory, and returns its command,
    /// which stays in the foreground.
    pub(super) fn prepare(
        &self,
        directory: &Path,
        programs: &[Vec<String>],
    ) -> anyhow::Result<Command> {
        match self {
            Self::Bare(bare) => {
                let list: String = programs.iter().map(|argv| argv.join("\t") + "\n").collect();
                fs::write(directory.join("programs"), list)?;
                let mut command = Command::new(bare);
                command.arg(directory.join("programs"));
                Ok(command)
            }
            Self::Fulcrum(fulcrum) => prepare_fulcrum(fulcrum, directory, programs),
            Self::Pm2(runtime) => {
                let apps: Vec<serde_json::Value> = (0..).zip(programs).map(pm2_app).collect();
                let file = directory.join("ecosystem.json");
                fs::write(&file, serde_json::json!({ "apps": apps }).to_string())?;
                let mut command = Command::new(runtime);
                command.arg("start").arg(file);
                command.env("PM2_HOME", directory.join("pm2"));
                Ok(command)
            }
            Self::Supervisor(supervisord) => {
                let file = directory.join("supervisord.conf");
                fs::write(&file, supervisor_settings(directory, programs))?;
                let mut command = Command::new(supervisord);
                command.args(["-n", "-c"]).arg(file);
                Ok(command)
            }
            Self::Runit(runsvdir) => {
                let services = directory.join("services");
                for (index, argv) in programs.iter().enumerate() {
                    let service = services.join(format!("p{index}"));
                    fs::create_dir_all(&service)?;
                    let run = service.join("run");
                    fs::write(&run, format!("#!/bin/sh\nexec {}\n", argv.join(" ")))?;
                    CommandRunner::new("chmod", directory)
                        .arg("755")
                        .arg(run)
                        .run_checked()?;
                }
                // It waits for a second with a directory that has just been changed.
                CommandRunner::new("touch", directory)
                    .args(["-d", "1 hour ago"])
                    .arg(&services)
                    .run_checked()?;
                let mut command = Command::new(runsvdir);
                command.arg(services);
                Ok(command)
            }
        }
    }

    /// The signal that stops it and all its programs.
    fn stop_signal(&self) -> Signal {
        match self {
            Self::Runit(_) => Signal::HUP,
            _ => Signal::TERM,
        }
    }

    /// Starts it with the programs, in a directory of its own in `parent`; its own output goes to a
    /// file, as that of a service does.
    ///
    /// # Errors
    /// Files that cannot be written, and a command that cannot be started.
    pub(super) fn start(&self, parent: &Path, programs: &[Vec<String>]) -> anyhow::Result<Running> {
        let directory = tempfile::tempdir_in(parent)?.keep();
        let mut command = self.prepare(&directory, programs)?;
        let output = File::create(directory.join("output"))?;
        command
            .current_dir(&directory)
            .env_remove("NODE_EXTRA_CA_CERTS")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let started = super::marks::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.name()))?;
        Ok(Running {
            child,
            started,
            signal: self.stop_signal(),
            directory,
        })
    }
}

/// A manager that runs. Dropping it ends it. Its directory stays: for a minute after thousands of files
/// were removed, ext4 takes several times as long to create one, which the next measurement would pay.
pub(super) struct Running {
    child: Child,
    /// When it was started, by the monotonic clock, in nanoseconds.
    pub(super) started: u64,
    signal: Signal,
    directory: PathBuf,
}

impl Running {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed.
    pub(super) fn output(&self) -> PathBuf {
        self.directory.join("output")
    }

    /// Its working directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Ends it, and removes its directory: for one with large files.
    pub(super) fn end_and_remove(self) -> anyhow::Result<()> {
        let directory = self.directory.clone();
        drop(self);
        Ok(fs::remove_dir_all(directory)?)
    }

    /// Tells it to stop, without waiting.
    pub(super) fn stop(&self) {
        // It may have ended.
        let _ = kill_process(Pid::from_child(&self.child), self.signal);
    }

    /// Waits until it has ended.
    pub(super) fn wait(&mut self) -> anyhow::Result<()> {
        let child = &mut self.child;
        crate::wait::until(
            "the manager ends",
            std::time::Duration::from_secs(60),
            || Ok(child.try_wait()?.map(|_| ())),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if self.wait().is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn prepare_fulcrum(
    fulcrum: &Path,
    directory: &Path,
    programs: &[Vec<String>],
) -> anyhow::Result<Command> {
    for (index, argv) in programs.iter().enumerate() {
        let domain = directory.join("domains").join(format!("p{index:04}"));
        fs::create_dir_all(&domain)?;
        let words = serde_json::to_string(argv)?;
        fs::write(
            domain.join("fulcrum.yml"),
            format!("process: {{command: {words}}}\n"),
        )?;
    }
    fs::write(directory.join("fulcrum.yml"), "")?;
    let mut command = Command::new(fulcrum);
    command.arg("serve");
    for (name, value) in fulcrum_environment(directory)? {
        command.env(name, value);
    }
    Ok(command)
}

/// The variables with which commands of `fulcrum` belong to the app in a directory.
///
/// # Errors
/// A directory that cannot be created.
pub(super) fn fulcrum_environment(
    directory: &Path,
) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    use std::os::unix::fs::DirBuilderExt;
    let run = directory.join("run");
    if !run.exists() {
        fs::DirBuilder::new().mode(0o700).create(&run)?;
    }
    Ok(vec![
        ("FULCRUM_APP_PATH", directory.to_path_buf()),
        ("XDG_RUNTIME_DIR", run),
        ("XDG_CACHE_HOME", directory.join("cache")),
        ("FULCRUM_RUNTIME__GRPC__LISTEN", "127.0.0.1:0".into()),
    ])
}

fn pm2_app((index, argv): (usize, &Vec<String>)) -> serde_json::Value {
    serde_json::json!({
        "name": format!("p{index}"),
        "script": argv[0],
        "args": argv[1..],
        "interpreter": "none",
        "exec_mode": "fork",
    })
}

fn supervisor_settings(directory: &Path, programs: &[Vec<String>]) -> String {
    let at = directory.display();
    let mut text = format!(
        "[supervisord]\nlogfile={at}/supervisord.log\npidfile={at}/supervisord.pid\nchildlogdir={at}\n"
    );
    for (index, argv) in programs.iter().enumerate() {
        text += &format!(
            "[program:p{index}]\ncommand={}\nautorestart=true\nstartsecs=0\n\
             stdout_logfile={at}/p{index}.log\nstdout_logfile_maxbytes=0\n",
            argv.join(" ")
        );
    }
    text
}

fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&path).map(|directory| directory.join(program));
    found.find(|file| file.is_file())
}
