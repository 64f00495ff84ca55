//! JSON on several lines.

use serde_json::Value;

/// A longer line is shown as it is.
const MAX_LENGTH: usize = 64 * 1024;

/// A line that is a JSON object or array, indented on several lines; none for another one.
pub fn pretty_json(line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    if !line.starts_with(['{', '[']) || line.len() > MAX_LENGTH {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    let is_empty = match &value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => return None,
    };
    let text = serde_json::to_string_pretty(&value).ok()?;
    (!is_empty).then(|| text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_changed() {
        let lines = pretty_json(r#" {"b":1,"a":[true]} "#).expect("JSON");
        assert_eq!(
            lines,
            ["{", "  \"b\": 1,", "  \"a\": [", "    true", "  ]", "}"]
        );
        for line in ["{not json}", "[info] started", "42", "{}", "", "\"text\""] {
            assert_eq!(pretty_json(line), None, "{line}");
        }
    }
}
