//! `env_file`: a path, or a list of paths, each of which may be `{path, required}` as in compose files.

use crate::diagnostic::quoted;
use crate::node::{Node, NodeKind};
use crate::scalars::scalar;
use crate::setting::{EnvFileEntry, Setting};
use crate::suggest::closest;
use crate::value_error::ValueError;

const KEYS: [&str; 2] = ["path", "required"];
const WHAT: &str = "a path, or a list of paths or of `{path, required}`";

/// Parses the value of `env_file`.
pub(crate) fn parse(node: &Node) -> Result<Setting, ValueError> {
    let entries = match &node.value {
        NodeKind::Sequence(items) => items.iter().map(entry).collect::<Result<_, _>>()?,
        NodeKind::Scalar { .. } | NodeKind::Mapping(_) => vec![entry(node)?],
        NodeKind::Null => return Err(ValueError::expected(WHAT, node)),
    };
    Ok(Setting::EnvFiles(entries))
}

fn entry(node: &Node) -> Result<EnvFileEntry, ValueError> {
    let NodeKind::Mapping(entries) = &node.value else {
        return Ok(EnvFileEntry {
            path: path(node)?,
            required: true,
        });
    };
    for entry in entries {
        if !KEYS.contains(&entry.key.as_str()) {
            let error =
                ValueError::invalid(format!("{} is not a key of a file", quoted(&entry.key)));
            return Err(match closest(&entry.key, KEYS) {
                Some(key) => error.hint(format!("did you mean `{key}`?")),
                None => error.hint("the keys are `path` and `required`"),
            });
        }
    }
    let Some(found) = node.get("path") else {
        return Err(ValueError::invalid("a file has no `path`")
            .hint("write `{path: .env, required: false}`"));
    };
    let required = match node.get("required") {
        None => true,
        Some(required) => match scalar(&required.value, "`true` or `false`")? {
            "true" => true,
            "false" => false,
            _ => {
                return Err(ValueError::expected(
                    "`required: true` or `false`",
                    &required.value,
                ));
            }
        },
    };
    Ok(EnvFileEntry {
        path: path(&found.value)?,
        required,
    })
}

fn path(node: &Node) -> Result<String, ValueError> {
    match scalar(node, "a path")? {
        "" => Err(ValueError::expected(WHAT, node)),
        text => Ok(text.to_owned()),
    }
}
