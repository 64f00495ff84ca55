//! One command, run until it exits.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::wait::{LIMIT, wait_until};

/// The output and exit code of a command.
#[derive(Debug, Clone)]
pub struct Output {
    command: String,
    /// Its exit code; none when a signal killed it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "`{command}` exited with {code:?}\n--- stdout\n{stdout}--- stderr\n{stderr}---"
        )
    }
}

impl Output {
    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(self.code == Some(code), "expected exit code {code}: {self}");
        self
    }

    /// Asserts that standard error contains all these texts.
    #[track_caller]
    pub fn stderr_contains(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "stderr lacks {text:?}: {self}");
        }
        self
    }

    /// Asserts that standard output contains all these texts.
    #[track_caller]
    pub fn stdout_contains(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stdout.contains(text), "stdout lacks {text:?}: {self}");
        }
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON ({error}): {self}"))
    }
}

/// A command that is about to run. Standard input is empty unless
/// [`CommandRun::stdin`] sets it.
#[derive(Debug)]
pub struct CommandRun {
    pub(crate) command: Command,
    dir: PathBuf,
    stdin: Option<Vec<u8>>,
    timeout: Duration,
}

impl CommandRun {
    pub(crate) fn new(command: Command, dir: &Path) -> Self {
        Self {
            command,
            dir: dir.to_owned(),
            stdin: None,
            timeout: LIMIT + LIMIT,
        }
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// Removes a variable.
    #[must_use]
    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs in another directory than the app's.
    #[must_use]
    pub fn current_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Sets its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Allows it more time than usual.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it until it exits.
    ///
    /// # Panics
    /// When it does not exit in time: it is killed then.
    #[track_caller]
    pub fn output(self) -> Output {
        let command_line = command_line(&self.command);
        let (mut child, files) = self.spawn();
        let timeout = files.timeout;
        let mut try_exit = || child.try_wait().expect("a child can be waited for");
        let status = wait_with_timeout(timeout, &mut try_exit);
        if status.is_none() {
            // Only the client; the processes that it started are found by their tag.
            let _ = child.kill();
            let _ = child.wait();
        }
        let output = files.output(command_line, status);
        assert!(
            status.is_some(),
            "it did not exit within {} s: {output}",
            timeout.as_secs()
        );
        output
    }

    /// Runs it until it exits and passes each line of its standard output to `handle_line`, without
    /// its line end: for output that is too large for memory. Returns its standard error.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn lines(mut self, mut handle_line: impl FnMut(&[u8])) -> String {
        let command_line = command_line(&self.command);
        let stderr = unique(&self.dir, "stderr");
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&stderr).expect("output can be captured"));
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("{command_line}: {error}"));
        let stdout = child.stdout.take().expect("it is a pipe");
        let mut stdout = BufReader::with_capacity(1 << 18, stdout);
        let mut line = Vec::new();
        while stdout.read_until(b'\n', &mut line).expect("a pipe is read") > 0 {
            handle_line(line.strip_suffix(b"\n").unwrap_or(&line));
            line.clear();
        }
        let status = child.wait().expect("a child can be waited for");
        let stderr = read_lossy(&stderr);
        assert!(
            status.success(),
            "{command_line} exited with {status}: {stderr}"
        );
        stderr
    }

    /// Starts it with its output in files: a pipe would be held open by processes that outlive it.
    pub(crate) fn spawn(mut self) -> (Child, Files) {
        let files = Files {
            stdout: unique(&self.dir, "stdout"),
            stderr: unique(&self.dir, "stderr"),
            timeout: self.timeout,
        };
        let create = |path: &Path| File::create(path).expect("output can be captured");
        let stdin = self.stdin.map_or_else(Stdio::null, |bytes| {
            let path = unique(&self.dir, "stdin");
            fs::write(&path, bytes).expect("input can be prepared");
            File::open(path).expect("input can be read").into()
        });
        self.command
            .stdin(stdin)
            .stdout(create(&files.stdout))
            .stderr(create(&files.stderr));
        let child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        (child, files)
    }
}

/// The files of a command's output.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) stdout: PathBuf,
    pub(crate) stderr: PathBuf,
    timeout: Duration,
}

impl Files {
    pub(crate) fn output(&self, command: String, status: Option<ExitStatus>) -> Output {
        let code = status.and_then(|status| status.code());
        Output {
            command,
            code,
            stdout: read_lossy(&self.stdout),
            stderr: read_lossy(&self.stderr),
        }
    }
}

pub(crate) fn read_lossy(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned()
}

fn wait_with_timeout(
    timeout: Duration,
    try_exit: &mut dyn FnMut() -> Option<ExitStatus>,
) -> Option<ExitStatus> {
    let started = std::time::Instant::now();
    wait_until("the command exits", timeout + LIMIT, || match try_exit() {
        Some(status) => Some(Some(status)),
        None if started.elapsed() >= timeout => Some(None),
        None => None,
    })
}

pub(crate) fn command_line(command: &Command) -> String {
    let args: Vec<_> = command
        .get_args()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    format!("{} {}", program.display(), args.join(" "))
}

fn unique(dir: &Path, kind: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    dir.join(format!("{kind}-{}", NEXT.fetch_add(1, Ordering::Relaxed)))
}
