//! One layer: checks what is written against the schema and turns it into settings.
//!
//! Each value is checked once, in the layer that has it, so that a mistake in `runtime.defaults`
//! is told once and not for every domain, and is told even where a higher layer hides it. What is
//! refused is left out: the layer below shines through and nothing is reported as a consequence.

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::value::{Dict, Value};

use crate::interpolate::{Gap, interpolate};
use crate::layers::Leaves;
use crate::node::{Content, Entry, Node, Spot};
use crate::problem::{self, Problem, quoted};
use crate::schema::{self, Key, Kind, Type};
use crate::setting::{Leaf, Origin};
use crate::suggest::nearest;
use crate::value::{self, Refusal};

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
    fn origin(&self, spot: Spot) -> Origin {
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
pub(crate) struct Lower<'a> {
    pub(crate) source: Source,
    /// What `${…}` is filled in from; only files are.
    pub(crate) env: Option<&'a BTreeMap<String, String>>,
    pub(crate) leaves: &'a mut Leaves,
    pub(crate) problems: &'a mut Vec<Problem>,
}

impl Lower<'_> {
    /// A map with the keys of a section; `path` is how the section is called in findings.
    pub(crate) fn section(&mut self, keys: &'static [Key], node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        for entry in self.entries(node, path) {
            match keys.iter().find(|key| key.name == entry.key) {
                Some(key) => {
                    let below = join(path, key.name);
                    if let Some(value) = self.kind(&key.kind, &entry.value, &below) {
                        dict.insert(key.name.to_owned(), value);
                    }
                }
                None => self.unknown(keys, entry, path),
            }
        }
        dict
    }

    /// What stands behind one key; none when it is refused.
    pub(crate) fn kind(&mut self, kind: &Kind, node: &Node, path: &str) -> Option<Value> {
        match kind {
            Kind::Section(keys) => Some(self.section(keys, node, path).into()),
            Kind::Short(key, keys) => match &node.value {
                Content::Text { .. } => {
                    let short = keys.iter().find(|known| known.name == *key)?;
                    let value = self.kind(&short.kind, node, path)?;
                    Some(Dict::from([((*key).to_owned(), value)]).into())
                }
                _ => Some(self.section(keys, node, path).into()),
            },
            Kind::Named(keys) => {
                let mut dict = Dict::new();
                for entry in self.entries(node, path) {
                    let below = self.section(keys, &entry.value, &join(path, &entry.key));
                    dict.insert(entry.key.clone(), below.into());
                }
                Some(dict.into())
            }
            Kind::Variables => Some(self.variables(node, path).into()),
            Kind::Headers => Some(self.headers(node, path).into()),
            Kind::Dependencies => Some(self.dependencies(node, path).into()),
            Kind::Value(kind) => self.value(*kind, node, path),
        }
    }

    fn value(&mut self, kind: Type, node: &Node, path: &str) -> Option<Value> {
        let filled = self.fill(node, path)?;
        match value::check(kind, &filled) {
            Ok(setting) => {
                let origin = self.source.origin(node.spot);
                Some(self.leaves.add(Leaf { setting, origin }))
            }
            Err(refusal) => {
                self.refuse(refusal, node.spot, path);
                None
            }
        }
    }

    /// `env`: each variable is a setting of its own, so that layers add to each other.
    fn variables(&mut self, node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        if let Content::List(_) = node.value {
            self.refuse(
                Refusal::expected("a map of variables", node)
                    .hint("write `NAME: value`, a line each"),
                node.spot,
                path,
            );
            return dict;
        }
        for entry in self.entries(node, path) {
            let name = &entry.key;
            if name.is_empty() || name.contains(['=', '\0']) {
                self.refuse(
                    Refusal::invalid(format!("{} can't be the name of a variable", quoted(name))),
                    entry.spot,
                    path,
                );
                continue;
            }
            let below = join(path, name);
            let Some(filled) = self.fill(&entry.value, &below) else {
                continue;
            };
            match value::scalar(&filled, "a text") {
                Ok(text) => {
                    let leaf = Leaf {
                        setting: crate::setting::Setting::Text(text.to_owned()),
                        origin: self.source.origin(entry.value.spot),
                    };
                    dict.insert(name.clone(), self.leaves.add(leaf));
                }
                Err(refusal) => {
                    let refusal = match filled.value {
                        Content::Nothing => refusal.hint(format!("an empty text is written `\"\"`; to hand on a variable of your own write `{name}: ${{{name}}}`")),
                        _ => refusal,
                    };
                    self.refuse(refusal, entry.value.spot, &below);
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
            let Some(filled) = self.fill(&entry.value, &below) else {
                continue;
            };
            let name = match crate::receiver::header_name(&entry.key) {
                Ok(name) => name,
                Err(refusal) => {
                    self.refuse(refusal, entry.spot, path);
                    continue;
                }
            };
            let checked = value::scalar(&filled, "a text").and_then(|text| {
                crate::receiver::header_value(text)?;
                Ok(text)
            });
            match checked {
                Ok(text) => {
                    let leaf = Leaf {
                        setting: crate::setting::Setting::Text(text.to_owned()),
                        origin: self.source.origin(entry.value.spot),
                    };
                    dict.insert(name, self.leaves.add(leaf));
                }
                Err(refusal) => self.refuse(refusal, entry.value.spot, &below),
            }
        }
        dict
    }

    /// `depends_on`: a list of names is a map of them without conditions.
    fn dependencies(&mut self, node: &Node, path: &str) -> Dict {
        let mut dict = Dict::new();
        let ready = Kind::Value(Type::Choice(&["ready", "started", "exited"]));
        match &node.value {
            Content::List(items) => {
                for item in items {
                    let Some(filled) = self.fill(item, path) else {
                        continue;
                    };
                    match value::scalar(&filled, "a domain's name") {
                        Ok(name) => {
                            let name = name.to_owned();
                            let condition = Node {
                                spot: item.spot,
                                ..Node::text("ready")
                            };
                            if let Some(value) = self.kind(&ready, &condition, path) {
                                dict.insert(
                                    name,
                                    Dict::from([("condition".to_owned(), value)]).into(),
                                );
                            }
                        }
                        Err(refusal) => self.refuse(refusal, item.spot, path),
                    }
                }
            }
            Content::Text { text, .. } => self.refuse(
                Refusal::expected("a list of domains", node).hint(format!("write `[{text}]`")),
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
                            self.kind(&ready, &condition, &below)
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
            Content::Map(entries) => entries,
            Content::Nothing => &[],
            Content::Text { .. } | Content::List(_) => {
                self.refuse(Refusal::expected("a map", node), node.spot, path);
                &[]
            }
        }
    }

    fn unknown(&mut self, keys: &'static [Key], entry: &Entry, path: &str) {
        // Looking for the nearest name takes its time; beyond this nothing is shown anyway.
        if self.problems.len() > problem::MOST {
            return;
        }
        let mut refusal = Refusal {
            code: "unknown-key",
            message: format!("unknown key {}", quoted(&entry.key)),
            hint: None,
        };
        refusal = match (
            nearest(&entry.key, schema::names(keys)),
            schema::deeper(keys, &entry.key),
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
        self.refuse(refusal, entry.spot, path);
    }

    /// The node with its variables filled in; none when one is missing.
    fn fill(&mut self, node: &Node, path: &str) -> Option<Node> {
        let Some(env) = self.env else {
            return Some(node.clone());
        };
        let value = match &node.value {
            Content::Nothing => Content::Nothing,
            Content::Text { text, plain } => match interpolate(text, env) {
                Ok(text) => Content::Text {
                    text,
                    plain: *plain,
                },
                Err(gaps) => {
                    for gap in gaps {
                        self.gap(gap, node.spot, path);
                    }
                    return None;
                }
            },
            Content::List(items) => Content::List(
                items
                    .iter()
                    .map(|item| self.fill(item, path))
                    .collect::<Option<_>>()?,
            ),
            Content::Map(entries) => Content::Map(
                entries
                    .iter()
                    .map(|entry| {
                        Some(Entry {
                            value: self.fill(&entry.value, path)?,
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

    fn gap(&mut self, gap: Gap, spot: Spot, path: &str) {
        let refusal = match gap {
            Gap::Unset(name) => Refusal {
                code: "unset-variable",
                message: format!("the variable {} is not set", quoted(&name)),
                hint: Some(format!("set {name}, or give a default: `${{{name}:-…}}`")),
            },
            Gap::Malformed(text) => Refusal {
                code: "bad-variable",
                message: format!("{} is no variable", quoted(&text)),
                hint: Some("write `${NAME}` or `${NAME:-default}`; a dollar sign is `$$`".into()),
            },
        };
        self.refuse(refusal, spot, path);
    }

    fn refuse(&mut self, refusal: Refusal, spot: Spot, path: &str) {
        let origin = self.source.origin(spot);
        let message = format!("{}{}: {}", origin.prefix(), quoted(path), refusal.message);
        let mut problem = Problem::error(refusal.code, message).at(origin.place());
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
