//! YAML of other tools, such as `pnpm-workspace.yaml`, as a plain value.

use serde_json::{Map, Value};

use crate::node::{Node, NodeKind};
use crate::yaml;

/// Reads a YAML text in any of its styles, within the bounds of Fulcrum's own files; `None` if it is
/// invalid. Scalars are strings, whatever they look like.
#[must_use]
pub fn parse_yaml_value(text: &str) -> Option<Value> {
    yaml::parse(text).ok().map(|document| value(&document.root))
}

/// The tree as a plain value, in which scalars are strings.
pub(crate) fn value(node: &Node) -> Value {
    match &node.value {
        NodeKind::Null => Value::Null,
        NodeKind::Scalar { text, .. } => Value::String(text.clone()),
        NodeKind::Sequence(items) => Value::Array(items.iter().map(value).collect()),
        NodeKind::Mapping(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|entry| (entry.key.clone(), value(&entry.value)));
            Value::Object(entries.collect::<Map<String, Value>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_is_read_and_an_invalid_text_is_none() {
        let expected = serde_json::json!({"packages": ["apps/*", "!**/test"]});
        for text in [
            "packages:\n  - 'apps/*'\n  - \"!**/test\"\n",
            "packages: [apps/*, '!**/test']\n",
            "# ours\npackages:\n- apps/*\n# others\n- '!**/test'\n",
            "{\"packages\": [\"apps/*\", \"!**/test\"]}",
        ] {
            assert_eq!(parse_yaml_value(text), Some(expected.clone()), "{text}");
        }
        assert!(parse_yaml_value("a: [").is_none());
    }
}
