//! JSON with comments and trailing commas, as `tsconfig.json` may be.

use serde_json::Value;

use crate::prepare::typescript::position::{Position, position_at};

/// Parses the text of a `tsconfig.json`. An empty one has no options, as for `tsc`.
///
/// # Errors
/// The first syntax error, with its position.
pub(super) fn parse(text: &str) -> Result<Value, (Position, String)> {
    let mut json = text.to_owned();
    // Comments become spaces, so that positions stay. What cannot be read is reported below.
    let _ = json_strip_comments::strip(&mut json);
    if json.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_str(&json).map_err(|error| {
        let lines = json.split_inclusive('\n');
        let before: usize = lines
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        // The parser counts bytes.
        let at = position_at(&json, before + error.column().saturating_sub(1));
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        (at, format!("not valid JSON: {message}"))
    })
}

/// The first syntax error of the text of a `tsconfig.json`.
pub(in crate::prepare::typescript) fn first_error(text: &str) -> Option<(Position, String)> {
    parse(text).err()
}

/// The position of a string that is the value of the property `key`, or in its array; that of the text's
/// start if it is not found.
pub(super) fn position_of(text: &str, key: &str, value: &str) -> Position {
    let key = text.find(&format!("\"{key}\"")).unwrap_or_default();
    let literal = serde_json::to_string(value).unwrap_or_default();
    let value = text[key..].find(&literal).unwrap_or_default();
    position_at(text, key + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_are_accepted() {
        let text = "{ // base\n \"a\": [1, /* x */ 2,],\n \"b//c\": \"/*\\\"*/\", }";
        let value = parse(text).unwrap();
        assert_eq!(value, serde_json::json!({"a": [1, 2], "b//c": "/*\"*/"}));
        assert_eq!(parse(" // nothing\n").unwrap(), serde_json::json!({}));
    }

    #[test]
    fn a_syntax_error_has_its_position() {
        let text = "{ // é\n  /* é */ \"a\": tru }";
        let (at, message) = parse(text).unwrap_err();
        assert_eq!(
            (at.line, message.starts_with("not valid JSON: ")),
            (2, true)
        );
        let (at, _) = parse("{\n  \"a\": 1\n  \"b\": 2\n}").unwrap_err();
        assert_eq!((at.line, at.column), (3, 3));
        assert!(parse("{ /* no end").is_err());
    }

    #[test]
    fn a_value_is_found_by_its_key() {
        let text = "{\"include\": [\"./a\"],\n \"extends\": [\"./b\",\n  \"./a\"]}";
        let at = position_of(text, "extends", "./a");
        assert_eq!((at.line, at.column), (3, 3));
    }
}
