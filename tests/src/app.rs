//! A temporary app, and the `fulcrum` commands on it.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::binary::{binary, shared_dir};
use crate::command::{CommandRun, Output, command_line, read_lossy};
use crate::foreground::Foreground;
use crate::process::{Process, Signal, TAG, processes_of_test};

/// A temporary app in its own directory. Its processes carry a tag of their own.
#[derive(Debug)]
pub struct App {
    dir: TempDir,
    tag: String,
}

impl App {
    /// An app without domains.
    #[expect(clippy::new_without_default, reason = "it creates directories")]
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("fulcrum-e2e-").tempdir();
        let dir = dir.expect("a temporary directory");
        let tag = fs::read_to_string("/proc/sys/kernel/random/uuid").expect("a random tag");
        let app = Self {
            dir,
            tag: tag.trim().to_owned(),
        };
        for part in ["app/domains", "run", "out"] {
            fs::create_dir_all(app.dir.path().join(part)).expect("a directory");
        }
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(app.dir.path().join("run"), private).expect("a private directory");
        for shared in ["activity-log.cjs", "wire.cjs"] {
            fs::copy(fixtures().join(shared), app.root().join(shared)).expect("a fixture");
        }
        app.write("fulcrum.yml", "{}\n")
    }

    /// Adds a domain that is a copy of a fixture.
    #[must_use]
    pub fn domain(self, name: &str, fixture: &str) -> Self {
        let from = fixtures().join("domains").join(fixture);
        copy(&from, &self.root().join("domains").join(name));
        self
    }

    /// Adds a domain that cleans up when it is stopped, in the way of its name.
    #[must_use]
    pub fn cleanup_domain(self, kind: &str) -> Self {
        let from = fixtures().join("cleanups").join(kind);
        copy(&from, &self.root().join("domains").join(kind));
        self
    }

    /// Writes a file of the app.
    #[must_use]
    pub fn write(self, path: &str, text: &str) -> Self {
        self.write_file(path, text);
        self
    }

    /// Writes a file of the app while the app is in use.
    pub fn write_file(&self, path: &str, text: &str) {
        let file = self.root().join(path);
        fs::create_dir_all(file.parent().expect("a file is in a directory")).expect("a directory");
        fs::write(file, text).expect("a file of the app");
    }

    /// The app's root, with links resolved, as Fulcrum finds it.
    pub fn root(&self) -> PathBuf {
        let dir = self
            .dir
            .path()
            .canonicalize()
            .expect("the directory exists");
        dir.join("app")
    }

    /// A directory beside the app, for files that are not part of it.
    pub fn scratch_dir(&self) -> PathBuf {
        self.root().with_file_name("out")
    }

    /// A `fulcrum` command in the app's directory.
    pub fn fulcrum(&self, args: &[&str]) -> CommandRun {
        let mut command = Command::new(binary());
        command.args(args);
        self.prepare(command)
    }

    /// Any program, in the app's directory and with its tag.
    pub fn program(&self, program: &str, args: &[&str]) -> CommandRun {
        let mut command = Command::new(program);
        command.args(args);
        self.prepare(command)
    }

    fn prepare(&self, mut command: Command) -> CommandRun {
        for (name, _) in env::vars_os() {
            // Variables of the developer must not influence a test.
            let is_fulcrum = name
                .to_str()
                .is_some_and(|name| name.starts_with("FULCRUM_"));
            let inherited = [
                "NODE_EXTRA_CA_CERTS",
                "NODE_OPTIONS",
                "NODE_ENV",
                "NODE_COMPILE_CACHE",
                "CI",
                "NO_COLOR",
            ];
            if is_fulcrum
                || inherited
                    .iter()
                    .any(|inherited_name| name == *inherited_name)
            {
                command.env_remove(&name);
            }
        }
        let out = self.scratch_dir();
        command
            .current_dir(self.root())
            .env(TAG, &self.tag)
            .env("TERM", "xterm-256color")
            .env("XDG_RUNTIME_DIR", self.root().with_file_name("run"))
            .env("XDG_CACHE_HOME", shared_dir())
            .env("FULCRUM_RUNTIME__GRPC__LISTEN", "127.0.0.1:0")
            // Tests of the endpoints have a free port.
            .env("FULCRUM_RUNTIME__HTTP__LISTEN", "off")
            // Tests change files; only those about reloads pass `--watch`.
            .env("FULCRUM_RUNTIME__WATCH__ENABLED", "false")
            .env("TEST_ACTIVITY_LOG", self.activity_log_file())
            .env("TEST_GATE", self.gate());
        CommandRun::new(command, &out)
    }

    /// Runs a `fulcrum` command until it exits.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Output {
        self.fulcrum(args).output()
    }

    /// Starts a `fulcrum` command in the foreground.
    pub fn spawn(&self, args: &[&str]) -> Foreground {
        self.spawn_command(self.fulcrum(args))
    }

    /// Starts a prepared command in the foreground.
    pub fn spawn_command(&self, run: CommandRun) -> Foreground {
        let command_line = command_line(&run.command);
        Foreground::new(run.spawn(), command_line)
    }

    /// Creates the gate file, for which some fixtures and stubs wait.
    pub fn release_gate(&self) {
        fs::write(self.gate(), "").expect("the gate file is created");
    }

    /// The live processes of this test: those that carry its tag, or run in its directory.
    pub fn processes(&self) -> Vec<Process> {
        let root = self.root();
        processes_of_test(
            &self.tag,
            root.parent().expect("the app is in the test's directory"),
        )
    }

    /// Asserts that no process of this test is alive.
    #[track_caller]
    pub fn assert_no_processes(&self) {
        let left: Vec<_> = self.processes().iter().map(ToString::to_string).collect();
        assert!(left.is_empty(), "processes are left: {left:#?}");
    }

    pub(crate) fn activity_log_file(&self) -> PathBuf {
        self.scratch_dir().join("activity-log")
    }

    fn gate(&self) -> PathBuf {
        self.scratch_dir().join("gate")
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = read_lossy(&self.root().join(".fulcrum/instance.log"));
            eprintln!("--- the instance's log\n{log}---");
        }
        // A process that is just being started is found in a later round.
        for _ in 0..100 {
            let left = self.processes();
            if left.is_empty() {
                break;
            }
            left.iter().for_each(|process| process.signal(Signal::KILL));
        }
    }
}

/// The directory of the fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a fixture's file");
        }
    }
}
