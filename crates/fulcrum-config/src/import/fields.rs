//! Fields that mean the same in several tools, by the table of their words.

use std::time::Duration;

use serde_json::{Value, json};

use super::draft::Draft;
use super::text::{Dollars, convert};
use super::translation::Translation;
use super::values::{self, duration_text, text, texts};
use crate::node::{Entry, Node, NodeKind};
use crate::other_tools::{self, Meaning};
use crate::schema::{self, Type};
use crate::suggest::to_snake_case;
use crate::value::parse_value;

/// How a tool writes values.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    pub(super) dollars: Dollars,
    /// The unit of a duration without one.
    pub(super) unit: Duration,
}

/// Carries one field over, or notes why it is not.
pub(super) fn apply(
    translation: &mut Translation,
    draft: &mut Draft,
    entry: &Entry,
    dialect: &Dialect,
) {
    if matches!(entry.value.value, NodeKind::Null) {
        return;
    }
    let path = match other_tools::process_key(&entry.key) {
        Some(Meaning::Key(path)) => path,
        Some(Meaning::Advice(advice)) => {
            let hint = advice.strip_prefix("remove it: ").unwrap_or(advice);
            let why = "it has no counterpart";
            return translation.skip(draft, &entry.key, entry.position, why, hint);
        }
        None => match schema::names(schema::PROCESS).find(|name| *name == entry.key) {
            Some(name) => name,
            None => {
                let why = "it has no counterpart";
                return translation.skip(draft, &entry.key, entry.position, why, "");
            }
        },
    };
    if let Err(why) = set(translation, draft, path, &entry.value, dialect) {
        translation.skip(draft, &entry.key, entry.position, why, &see(path));
    }
}

fn see(path: &str) -> String {
    format!("set `process.{path}` by hand")
}

const MISREAD: &str = "its value is not understood";

fn set(
    translation: &mut Translation,
    draft: &mut Draft,
    path: &str,
    value: &Node,
    dialect: &Dialect,
) -> Result<(), &'static str> {
    match path {
        "env" => env(translation, draft, value, dialect.dollars),
        "env_file" => env_file(translation, draft, value),
        "args" | "node_args" => {
            let words = match text(value) {
                Some(text) => super::words::split(text, false),
                None => texts(value),
            };
            let words = words.ok_or(MISREAD)?;
            let words = words.iter().map(|word| convert(word, dialect.dollars));
            for word in words {
                draft.push(path, json!(word));
            }
            Ok(())
        }
        "stop.grace" | "start_timeout" | "restart.stable_after" | "restart.backoff.initial" => {
            let duration = values::duration(value, dialect.unit).ok_or(MISREAD)?;
            let may_be_zero = matches!(path, "stop.grace" | "restart.stable_after");
            if may_be_zero || !duration.is_zero() {
                draft.set(path, duration_text(duration));
            }
            Ok(())
        }
        "limits.memory" => {
            let size = values::size(value).ok_or(MISREAD)?;
            draft.set(path, size);
            Ok(())
        }
        "limits.cpu" => {
            let number: f64 = text(value)
                .and_then(|text| text.parse().ok())
                .ok_or(MISREAD)?;
            draft.set(path, json!(number));
            Ok(())
        }
        "restart.budget" => {
            let number: i64 = text(value)
                .and_then(|text| text.parse().ok())
                .ok_or(MISREAD)?;
            match number {
                ..=0 => draft.set("restart.policy", "never"),
                number => draft.set(path, number),
            }
            Ok(())
        }
        "stop.signal" => match parse_value(Type::Signal, value) {
            Ok(crate::setting::Setting::String(signal)) => {
                draft.set(path, signal);
                Ok(())
            }
            _ => Err("it is no signal that stops a process"),
        },
        "restart" | "restart.policy" => {
            let policies = &["always", "on-failure", "never"];
            let word = text(value).unwrap_or_default();
            let same = |policy: &&&str| to_snake_case(policy) == to_snake_case(word);
            let policy = policies.iter().find(same).copied();
            let policy = policy.or_else(|| other_tools::value(word, policies));
            draft.set("restart.policy", policy.ok_or(MISREAD)?);
            Ok(())
        }
        "replicas" => match text(value) {
            Some("1") => Ok(()),
            _ => Err("a domain is one process in this version"),
        },
        "user" => Err("a domain runs as the user that starts fulcrum"),
        _ => Err(MISREAD),
    }
}

/// Variables: a map, or a list of `NAME=value`. A name without a value is that of the environment,
/// which a domain has anyway.
fn env(
    translation: &mut Translation,
    draft: &mut Draft,
    value: &Node,
    dollars: Dollars,
) -> Result<(), &'static str> {
    match &value.value {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                match (&entry.value.value, text(&entry.value)) {
                    (NodeKind::Null, _) => {}
                    (_, Some(text)) => draft.set_env(&entry.key, convert(text, dollars)),
                    (_, None) => {
                        let field = format!("env.{}", entry.key);
                        let why = "a variable is a text";
                        translation.skip(draft, &field, entry.position, why, "");
                    }
                }
            }
            Ok(())
        }
        NodeKind::Sequence(_) => {
            for item in texts(value).ok_or(MISREAD)? {
                if let Some((name, value)) = item.split_once('=') {
                    draft.set_env(name, convert(value, dollars));
                }
            }
            Ok(())
        }
        NodeKind::Null | NodeKind::Scalar { .. } => Err(MISREAD),
    }
}

/// Env files: a path, or a list of paths and of `{path, required}`.
fn env_file(
    translation: &mut Translation,
    draft: &mut Draft,
    value: &Node,
) -> Result<(), &'static str> {
    let items = match &value.value {
        NodeKind::Sequence(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    };
    for item in items {
        let (path, required) = match &item.value {
            NodeKind::Mapping(_) => {
                let path = item.get("path").and_then(|entry| text(&entry.value));
                let required = item.get("required");
                let required = required.and_then(|entry| values::boolean(&entry.value));
                (path.ok_or(MISREAD)?, required.unwrap_or(true))
            }
            _ => (text(item).ok_or(MISREAD)?, true),
        };
        let file = translation.dir.join(path);
        add_env_file(translation, draft, &file, required);
    }
    Ok(())
}

/// Adds an env file; one that does not exist (yet) need not.
pub(super) fn add_env_file(
    translation: &mut Translation,
    draft: &mut Draft,
    file: &std::path::Path,
    required: bool,
) {
    let path = convert(&translation.path_for(draft, file), Dollars::Literal);
    let exists = file.is_file();
    if required && !exists {
        let message = format!(
            "{}: the env file {} does not exist, so it is written as not required",
            draft.source_name,
            file.display()
        );
        translation.note(draft.position, message, "create it, or correct the path");
    }
    let item: Value = match required && exists {
        true => json!(path),
        false => json!({"path": path, "required": false}),
    };
    draft.push("env_file", item);
}
