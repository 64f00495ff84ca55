//! One layer: checks a tree against the schema and turns it into settings.
//!
//! Each value is checked once, in the layer that has it. So an error in `runtime.defaults` is
//! reported once and not for every domain, and even if a higher layer overrides the value. An invalid
//! value is left out, so that the layer below applies and no further error follows.

use std::path::PathBuf;

use figment::value::{Dict, Value};

use crate::code::Code;
use crate::diagnostic::{self, Diagnostic, quoted};
use crate::interpolate::{Interpolated, InterpolationError, References, interpolate};
use crate::layers::SettingArena;
use crate::node::{Entry, Node, NodeKind, Position};
use crate::other_tools::{self, Meaning};
use crate::ports;
use crate::scalars::scalar;
use crate::schema::{self, Key, Kind, Type};
use crate::setting::{Origin, SettingWithOrigin};
use crate::suggest::closest;
use crate::value::parse_value;
use crate::value_error::ValueError;

/// The source of a layer.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The built-in defaults.
    Default,
    /// A file, relative to the app root, and its directory, absolute.
    File { file: PathBuf, dir: PathBuf },
    /// A variable.
    Variable(String),
    /// A flag, by its path.
    Flag(String),
}

impl Source {
    fn origin(&self, position: Position) -> Origin {
        match self {
            Self::Default => Origin::Default,
            Self::File { file, dir } => Origin::File {
                file: file.clone(),
                dir: dir.clone(),
                position,
            },
            Self::Variable(name) => Origin::Variable(name.clone()),
            Self::Flag(path) => Origin::Flag(path.clone()),
        }
    }
}

/// Turns nodes into a layer.
pub(crate) struct LayerParser<'a> {
    pub(crate) source: Source,
    /// What `${…}` stands for. It is expanded only in files.
    pub(crate) references: Option<References<'a>>,
    pub(crate) arena: &'a mut SettingArena,
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
}

