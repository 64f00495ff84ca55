//! A terminal whose screen can be captured: a session of tmux with a server of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use crate::command::CommandRunner;
use crate::wait::until;

/// How long the screen may take to show something.
const LIMIT: Duration = Duration::from_secs(30);

/// A sequence of keys is one key to a terminal if it comes at once.
const KEY_PAUSE: Duration = Duration::from_millis(100);

/// A terminal. Its server ends with it.
pub(super) struct Terminal {
    app: PathBuf,
    /// Where the server has its socket.
    sockets: PathBuf,
    /// The socket's name. The server before may still be ending.
    server: String,
}

/// The number of servers so far.
static SERVERS: AtomicU32 = AtomicU32::new(0);

impl Terminal {
    /// A terminal of this size with a shell in the directory of an app.
    ///
    /// # Errors
    /// tmux is not installed, or does not start.
    pub(super) fn open(
        app: &Path,
        sockets: &Path,
        (columns, rows): (u16, u16),
    ) -> anyhow::Result<Self> {
        let terminal = Self {
            app: app.to_owned(),
            sockets: sockets.to_owned(),
            server: format!("screens-{}", SERVERS.fetch_add(1, Ordering::Relaxed)),
        };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let shell = "unset CI NO_COLOR; PS1='$ ' exec bash --norc --noprofile";
        terminal
            .tmux(&[
                "new-session",
                "-d",
                "-x",
                &columns,
                "-y",
                &rows,
                "-s",
                "screens",
                "sh",
                "-c",
                shell,
            ])
            .context("tmux has to be installed")?;
        terminal.tmux(&["set-option", "-g", "status", "off"])?;
        terminal.wait_for("$")?;
        Ok(terminal)
    }

    /// Types a command on an empty screen.
    ///
    /// # Errors
    /// tmux fails.
    pub(super) fn command(&self, command: &str) -> anyhow::Result<()> {
        self.text(&format!("clear; {command}"))?;
        self.keys(&["Enter"])
    }

    /// Presses keys by their names, one after the other: Escape and a letter at once are another key.
    ///
    /// # Errors
    /// tmux fails.
    pub(super) fn keys(&self, keys: &[&str]) -> anyhow::Result<()> {
        for key in keys {
            self.tmux(&["send-keys", "-t", "screens", key])?;
            thread::sleep(KEY_PAUSE);
        }
        Ok(())
    }

    /// Types a text.
    ///
    /// # Errors
    /// tmux fails.
    pub(super) fn text(&self, text: &str) -> anyhow::Result<()> {
        self.tmux(&["send-keys", "-t", "screens", "-l", text])
            .map(drop)
    }

    /// Waits until the screen has a text.
    ///
    /// # Errors
    /// It has not within the limit.
    pub(super) fn wait_for(&self, text: &str) -> anyhow::Result<()> {
        let waited = until(&format!("the screen has {text:?}"), LIMIT, || {
            Ok(self.capture(false)?.contains(text).then_some(()))
        });
        waited
            .with_context(|| format!("the screen is\n{}", self.capture(false).unwrap_or_default()))
    }

    /// The screen, with color sequences if `colors`.
    ///
    /// # Errors
    /// tmux fails.
    pub(super) fn capture(&self, colors: bool) -> anyhow::Result<String> {
        let mut arguments = vec!["capture-pane", "-p", "-t", "screens"];
        if colors {
            arguments.push("-e");
        }
        self.tmux(&arguments)
    }

    fn tmux(&self, arguments: &[&str]) -> anyhow::Result<String> {
        CommandRunner::new("tmux", &self.app)
            .args(["-u", "-L", &self.server, "-f", "/dev/null"])
            .args(arguments)
            .env("TMUX_TMPDIR", &self.sockets)
            .env("TMUX", "")
            .stdout()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already where its shell has.
        let _ = self.tmux(&["kill-server"]);
    }
}
