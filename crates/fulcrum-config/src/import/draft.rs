//! One domain while it is translated.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::file::normalize;
use crate::node::Position;
use crate::schema;

/// A domain and its settings as far as they are translated.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The name in the other tool.
    pub(super) source_name: String,
    /// The name of the domain.
    pub(super) name: String,
    /// Where it is in the file.
    pub(super) position: Position,
    /// Where it runs, absolute.
    pub(super) cwd: PathBuf,
    /// `process:`.
    process: Map<String, Value>,
}

impl Draft {
    pub(super) fn new(source_name: &str, name: String, position: Position, cwd: PathBuf) -> Self {
        Self {
            source_name: source_name.to_owned(),
            name,
            position,
            cwd,
            process: Map::new(),
        }
    }

    /// The path of its directory, relative to the app.
    pub(super) fn dir(&self) -> PathBuf {
        Path::new("domains").join(&self.name)
    }

    /// Sets a key by its path, such as `restart.budget`.
    pub(super) fn set(&mut self, path: &str, value: impl Into<Value>) {
        let mut map = &mut self.process;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                map.insert(part.to_owned(), value.into());
                return;
            }
            let below = map.entry(part).or_insert_with(|| json!({}));
            if !below.is_object() {
                *below = json!({});
            }
            let Value::Object(below) = below else { return };
            map = below;
        }
    }

    /// The value of a key of `process`.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.process.get(key)
    }

    /// Adds to a list.
    pub(super) fn push(&mut self, key: &str, value: Value) {
        let list = self.process.entry(key).or_insert_with(|| json!([]));
        if let Value::Array(items) = list {
            items.push(value);
        }
    }

    /// Adds to a list by the path of its key.
    pub(super) fn set_list_item(&mut self, path: &str, value: Value) {
        let (section, key) = path.split_once('.').unwrap_or(("", path));
        let found = self
            .process
            .get(section)
            .and_then(|section| section.get(key));
        let mut items = found.and_then(Value::as_array).cloned().unwrap_or_default();
        items.push(value);
        self.set(path, items);
    }

    /// Adds a variable, unless it is set.
    pub(super) fn set_env(&mut self, name: &str, value: String) {
        let env = self.process.entry("env").or_insert_with(|| json!({}));
        if let Value::Object(env) = env {
            env.entry(name).or_insert(Value::String(value));
        }
    }

    /// `process:` in the order of the documentation, in its shortest form.
    pub(super) fn settings(&self) -> Map<String, Value> {
        let keys = schema::names(schema::PROCESS);
        keys.filter_map(|key| {
            let value = match self.process.get(key)? {
                Value::Object(map) if key == "restart" && map.len() == 1 => {
                    map.get("policy").cloned().unwrap_or_else(|| json!(map))
                }
                Value::Object(map) if map.is_empty() => return None,
                Value::Array(items) if key == "env_file" && items.len() == 1 => items[0].clone(),
                value => value.clone(),
            };
            Some((key.to_owned(), value))
        })
        .collect()
    }
}

/// A path as a domain's file writes it: relative to the domain's directory if it is inside the app.
pub(super) fn relative(root: &Path, domain_dir: &Path, path: &Path) -> String {
    let path = normalize(path);
    let Ok(inside) = path.strip_prefix(root) else {
        return path.to_string_lossy().into_owned();
    };
    let mut up = domain_dir.components().peekable();
    let mut down = inside.components().peekable();
    while up.peek().is_some() && up.peek() == down.peek() {
        up.next();
        down.next();
    }
    let mut out = PathBuf::new();
    up.for_each(|_| out.push(".."));
    down.for_each(|part| out.push(part));
    match out.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => out.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_domain_inside_the_app() {
        let relative = |path: &str| {
            super::relative(Path::new("/app"), Path::new("domains/api"), Path::new(path))
        };
        assert_eq!(relative("/app/services/api"), "../../services/api");
        assert_eq!(relative("/app/domains/api/x.js"), "x.js");
        assert_eq!(relative("/app"), "../..");
        assert_eq!(relative("/opt/x"), "/opt/x");
    }
}
