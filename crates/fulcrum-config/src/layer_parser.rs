//! One layer: checks what is written against the schema and turns it into settings.
//!
//! Each value is checked once, in the layer that has it, so that a mistake in `runtime.defaults`
//! is told once and not for every domain, and is told even where a higher layer hides it. What is
//! refused is left out: the layer below shines through and nothing is reported as a consequence.

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::value::{Dict, Value};

use crate::diagnostic::{self, Diagnostic, quoted};
use crate::interpolate::{InterpolationError, interpolate};
use crate::layers::SettingArena;
use crate::node::{Entry, Node, NodeKind, Position};
use crate::scalars::scalar;
use crate::schema::{self, Key, Kind, Type};
use crate::setting::{Origin, SettingWithOrigin};
use crate::suggest::closest;
use crate::value::parse_value;
use crate::value_error::ValueError;

/// Where a layer comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The built-in defaults.
    Default,
    /// A file, as shown, and its folder.
    File { file: PathBuf, folder: PathBuf },
    /// A variable.
    Variable(String),
    /// A flag, by its path.
    Flag(String),
}

impl Source {
    fn origin(&self, spot: Position) -> Origin {
        match self {
            Self::Default => Origin::Default,
            Self::File { file, folder } => Origin::File {
                file: file.clone(),
                folder: folder.clone(),
                spot,
            },
            Self::Variable(name) => Origin::Variable(name.clone()),
            Self::Flag(path) => Origin::Flag(path.clone()),
        }
    }
}

/// Turns nodes into a layer.
pub(crate) struct LayerParser<'a> {
    pub(crate) source: Source,
    /// What `${…}` is filled in from; only files are.
    pub(crate) env: Option<&'a BTreeMap<String, String>>,
    pub(crate) leaves: &'a mut SettingArena,
    pub(crate) problems: &'a mut Vec<Diagnostic>,
}

