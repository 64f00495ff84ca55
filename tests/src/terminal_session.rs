//! A session at a terminal: typing, Ctrl-C, Ctrl-Z, closing the window.

use serde_json::{Value, json};

use crate::app::{App, fixtures};

/// One thing that happens, or is waited for, at a terminal.
#[derive(Debug, Clone, Copy)]
pub enum TerminalStep<'a> {
    /// This is shown, after what was expected before.
    Expect(&'a str),
    /// This is typed.
    Send(&'a str),
    /// The window is closed.
    Close,
    /// The command ends.
    Ends,
}

/// Ctrl-C, typed.
pub const CTRL_C: TerminalStep<'static> = TerminalStep::Send("\x03");
/// Ctrl-Z, typed.
pub const CTRL_Z: TerminalStep<'static> = TerminalStep::Send("\x1a");

/// What came of a session.
#[derive(Debug)]
pub struct TerminalSession {
    /// The command's exit code; none when a signal ended it, or it goes on.
    pub code: Option<i64>,
    /// Milliseconds from the last thing that was typed, or the closing, to the end of the session.
    pub elapsed_ms: u64,
    /// All that was shown.
    pub output: String,
}

impl App {
    /// Plays a session: `command` runs as what a terminal was opened for.
    #[track_caller]
    pub fn terminal_session(&self, command: &[&str], steps: &[TerminalStep<'_>]) -> TerminalSession {
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| match step {
                TerminalStep::Expect(text) => json!(["expect", text]),
                TerminalStep::Send(text) => json!(["send", text]),
                TerminalStep::Close => json!(["close"]),
                TerminalStep::Exit => json!(["ends"]),
            })
            .collect();
        let driver = fixtures().join("terminal.py").display().to_string();
        let steps = Value::from(steps).to_string();
        let args = [&[driver.as_str(), steps.as_str()], command].concat();
        let result = self.program("python3", &args).output().exits(0).json();
        TerminalSession {
            code: result["code"].as_i64(),
            elapsed_ms: result["took"].as_u64().expect("a time"),
            output: result["shown"].as_str().expect("a text").to_owned(),
        }
    }
}
