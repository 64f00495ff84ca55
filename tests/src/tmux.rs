//! A terminal whose screen can be read: a session of tmux with a server of its own.

use std::path::PathBuf;

use crate::app::App;
use crate::report::not_applicable;
use crate::wait::{LIMIT, wait_until};

/// The shell in the terminal, which says how a command has ended.
const SHELL: &str = "PS1='$ ' exec bash --norc --noprofile";

/// A terminal. Its server is ended when this is dropped.
#[derive(Debug)]
pub struct Tmux<'a> {
    app: &'a App,
}

impl App {
    /// A terminal of this size with a shell in the app's directory; none, and a remark about the row,
    /// where tmux is not installed.
    pub fn tmux(&self, row: &str, columns: u16, rows: u16) -> Option<Tmux<'_>> {
        let found = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join("tmux").is_file()));
        if !found {
            not_applicable(row, "tmux is not installed");
            return None;
        }
        let tmux = Tmux { app: self };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        tmux.run(&[
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
            "-s",
            "top",
            "sh",
            "-c",
            SHELL,
        ]);
        tmux.wait_for("a prompt", |screen| screen.contains('$'));
        Some(tmux)
    }
}

impl Tmux<'_> {
    /// Types a command and Enter. `END` and its exit code follow its output.
    #[track_caller]
    pub fn run_command(&self, command: &str) {
        self.text(&format!("clear; {command}; echo END $?"));
        self.keys(&["Enter"]);
    }

    /// Presses keys by the names of tmux: `Down`, `C-c`, `r`.
    #[track_caller]
    pub fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys", "-t", "top"], keys].concat());
    }

    /// Types a text.
    #[track_caller]
    pub fn text(&self, text: &str) {
        self.run(&["send-keys", "-t", "top", "-l", text]);
    }

    /// Changes the size of the window.
    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.run(&["resize-window", "-t", "top", "-x", &columns, "-y", &rows]);
    }

    /// The screen as text.
    #[track_caller]
    pub fn screen(&self) -> String {
        self.run(&["capture-pane", "-p", "-t", "top"])
    }

    /// A value of the terminal, such as `#{alternate_on}`.
    #[track_caller]
    pub fn value(&self, format: &str) -> String {
        self.run(&["display-message", "-p", "-t", "top", format])
            .trim()
            .to_owned()
    }

    /// Waits until the screen is as described, and returns it.
    ///
    /// # Panics
    /// When it is not within the limit. The message has the screen.
    #[track_caller]
    pub fn wait_for(&self, description: &str, is_so: impl Fn(&str) -> bool) -> String {
        let last = std::cell::RefCell::new(String::new());
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(description, LIMIT, || {
                let screen = self.screen();
                last.borrow_mut().clone_from(&screen);
                is_so(&screen).then_some(screen)
            })
        }));
        found.unwrap_or_else(|_| panic!("not on the screen: {description}\n{}", last.borrow()))
    }

    /// Waits until the screen has this text.
    #[track_caller]
    pub fn wait_for_text(&self, text: &str) -> String {
        self.wait_for(text, |screen| screen.contains(text))
    }

    fn directory(&self) -> PathBuf {
        self.app.scratch_dir()
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let arguments = [&["-u", "-L", "e2e", "-f", "/dev/null"], arguments].concat();
        let run = self
            .app
            .program("tmux", &arguments)
            .env("TMUX_TMPDIR", self.directory());
        run.env_remove("TMUX").output().exits(0).stdout
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let arguments = ["-L", "e2e", "kill-server"];
        let run = self
            .app
            .program("tmux", &arguments)
            .env("TMUX_TMPDIR", self.directory());
        // It has ended already where its shell has.
        let _ = run.output();
        wait_until("the terminal is gone", LIMIT, || {
            let is_part =
                |command: &str| command.starts_with("tmux") || command.starts_with("bash --norc");
            let mut processes = self.app.processes().into_iter();
            (!processes.any(|process| is_part(&process.command))).then_some(())
        });
    }
}
