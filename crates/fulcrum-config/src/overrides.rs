//! The two highest layers: `FULCRUM_…` variables and flags.
//!
//! `FULCRUM_PROCESS__STOP__GRACE=1s` is `process.stop.grace` of every domain: two underscores
//! separate levels. Variables without two underscores are no settings, and neither are those whose
//! first level is not `RUNTIME` or `PROCESS`, which may belong to another Fulcrum tool.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::layer_parser::{LayerParser, Source};
use crate::layers::{self, SettingArena};
use crate::node::{Entry, Node, NodeKind};
use crate::other_tools::{self, Meaning};
use crate::schema::{self, Key, Kind, Type};
use crate::suggest::{closest, likely_typo};

const PREFIX: &str = "FULCRUM_";
const LEVEL_SEPARATOR: &str = "__";
const ROOTS: [&str; 2] = ["runtime", "process"];

/// The settings of one source.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) runtime: Dict,
    pub(crate) process: Dict,
}

/// The layer of the environment.
pub(crate) fn from_env(
    env: &BTreeMap<String, String>,
    arena: &mut SettingArena,
    diagnostics: &mut Vec<Diagnostic>,
) -> Overrides {
    let mut overrides = Overrides::default();
    for (name, value) in env {
        let Some(path) = name
            .strip_prefix(PREFIX)
            .filter(|path| path.contains(LEVEL_SEPARATOR))
        else {
            continue;
        };
        let levels: Vec<&str> = path.split(LEVEL_SEPARATOR).collect();
        let root = levels[0].to_ascii_lowercase();
        if !ROOTS.contains(&root.as_str()) {
            if let Some(suggestion) = likely_typo(&root, ROOTS) {
                diagnostics.push(
                    Diagnostic::warning(
                        Code::UnknownKey,
                        format!("variable {}: has no effect", quoted(name)),
                    )
                    .hint(format!(
                        "did you mean `{PREFIX}{}{LEVEL_SEPARATOR}{}`?",
                        suggestion.to_uppercase(),
                        levels[1..].join(LEVEL_SEPARATOR)
                    )),
                );
            }
            continue;
        }
        overrides.set(
            Source::Variable(name.clone()),
            &levels,
            value,
            arena,
            diagnostics,
        );
    }
    overrides
}

/// The layer of the flags; later ones take precedence.
pub(crate) fn from_flags(
    flags: &[(String, String)],
    arena: &mut SettingArena,
    diagnostics: &mut Vec<Diagnostic>,
) -> Overrides {
    let mut overrides = Overrides::default();
    for (path, value) in flags {
        let levels: Vec<&str> = path.split('.').collect();
        overrides.set(
            Source::Flag(path.clone()),
            &levels,
            value,
            arena,
            diagnostics,
        );
    }
    overrides
}

impl Overrides {
    fn set(
        &mut self,
        source: Source,
        levels: &[&str],
        value: &str,
        arena: &mut SettingArena,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut unknown = |message: String, hint: Option<String>| {
            let source_name = match &source {
                Source::Variable(name) => format!("variable {}", quoted(name)),
                Source::Flag(path) => format!("flag for {}", quoted(path)),
                Source::Default | Source::File { .. } => String::new(),
            };
            let mut diagnostic =
                Diagnostic::error(Code::UnknownKey, format!("{source_name}: {message}"));
            diagnostic.hint = hint;
            diagnostics.push(diagnostic);
        };
        let root = levels[0].to_ascii_lowercase();
        let keys = match root.as_str() {
            "runtime" => schema::RUNTIME,
            "process" => schema::PROCESS,
            _ => {
                unknown(
                    format!("unknown setting {}", quoted(&levels.join("."))),
                    Some("settings start with `runtime.` or `process.`".into()),
                );
                return;
            }
        };
        let mut names = Vec::new();
        let target = match resolve_path(keys, &levels[1..], &root, &mut names) {
            Ok(target) => target,
            Err((message, hint)) => {
                unknown(message, hint);
                return;
            }
        };
        // An empty variable counts as unset, as in compose files.
        if value.is_empty() && !matches!(target, OverrideTarget::Variable) {
            return;
        }
        let node = match target.node(value) {
            Ok(node) => node,
            Err(error) => {
                unknown(error, None);
                return;
            }
        };
        let mut parser = LayerParser {
            source: source.clone(),
            references: None,
            arena,
            diagnostics,
        };
        let Some(mut layer) = target.parser(&mut parser, &node, &root, &names) else {
            return;
        };
        for name in names[1..].iter().rev() {
            layer = Dict::from([(name.clone(), layer)]).into();
        }
        let layer = Dict::from([(names[0].clone(), layer)]);
        let whole = if root == "runtime" {
            &mut self.runtime
        } else {
            &mut self.process
        };
        *whole = layers::merge([("before", &*whole), ("override", &layer)]);
    }
}

