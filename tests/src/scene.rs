//! A scene at a terminal: typing, Ctrl-C, Ctrl-Z, closing the window.

use serde_json::{Value, json};

use crate::app::{App, fixtures};

/// One thing that happens, or is waited for, at a terminal.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
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
pub const CTRL_C: Step<'static> = Step::Send("\x03");
/// Ctrl-Z, typed.
pub const CTRL_Z: Step<'static> = Step::Send("\x1a");

/// What came of a scene.
#[derive(Debug)]
pub struct Scene {
    /// The command's exit code; none when a signal ended it, or it goes on.
    pub code: Option<i64>,
    /// Milliseconds from the last thing that was typed, or the closing, to the end of the scene.
    pub took: u64,
    /// All that was shown.
    pub shown: String,
}

impl App {
    /// Plays a scene: `command` runs as what a terminal was opened for.
    #[track_caller]
    pub fn scene(&self, command: &[&str], steps: &[Step<'_>]) -> Scene {
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| match step {
                Step::Expect(text) => json!(["expect", text]),
                Step::Send(text) => json!(["send", text]),
                Step::Close => json!(["close"]),
                Step::Ends => json!(["ends"]),
            })
            .collect();
        let driver = fixtures().join("terminal.py").display().to_string();
        let steps = Value::from(steps).to_string();
        let args = [&[driver.as_str(), steps.as_str()], command].concat();
        let result = self.program("python3", &args).output().exits(0).json();
        Scene {
            code: result["code"].as_i64(),
            took: result["took"].as_u64().expect("a time"),
            shown: result["shown"].as_str().expect("a text").to_owned(),
        }
    }
}