impl LayerParser<'_> {
    /// Parses a map with the keys of a section; `path` is the section's path in diagnostics.
    pub(crate) fn section(&mut self, keys: &'static [Key], node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        for entry in self.entries(node, path) {
            match keys.iter().find(|key| key.name == entry.key) {
                Some(key) => {
                    let key_path = join(path, key.name);
                    if let Some(value) = self.parse_kind(&key.kind, &entry.value, &key_path) {
                        dict.insert(key.name.to_owned(), value);
                    }
                }
                None => self.report_unknown_key(keys, entry, path),
            }
        }
        dict
    }

    /// Parses the value of a key; none if it is invalid.
    pub(crate) fn parse_kind(&mut self, kind: &Kind, node: &Node, path: &str) -> Option<Value> {
        match kind {
            Kind::Section(keys) => Some(self.section(keys, node, path).into()),
            Kind::Shorthand(key, keys) => match &node.value {
                NodeKind::Scalar { .. } => {
                    let short = keys.iter().find(|known| known.name == *key)?;
                    let value = self.parse_kind(&short.kind, node, path)?;
                    Some(Dict::from([((*key).to_owned(), value)]).into())
                }
                _ => Some(self.section(keys, node, path).into()),
            },
            Kind::MapOf(keys) => {
                let mut dict = Dict::new();
                for entry in self.entries(node, path) {
                    let key_path = self.section(keys, &entry.value, &join(path, &entry.key));
                    dict.insert(entry.key.clone(), key_path.into());
                }
                Some(dict.into())
            }
            Kind::EnvMap => Some(self.variables(node, path).into()),
            Kind::HeaderMap => Some(self.headers(node, path).into()),
            Kind::Dependencies => Some(self.dependencies(node, path).into()),
            Kind::Value(kind) => self.value(*kind, node, path),
        }
    }

    fn value(&mut self, kind: Type, node: &Node, path: &str) -> Option<Value> {
        let interpolated = self.interpolate_node(node, path)?;
        match parse_value(kind, &interpolated) {
            Ok(setting) => {
                let origin = self.source.origin(node.position);
                Some(self.arena.add(SettingWithOrigin { setting, origin }))
            }
            Err(error) => {
                self.report_invalid(error, node.position, path);
                None
            }
        }
    }

    /// `env`: each variable is a setting of its own, so that layers add variables.
    fn variables(&mut self, node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        if let NodeKind::Sequence(_) = node.value {
            self.report_invalid(
                ValueError::expected("a map of variables", node)
                    .hint("write one `NAME: value` per line"),
                node.position,
                path,
            );
            return dict;
        }
        for entry in self.entries(node, path) {
            let name = &entry.key;
            if name.is_empty() || name.contains(['=', '\0']) {
                self.report_invalid(
                    ValueError::invalid(format!("{} is not a valid variable name", quoted(name))),
                    entry.position,
                    path,
                );
                continue;
            }
            let key_path = join(path, name);
            let Some(interpolated) = self.interpolate_node(&entry.value, &key_path) else {
                continue;
            };
            match scalar(&interpolated, "a text") {
                Ok(text) => {
                    let leaf = SettingWithOrigin {
                        setting: crate::setting::Setting::String(text.to_owned()),
                        origin: self.source.origin(entry.value.position),
                    };
                    dict.insert(name.clone(), self.arena.add(leaf));
                }
                Err(error) => {
                    let error = match interpolated.value {
                        NodeKind::Null if name.contains(':') => ValueError {
                            hint: space_after_colon(name),
                            ..error
                        },
                        NodeKind::Null => error.hint(format!("an empty text is `\"\"`; to pass on a variable of the environment, write `{name}: ${{{name}}}`")),
                        _ => error,
                    };
                    self.report_invalid(error, entry.value.position, &key_path);
                }
            }
        }
        dict
    }

    /// `headers`: each header is a setting of its own, under the name that is sent.
    fn headers(&mut self, node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        for entry in self.entries(node, path) {
            let key_path = join(path, &entry.key);
            let Some(interpolated) = self.interpolate_node(&entry.value, &key_path) else {
                continue;
            };
            let name = match crate::otlp::header_name(&entry.key) {
                Ok(name) => name,
                Err(error) => {
                    self.report_invalid(error, entry.position, path);
                    continue;
                }
            };
            let checked = scalar(&interpolated, "a text").and_then(|text| {
                crate::otlp::header_value(text)?;
                Ok(text)
            });
            match checked {
                Ok(text) => {
                    let leaf = SettingWithOrigin {
                        setting: crate::setting::Setting::String(text.to_owned()),
                        origin: self.source.origin(entry.value.position),
                    };
                    dict.insert(name, self.arena.add(leaf));
                }
                Err(error) => self.report_invalid(error, entry.value.position, &key_path),
            }
        }
        dict
    }

    /// `depends_on`: a list of names is a map of names without conditions.
    fn dependencies(&mut self, node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        let ready = Kind::Value(Type::OneOf(&["ready", "started", "exited"]));
        match &node.value {
            NodeKind::Sequence(items) => {
                for item in items {
                    let Some(interpolated) = self.interpolate_node(item, path) else {
                        continue;
                    };
                    match scalar(&interpolated, "a domain's name") {
                        Ok(name) => {
                            let name = name.to_owned();
                            let condition = Node {
                                position: item.position,
                                ..Node::scalar("ready")
                            };
                            if let Some(value) = self.parse_kind(&ready, &condition, path) {
                                dict.insert(
                                    name,
                                    Dict::from([("condition".to_owned(), value)]).into(),
                                );
                            }
                        }
                        Err(error) => self.report_invalid(error, item.position, path),
                    }
                }
            }
            NodeKind::Scalar { text, .. } => self.report_invalid(
                ValueError::expected("a list of domains", node).hint(format!("write `[{text}]`")),
                node.position,
                path,
            ),
            _ => {
                for entry in self.entries(node, path) {
                    let key_path = join(path, &entry.key);
                    let mut inner = self.section(schema::DEPENDENCY, &entry.value, &key_path);
                    if !inner.contains_key("condition") {
                        let condition = Node {
                            position: entry.position,
                            ..Node::scalar("ready")
                        };
                        inner.extend(
                            self.parse_kind(&ready, &condition, &key_path)
                                .map(|value| ("condition".to_owned(), value)),
                        );
                    }
                    dict.insert(entry.key.clone(), inner.into());
                }
            }
        }
        dict
    }

    /// The entries of a map; a missing value is an empty map.
    fn entries<'n>(&mut self, node: &'n Node, path: &str) -> &'n [Entry] {
        match &node.value {
            NodeKind::Mapping(entries) => entries,
            NodeKind::Null => &[],
            NodeKind::Scalar { text, .. } => {
                let mut error = ValueError::expected("a map", node);
                error.hint = space_after_colon(text);
                self.report_invalid(error, node.position, path);
                &[]
            }
            NodeKind::Sequence(_) => {
                self.report_invalid(ValueError::expected("a map", node), node.position, path);
                &[]
            }
        }
    }

    fn report_unknown_key(&mut self, keys: &'static [Key], entry: &Entry, path: &str) {
        // The search for the closest name takes time, and further diagnostics are not reported.
        if self.diagnostics.len() > diagnostic::MAX_DIAGNOSTICS {
            return;
        }
        let mut error = ValueError {
            code: Code::UnknownKey,
            message: format!("unknown key {}", quoted(&entry.key)),
            hint: None,
        };
        // A word of another tool is no typo, even if it is close to a key.
        let foreign = std::ptr::eq(keys, schema::PROCESS)
            .then(|| other_tools::process_key(&entry.key))
            .flatten();
        error = match (
            foreign,
            closest(&entry.key, schema::names(keys)),
            schema::find_nested_key(keys, &entry.key),
        ) {
            (Some(Meaning::Advice(text)), ..) => error.hint(text),
            (Some(Meaning::Key(key)), ..) => {
                let suggestion = if key.contains('.') {
                    join(path, key)
                } else {
                    key.to_owned()
                };
                error.hint(format!("did you mean `{suggestion}`?"))
            }
            (None, Some(name), _) => error.hint(format!("did you mean `{name}`?")),
            (None, None, Some(nested)) => {
                error.hint(format!("did you mean `{}`?", join(path, &nested)))
            }
            (None, None, None) => error.hint(format!(
                "known keys: {}",
                schema::names(keys).collect::<Vec<_>>().join(", ")
            )),
        };
        self.report_invalid(error, entry.position, path);
    }

    /// The node with its variables expanded; none if that fails.
    fn interpolate_node(&mut self, node: &Node, path: &str) -> Option<Node> {
        let Some(references) = self.references else {
            return Some(node.clone());
        };
        let value = match &node.value {
            NodeKind::Null => NodeKind::Null,
            NodeKind::Scalar { text, plain } => match interpolate(text, references) {
                Ok(Interpolated { text, bare }) => {
                    for name in bare {
                        self.report_bare_variable(&name, node.position, path);
                    }
                    NodeKind::Scalar {
                        text,
                        plain: *plain,
                    }
                }
                Err(errors) => {
                    for error in errors {
                        self.report_unresolved(error, node.position, path);
                    }
                    return None;
                }
            },
            NodeKind::Sequence(items) => NodeKind::Sequence(
                items
                    .iter()
                    .map(|item| self.interpolate_node(item, path))
                    .collect::<Option<_>>()?,
            ),
            NodeKind::Mapping(entries) => NodeKind::Mapping(
                entries
                    .iter()
                    .map(|entry| {
                        Some(Entry {
                            value: self.interpolate_node(&entry.value, path)?,
                            ..entry.clone()
                        })
                    })
                    .collect::<Option<_>>()?,
            ),
        };
        Some(Node {
            position: node.position,
            value,
        })
    }

    fn report_unresolved(&mut self, error: InterpolationError, position: Position, path: &str) {
        let error = match error {
            InterpolationError::Unset(name) => ValueError {
                code: Code::UnsetVariable,
                message: format!("the variable {} is not set", quoted(&name)),
                hint: Some(format!("set {name}, or write a default: `${{{name}:-…}}`")),
            },
            InterpolationError::UnknownPort(domain) => {
                ports::unknown_port(&domain, self.references.map(|references| references.ports))
            }
            InterpolationError::Required { name, message } => ValueError {
                code: Code::UnsetVariable,
                message: if message.is_empty() {
                    format!("the variable {} is required", quoted(&name))
                } else {
                    format!(
                        "the variable {} is required: {}",
                        quoted(&name),
                        quoted(&message)
                    )
                },
                hint: Some(format!("set {name}")),
            },
            InterpolationError::Unclosed(text) => ValueError {
                code: Code::BadVariable,
                message: format!("{} has no closing brace", quoted(&text)),
                hint: Some("close it with `}`; a dollar sign is `$$`".into()),
            },
            InterpolationError::Malformed(text) => ValueError {
                code: Code::BadVariable,
                message: format!("{} is not a variable reference", quoted(&text)),
                hint: Some(
                    "write `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${NAME:+text}` or \
                     `${ports.DOMAIN}`; a dollar sign is `$$`"
                        .into(),
                ),
            },
        };
        self.report_invalid(error, position, path);
    }

    fn report_bare_variable(&mut self, name: &str, position: Position, path: &str) {
        let message = format!("{}: `${name}` is not expanded", quoted(path));
        let diagnostic = Diagnostic::warning(Code::BareVariable, message)
            .at(self.source.origin(position).location())
            .hint(format!(
                "write `${{{name}}}` for the variable, or `$${name}` for this text"
            ));
        self.diagnostics.push(diagnostic);
    }

    fn report_invalid(&mut self, error: ValueError, position: Position, path: &str) {
        let origin = self.source.origin(position);
        let message = format!("{}{}: {}", origin.prefix(), quoted(path), error.message);
        let mut diagnostic = Diagnostic::error(error.code, message).at(origin.location());
        diagnostic.hint = error.hint;
        self.diagnostics.push(diagnostic);
    }
}

/// The hint for `A:1`, which YAML takes for one text.
fn space_after_colon(text: &str) -> Option<String> {
    let (name, value) = text.split_once(':')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() || value.starts_with("//") || !name.chars().all(is_name) {
        return None;
    }
    let unusual = |c: char| c.is_whitespace() || crate::spaces::name_of(c).is_some();
    let value = value.trim_start_matches(unusual);
    Some(format!(
        "write a normal space after the colon: {}",
        quoted(&format!("{name}: {value}"))
    ))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