/// The target of an override.
enum OverrideTarget {
    Kind(&'static Kind),
    /// One variable of `env`.
    Variable,
}

impl OverrideTarget {
    fn node(&self, value: &str) -> Result<Node, String> {
        match self {
            // Literal text, not YAML.
            Self::Variable => Ok(Node::scalar(value)),
            Self::Kind(Kind::Value(kind)) => match kind {
                Type::StringList { .. } | Type::ExitCodes => list(value),
                Type::Probe { .. } => yaml(value),
                _ => Ok(Node::scalar(value)),
            },
            Self::Kind(Kind::Dependencies) => list(value),
            Self::Kind(_) => yaml(value),
        }
    }

    fn parser(
        &self,
        parser: &mut LayerParser<'_>,
        node: &Node,
        root: &str,
        names: &[String],
    ) -> Option<Value> {
        let path = format!("{root}.{}", names.join("."));
        match self {
            Self::Kind(kind) => parser.parse_kind(kind, node, &path),
            Self::Variable => {
                let (variable, section) = names.split_last()?;
                let section = format!("{root}.{}", section.join("."));
                let entry = Entry {
                    key: variable.clone(),
                    position: node.position,
                    value: node.clone(),
                };
                let map = Node {
                    position: node.position,
                    value: NodeKind::Mapping(vec![entry]),
                };
                match parser.parse_kind(&Kind::EnvMap, &map, &section)? {
                    Value::Dict(_, mut dict) => dict.remove(variable),
                    _ => None,
                }
            }
        }
    }
}

/// A list: YAML if it starts with a bracket, comma-separated otherwise.
fn list(value: &str) -> Result<Node, String> {
    if value.trim_start().starts_with(['[', '{']) {
        return yaml(value);
    }
    let items = value
        .split(',')
        .map(|item| Node::scalar(item.trim()))
        .collect();
    Ok(Node {
        value: NodeKind::Sequence(items),
        ..Node::scalar("")
    })
}

fn yaml(value: &str) -> Result<Node, String> {
    let parsed = crate::yaml::parse(value).map_err(|error| error.message)?;
    match parsed.errors.first() {
        Some(found) => Err(found.error.message.clone()),
        None => Ok(parsed.root),
    }
}

/// Follows levels through the schema and collects their names (a variable's name keeps its case).
/// Returns the target, or a message and a hint.
fn resolve_path(
    keys: &'static [Key],
    levels: &[&str],
    parent: &str,
    names: &mut Vec<String>,
) -> Result<OverrideTarget, (String, Option<String>)> {
    let known = || {
        format!(
            "known keys: {}",
            schema::names(keys).collect::<Vec<_>>().join(", ")
        )
    };
    let Some((level, rest)) = levels.split_first() else {
        return Err((
            format!("`{parent}` is a section, not a setting"),
            Some(known()),
        ));
    };
    let name = level.to_ascii_lowercase();
    let Some(key) = keys.iter().find(|key| key.name == name) else {
        let foreign = std::ptr::eq(keys, schema::PROCESS)
            .then(|| other_tools::process_key(&name))
            .flatten();
        let foreign = match foreign {
            Some(Meaning::Key(key)) => Some(key),
            Some(Meaning::Advice(_)) | None => None,
        };
        let hint = foreign
            .or_else(|| closest(&name, schema::names(keys)))
            .map(str::to_owned)
            .or_else(|| schema::find_nested_key(keys, &name))
            .map_or_else(known, |suggestion| {
                format!("did you mean `{parent}.{suggestion}`?")
            });
        return Err((
            format!("unknown key {} in `{parent}`", quoted(&name)),
            Some(hint),
        ));
    };
    names.push(name.clone());
    let path = format!("{parent}.{name}");
    match (&key.kind, rest) {
        (_, []) => Ok(OverrideTarget::Kind(&key.kind)),
        (Kind::Section(keys) | Kind::Shorthand(_, keys), _) => {
            resolve_path(keys, rest, &path, names)
        }
        (Kind::EnvMap, [variable]) => {
            names.push((*variable).to_owned());
            Ok(OverrideTarget::Variable)
        }
        (
            Kind::EnvMap | Kind::HeaderMap | Kind::MapOf(_) | Kind::Dependencies | Kind::Value(_),
            _,
        ) => Err((format!("`{path}` has no keys"), None)),
    }
}
