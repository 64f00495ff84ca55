//! What is printed as JSON.

use serde_json::Value;

/// A log line of the contract.
#[derive(Debug, Clone)]
pub struct Line {
    /// `stdout`, `stderr` or `fulcrum`.
    pub stream: String,
    /// Whose it is.
    pub domain: String,
    /// The text.
    pub message: String,
    /// It had no end.
    pub partial: bool,
}

impl From<&Value> for Line {
    fn from(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Self {
            stream: text("stream"),
            domain: text("domain"),
            message: text("message"),
            partial: value["partial"] == true,
        }
    }
}

/// Each line as a JSON value.
///
/// # Panics
/// On a line that isn't JSON.
#[track_caller]
pub fn json_lines(text: &str) -> Vec<Value> {
    let parse = |line: &str| match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => panic!("not a line of JSON ({error}): {line}"),
    };
    text.lines().map(parse).collect()
}

/// A key of a JSON object that must hold a text.
///
/// # Panics
/// When it doesn't.
#[track_caller]
pub fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is no text: {value}"))
}
