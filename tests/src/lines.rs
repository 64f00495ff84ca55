//! Output that is printed as JSON.

use serde_json::Value;

/// A log line, as the JSON output contract defines it.
#[derive(Debug, Clone)]
pub struct Line {
    /// `stdout`, `stderr` or `fulcrum`.
    pub stream: String,
    /// The domain that it is from or about.
    pub domain: String,
    /// The text.
    pub message: String,
    /// It had no line end.
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
/// On a line that is not JSON.
#[track_caller]
pub fn json_lines(text: &str) -> Vec<Value> {
    let parse = |line: &str| match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => panic!("not a line of JSON ({error}): {line}"),
    };
    text.lines().map(parse).collect()
}

/// The string at a key of a JSON object.
///
/// # Panics
/// When the value is not a string.
#[track_caller]
pub fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is not a string: {value}"))
}