impl LayerParser<'_> {
    /// A map with the keys of a section; `path` is how the section is called in findings.
    pub(crate) fn section(&mut self, keys: &'static [Key], node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        for entry in self.entries(node, path) {
            match keys.iter().find(|key| key.name == entry.key) {
                Some(key) => {
                    let below = join(path, key.name);
                    if let Some(value) = self.parse_kind(&key.kind, &entry.value, &below) {
                        dict.insert(key.name.to_owned(), value);
                    }
                }
                None => self.report_unknown_key(keys, entry, path),
            }
        }
        dict
    }

    /// What stands behind one key; none when it is refused.
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
                    let below = self.section(keys, &entry.value, &join(path, &entry.key));
                    dict.insert(entry.key.clone(), below.into());
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
        let filled = self.interpolate_node(node, path)?;
        match parse_value(kind, &filled) {
            Ok(setting) => {
                let origin = self.source.origin(node.spot);
                Some(self.leaves.add(SettingWithOrigin { setting, origin }))
            }
            Err(refusal) => {
                self.report_invalid(refusal, node.spot, path);
                None
            }
        }
    }

    /// `env`: each variable is a setting of its own, so that layers add to each other.
    fn variables(&mut self, node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        if let NodeKind::Sequence(_) = node.value {
            self.report_invalid(
                ValueError::expected("a map of variables", node)
                    .hint("write `NAME: value`, a line each"),
                node.spot,
                path,
            );
            return dict;
        }
        for entry in self.entries(node, path) {
            let name = &entry.key;
            if name.is_empty() || name.contains(['=', '\0']) {
                self.report_invalid(
                    ValueError::invalid(format!(
                        "{} can't be the name of a variable",
                        quoted(name)
                    )),
                    entry.spot,
                    path,
                );
                continue;
            }
            let below = join(path, name);
            let Some(filled) = self.interpolate_node(&entry.value, &below) else {
                continue;
            };
            match scalar(&filled, "a text") {
                Ok(text) => {
                    let leaf = SettingWithOrigin {
                        setting: crate::setting::Setting::Text(text.to_owned()),
                        origin: self.source.origin(entry.value.spot),
                    };
                    dict.insert(name.clone(), self.leaves.add(leaf));
                }
                Err(refusal) => {
                    let refusal = match filled.value {
                        NodeKind::Null => refusal.hint(format!("an empty text is written `\"\"`; to hand on a variable of your own write `{name}: ${{{name}}}`")),
                        _ => refusal,
                    };
                    self.report_invalid(refusal, entry.value.spot, &below);
                }
            }
        }
        dict
    }

    /// `headers`: each is a setting of its own, under the name by which it is sent.
    fn headers(&mut self, node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        for entry in self.entries(node, path) {
            let below = join(path, &entry.key);
            let Some(filled) = self.interpolate_node(&entry.value, &below) else {
                continue;
            };
            let name = match crate::otlp::header_name(&entry.key) {
                Ok(name) => name,
                Err(refusal) => {
                    self.report_invalid(refusal, entry.spot, path);
                    continue;
                }
            };
            let checked = scalar(&filled, "a text").and_then(|text| {
                crate::otlp::header_value(text)?;
                Ok(text)
            });
            match checked {
                Ok(text) => {
                    let leaf = SettingWithOrigin {
                        setting: crate::setting::Setting::Text(text.to_owned()),
                        origin: self.source.origin(entry.value.spot),
                    };
                    dict.insert(name, self.leaves.add(leaf));
                }
                Err(refusal) => self.report_invalid(refusal, entry.value.spot, &below),
            }
        }
        dict
    }

    /// `depends_on`: a list of names is a map of them without conditions.
    fn dependencies(&mut self, node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        let ready = Kind::Value(Type::OneOf(&["ready", "started", "exited"]));
        match &node.value {
            NodeKind::Sequence(items) => {
                for item in items {
                    let Some(filled) = self.interpolate_node(item, path) else {
                        continue;
                    };
                    match scalar(&filled, "a domain's name") {
                        Ok(name) => {
                            let name = name.to_owned();
                            let condition = Node {
                                spot: item.spot,
                                ..Node::text("ready")
                            };
                            if let Some(value) = self.parse_kind(&ready, &condition, path) {
                                dict.insert(
                                    name,
                                    Dict::from([("condition".to_owned(), value)]).into(),
                                );
                            }
                        }
                        Err(refusal) => self.report_invalid(refusal, item.spot, path),
                    }
                }
            }
            NodeKind::Scalar { text, .. } => self.report_invalid(
                ValueError::expected("a list of domains", node).hint(format!("write `[{text}]`")),
                node.spot,
                path,
            ),
            _ => {
                for entry in self.entries(node, path) {
                    let below = join(path, &entry.key);
                    let mut inner = self.section(schema::DEPENDENCY, &entry.value, &below);
                    if !inner.contains_key("condition") {
                        let condition = Node {
                            spot: entry.spot,
                            ..Node::text("ready")
                        };
                        inner.extend(
                            self.parse_kind(&ready, &condition, &below)
                                .map(|value| ("condition".to_owned(), value)),
                        );
                    }
                    dict.insert(entry.key.clone(), inner.into());
                }
            }
        }
        dict
    }

    /// The entries of what must be a map; nothing there is a map without entries.
    fn entries<'n>(&mut self, node: &'n Node, path: &str) -> &'n [Entry] {
        match &node.value {
            NodeKind::Mapping(entries) => entries,
            NodeKind::Null => &[],
            NodeKind::Scalar { .. } | NodeKind::Sequence(_) => {
                self.report_invalid(ValueError::expected("a map", node), node.spot, path);
                &[]
            }
        }
    }

    fn report_unknown_key(&mut self, keys: &'static [Key], entry: &Entry, path: &str) {
        // Looking for the nearest name takes its time; beyond this nothing is shown anyway.
        if self.problems.len() > diagnostic::MAX_DIAGNOSTICS {
            return;
        }
        let mut refusal = ValueError {
            code: "unknown-key",
            message: format!("unknown key {}", quoted(&entry.key)),
            hint: None,
        };
        refusal = match (
            closest(&entry.key, schema::names(keys)),
            schema::find_nested_key(keys, &entry.key),
        ) {
            (Some(name), _) => refusal.hint(format!("did you mean `{name}`?")),
            (None, Some(deeper)) => {
                refusal.hint(format!("did you mean `{}`?", join(path, &deeper)))
            }
            (None, None) => refusal.hint(format!(
                "known here are {}",
                schema::names(keys).collect::<Vec<_>>().join(", ")
            )),
        };
        self.report_invalid(refusal, entry.spot, path);
    }

    /// The node with its variables filled in; none when one is missing.
    fn interpolate_node(&mut self, node: &Node, path: &str) -> Option<Node> {
        let Some(env) = self.env else {
            return Some(node.clone());
        };
        let value = match &node.value {
            NodeKind::Null => NodeKind::Null,
            NodeKind::Scalar { text, plain } => match interpolate(text, env) {
                Ok(text) => NodeKind::Scalar {
                    text,
                    plain: *plain,
                },
                Err(gaps) => {
                    for gap in gaps {
                        self.report_unresolved(gap, node.spot, path);
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
            spot: node.spot,
            value,
        })
    }

    fn report_unresolved(&mut self, gap: InterpolationError, spot: Position, path: &str) {
        let refusal = match gap {
            InterpolationError::Unset(name) => ValueError {
                code: "unset-variable",
                message: format!("the variable {} is not set", quoted(&name)),
                hint: Some(format!("set {name}, or give a default: `${{{name}:-…}}`")),
            },
            InterpolationError::Malformed(text) => ValueError {
                code: "bad-variable",
                message: format!("{} is no variable", quoted(&text)),
                hint: Some("write `${NAME}` or `${NAME:-default}`; a dollar sign is `$$`".into()),
            },
        };
        self.report_invalid(refusal, spot, path);
    }

    fn report_invalid(&mut self, refusal: ValueError, spot: Position, path: &str) {
        let origin = self.source.origin(spot);
        let message = format!("{}{}: {}", origin.prefix(), quoted(path), refusal.message);
        let mut problem = Diagnostic::error(refusal.code, message).at(origin.place());
        problem.hint = refusal.hint;
        self.problems.push(problem);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
