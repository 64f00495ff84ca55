//! The payload of a call: an argument, a file, or standard input.

use std::fs;
use std::io::Read;

use serde::de::IgnoredAny;

use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// Reads the payload that an argument names.
///
/// # Errors
/// A file that cannot be read, or a text that is not JSON.
pub(super) fn read(argument: Option<&str>) -> Result<String, CliError> {
    let payload = match argument {
        None => "{}".to_owned(),
        Some("-") => read_stdin()?,
        Some(text) => match text.strip_prefix('@') {
            Some(file) => read_file(file)?,
            None => text.to_owned(),
        },
    };
    validate_json(&payload)?;
    Ok(payload)
}

fn read_file(file: &str) -> Result<String, CliError> {
    fs::read_to_string(file).map_err(|error| {
        let text = format!("cannot read the payload from {file}: {error}");
        CliError::new(ErrorCode::BadPayload, text)
    })
}

fn read_stdin() -> Result<String, CliError> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| {
            CliError::new(
                ErrorCode::BadPayload,
                format!("cannot read the payload from standard input: {error}"),
            )
        })?;
    Ok(text)
}

/// Rejects a payload that is not JSON before it is sent.
fn validate_json(payload: &str) -> Result<(), CliError> {
    serde_json::from_str::<IgnoredAny>(payload).map(drop).map_err(|error| {
        CliError::new(
            ErrorCode::BadPayload,
            format!(
                "invalid JSON payload: {error}\n  hint: quote it for the shell, as in '{{\"id\": 1}}'; @FILE reads a file"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Code;

    #[test]
    fn an_invalid_payload_is_rejected_with_its_position() {
        for payload in ["{}", "[1, 2.50]", "\"x\"", "-5", " null "] {
            assert_eq!(validate_json(payload), Ok(()), "{payload}");
        }
        let error = validate_json("{\"id\":\n oops}").expect_err("no JSON");
        assert_eq!(error.code, Code::Usage);
        assert!(error.message.contains("line 2 column 2"), "{error}");
        validate_json("").expect_err("nothing");
        validate_json("{} {}").expect_err("two");
    }

    #[test]
    fn a_file_is_read_where_the_argument_names_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("order.json");
        fs::write(&file, "{\"id\": 1}").expect("written");
        let argument = format!("@{}", file.display());
        assert_eq!(read(Some(&argument)), Ok("{\"id\": 1}".to_owned()));
        let missing = read(Some("@missing.json")).expect_err("no file");
        assert!(missing.message.contains("missing.json"), "{missing}");
        assert_eq!(read(None), Ok("{}".to_owned()));
    }
}
