//! The file of another tool as text and as a tree with positions.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::kind::ImportKind;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Location};
use crate::file::{location, read_text};
use crate::node::{Entry, Node, NodeKind, Position};
use crate::yaml;

/// A file of another tool.
pub(super) struct Source {
    pub(super) display: PathBuf,
    pub(super) text: String,
    /// None for a Procfile.
    root: Option<Node>,
}

impl Source {
    /// Reads and parses a file, or takes the value of one that is a program.
    pub(super) fn read(
        file: &Path,
        display: &Path,
        evaluated: Option<&str>,
    ) -> Result<Self, Diagnostic> {
        let source = |text: String, root| Self {
            display: display.to_owned(),
            text,
            root,
        };
        if ImportKind::is_evaluated(file) {
            let text = evaluated.ok_or_else(|| {
                Diagnostic::error(Code::NotEvaluated, "is a program whose value is missing")
                    .in_file(display)
            })?;
            // Positions in the value are none in the file.
            let value = json(text, display)?;
            return Ok(source(String::new(), Some(unplaced(&value))));
        }
        let text = read_text(file, display)?;
        if ImportKind::of_file(file) == Some(ImportKind::Procfile) {
            return Ok(source(text, None));
        }
        let is_json = file
            .extension()
            .is_some_and(|extension| extension == "json");
        // Valid JSON is valid YAML, but for tabs; the parser of YAML has the positions.
        let root = match yaml::parse(&text) {
            Ok(document) => document.root,
            Err(_) if is_json => unplaced(&json(&text, display)?),
            Err(error) => {
                let mut diagnostic = Diagnostic::error(error.code, error.message)
                    .at(Some(location(display, error.position)));
                diagnostic.hint = error.hint;
                return Err(diagnostic);
            }
        };
        if is_json {
            json(&text, display)?;
        }
        Ok(source(text, Some(root)))
    }

    /// The tree of the file; its root is a map or a list.
    pub(super) fn root(&self) -> Result<&Node, Diagnostic> {
        let wrong = |what: String| {
            Diagnostic::error(Code::WrongType, format!("expected a map, found {what}"))
                .in_file(&self.display)
                .hint("is this the right file?")
        };
        let root = self.root.as_ref().ok_or_else(|| wrong("lines".into()))?;
        match root.value {
            NodeKind::Mapping(_) | NodeKind::Sequence(_) => Ok(root),
            NodeKind::Null => Err(wrong("an empty file".into())),
            NodeKind::Scalar { .. } => Err(wrong(root.kind())),
        }
    }

    /// The tool that the content belongs to, for a file whose name says nothing.
    pub(super) fn kind(&self) -> Result<ImportKind, Diagnostic> {
        let root = self.root()?;
        let has = |key| root.get(key).is_some();
        if has("services") {
            Ok(ImportKind::Compose)
        } else if has("processes") {
            Ok(ImportKind::ProcessCompose)
        } else if has("apps") || matches!(root.value, NodeKind::Sequence(_)) || has("script") {
            Ok(ImportKind::Pm2)
        } else {
            Err(Diagnostic::error(
                Code::UnknownKind,
                "belongs to no tool that can be imported: it has neither `apps` (pm2), `services` \
                 (docker compose) nor `processes` (process-compose)",
            )
            .in_file(&self.display)
            .hint(
                "name an ecosystem.config.js, compose.yaml, process-compose.yaml, Procfile or \
                 package.json",
            ))
        }
    }

    /// The entries of the map that lists the programs; `hint` says how such a file begins.
    pub(super) fn programs(&self, key: &str, hint: &str) -> Result<&[Entry], Diagnostic> {
        let root = self.root()?;
        let listed = root.get(key);
        let listed = listed.ok_or_else(|| {
            let message = format!("has no `{key}`");
            self.error(root.position, message).hint(hint)
        })?;
        self.map(listed)
    }

    /// The entries of what has to be a map, such as a program.
    pub(super) fn map<'a>(&self, entry: &'a Entry) -> Result<&'a [Entry], Diagnostic> {
        let NodeKind::Mapping(entries) = &entry.value.value else {
            let (key, found) = (&entry.key, entry.value.kind());
            let message = format!("`{key}`: expected a map, found {found}");
            return Err(self.error(entry.position, message));
        };
        Ok(entries)
    }

    /// An error at a position of the file.
    pub(super) fn error(&self, position: Position, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::WrongType, message).at(Some(location(&self.display, position)))
    }
}

/// Parses JSON, for its value or its error.
fn json(text: &str, display: &Path) -> Result<Value, Diagnostic> {
    serde_json::from_str(text).map_err(|error| {
        let full = error.to_string();
        let reason = full.split(" at line ").next().unwrap_or_default();
        Diagnostic::error(Code::JsonSyntax, format!("invalid JSON: {reason}"))
            .at(Some(Location {
                file: display.to_owned(),
                line: u32::try_from(error.line()).unwrap_or(u32::MAX),
                column: u32::try_from(error.column()).unwrap_or(u32::MAX),
            }))
            .hint("JSON has double quotes, and neither comments nor commas before `}` and `]`")
    })
}

/// A value without positions.
fn unplaced(value: &Value) -> Node {
    let kind = match value {
        Value::Null => NodeKind::Null,
        Value::String(text) => NodeKind::Scalar {
            text: text.clone(),
            plain: false,
        },
        Value::Bool(_) | Value::Number(_) => NodeKind::Scalar {
            text: value.to_string(),
            plain: true,
        },
        Value::Array(items) => NodeKind::Sequence(items.iter().map(unplaced).collect()),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| Entry {
                key: key.clone(),
                position: Position::default(),
                value: unplaced(value),
            });
            NodeKind::Mapping(entries.collect())
        }
    };
    Node {
        position: Position::default(),
        value: kind,
    }
}
