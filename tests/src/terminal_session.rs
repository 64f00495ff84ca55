//! A scripted terminal session: typing, Ctrl-C, Ctrl-Z, closing the window.

use serde_json::{Value, json};

use crate::app::{App, fixtures};

/// One step: an action, or output that is waited for.
#[derive(Debug, Clone, Copy)]
pub enum TerminalStep<'a> {
    /// Waits for this output, after what was expected before.
    Expect(&'a str),
    /// Types this.
    Send(&'a str),
    /// Closes the window.
    Close,
    /// Waits until the command exits.
    Exit,
}

/// Types Ctrl-C.
pub const CTRL_C: TerminalStep<'static> = TerminalStep::Send("\x03");
/// Types Ctrl-Z.
pub const CTRL_Z: TerminalStep<'static> = TerminalStep::Send("\x1a");

/// The result of a session.
#[derive(Debug)]
pub struct TerminalSession {
    /// The command's exit code; none when a signal killed it, or it still runs.
    pub code: Option<i64>,
    /// Milliseconds from the last input, or the closing, to the end of the session.
    pub elapsed_ms: u64,
    /// All output of the terminal.
    pub output: String,
}

impl App {
    /// Runs `command` in a terminal of its own, and performs the steps.
    #[track_caller]
    pub fn terminal_session(
        &self,
        command: &[&str],
        steps: &[TerminalStep<'_>],
    ) -> TerminalSession {
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| match step {
                TerminalStep::Expect(text) => json!(["expect", text]),
                TerminalStep::Send(text) => json!(["send", text]),
                TerminalStep::Close => json!(["close"]),
                TerminalStep::Exit => json!(["exit"]),
            })
            .collect();
        let driver = fixtures().join("terminal.py").display().to_string();
        let steps = Value::from(steps).to_string();
        let args = [&[driver.as_str(), steps.as_str()], command].concat();
        let result = self.program("python3", &args).output().exits(0).json();
        TerminalSession {
            code: result["code"].as_i64(),
            elapsed_ms: result["elapsed_ms"].as_u64().expect("a time"),
            output: result["output"].as_str().expect("a text").to_owned(),
        }
    }
}
