//! A `fulcrum` in the foreground, as in a terminal.

use std::process::Child;

use crate::command::{Files, Output, read_lossy};
use crate::process::{Process, Signal};
use crate::wait::{LIMIT, wait_until};

/// A command that runs until it is stopped.
#[derive(Debug)]
pub struct Foreground {
    child: Child,
    files: Files,
    command_line: String,
}

impl Foreground {
    pub(crate) fn new((child, files): (Child, Files), command_line: String) -> Self {
        Self {
            child,
            files,
            command_line,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        read_lossy(&self.files.stdout)
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        read_lossy(&self.files.stderr)
    }

    /// Signals this process only, as Ctrl-C does, since domains have process groups of their own.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let process = Process::find(self.pid()).unwrap_or_else(|| {
            panic!("it has exited already:\n{}{}", self.stdout(), self.stderr())
        });
        process.signal(signal);
    }

    /// Waits until standard output contains this text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        wait_until(&format!("stdout has {text:?}"), LIMIT, || {
            let status = self.child.try_wait().expect("a child can be waited for");
            if self.stdout().contains(text) {
                return Some(());
            }
            assert!(
                status.is_none(),
                "it exited with {status:?} before stdout had {text:?}"
            );
            None
        });
    }

    /// Waits until it exits.
    #[track_caller]
    pub fn wait_exit(&mut self) -> Output {
        let status = wait_until(&format!("`{}` exits", self.command_line), LIMIT, || {
            self.child.try_wait().expect("a child can be waited for")
        });
        self.files.output(self.command_line.clone(), Some(status))
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- `{}` wrote\n{}--- and to stderr\n{}---",
                self.command_line,
                self.stdout(),
                self.stderr()
            );
        }
        // The processes that it started are killed by the app, by their tag.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
