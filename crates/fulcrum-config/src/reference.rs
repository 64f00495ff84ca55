//! The reference of all settings: the schema, joined with defaults and a description of each key.

use crate::accepted_values::{accepted, dependencies};
use crate::schema::{self, Key, Kind};
use crate::setting_descriptions::DESCRIPTIONS;

/// One setting as the documentation shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingReference {
    /// The path, such as `process.stop.grace`; `NAME` stands for any name.
    pub key: String,
    /// Accepted values, in Markdown.
    pub value: String,
    /// The built-in default, as in a file; none where there is none.
    pub default: Option<String>,
    /// The meaning, in Markdown.
    pub description: &'static str,
}

/// All settings of `runtime` and `process`, in the order of the schema.
#[must_use]
pub fn setting_reference() -> Vec<SettingReference> {
    let defaults = defaults();
    let mut settings = Vec::new();
    collect(schema::RUNTIME, "runtime", &defaults, &mut settings);
    collect(schema::PROCESS, "process", &defaults, &mut settings);
    settings
}

/// The lowest layer.
pub(crate) fn defaults() -> serde_yaml::Value {
    serde_yaml::from_str(include_str!("defaults.yml"))
        .expect("defaults.yml is valid YAML, as a test verifies")
}

fn collect(
    keys: &'static [Key],
    parent: &str,
    defaults: &serde_yaml::Value,
    settings: &mut Vec<SettingReference>,
) {
    for key in keys {
        let path = format!("{parent}.{}", key.name);
        let (value, below) = match &key.kind {
            // Its keys are those of `process`.
            Kind::Section(_) if path == "runtime.defaults" => ("section".to_owned(), None),
            Kind::Section(keys) => ("section".to_owned(), Some((path.clone(), *keys))),
            Kind::Shorthand(name, keys) => (
                format!("section, or a value of `{name}`"),
                Some((path.clone(), *keys)),
            ),
            Kind::MapOf(keys) => (
                "map of names to sections".to_owned(),
                Some((format!("{path}.NAME"), *keys)),
            ),
            Kind::EnvMap => ("map of variables to strings".to_owned(), None),
            Kind::HeaderMap => ("map of headers to strings".to_owned(), None),
            Kind::Dependencies => (dependencies(), None),
            Kind::Value(kind) => (accepted(*kind), None),
        };
        settings.push(SettingReference {
            value,
            default: default(defaults, &path),
            description: description(&path),
            key: path,
        });
        if let Some((path, keys)) = below {
            collect(keys, &path, defaults, settings);
        }
    }
}

/// The meaning of a setting, in Markdown; empty for one that does not exist.
pub(crate) fn description(path: &str) -> &'static str {
    let found = DESCRIPTIONS.iter().find(|(key, _)| *key == path);
    found.map_or("", |(_, text)| text)
}

fn default(defaults: &serde_yaml::Value, path: &str) -> Option<String> {
    let value = path
        .split('.')
        .try_fold(defaults, |value, key| value.get(key))?;
    match value {
        serde_yaml::Value::Sequence(items) => {
            let items: Vec<String> = items.iter().filter_map(scalar).collect();
            Some(format!("[{}]", items.join(", ")))
        }
        value => scalar(value),
    }
}

fn scalar(value: &serde_yaml::Value) -> Option<String> {
    match value {
        serde_yaml::Value::Bool(value) => Some(value.to_string()),
        serde_yaml::Value::Number(value) => Some(value.to_string()),
        serde_yaml::Value::String(value) => Some(value.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_setting_has_a_description_and_every_description_a_setting() {
        let settings = setting_reference();
        let keys: BTreeSet<&str> = settings
            .iter()
            .map(|setting| setting.key.as_str())
            .collect();
        let described: BTreeSet<&str> = DESCRIPTIONS.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, described);
        assert_eq!(described.len(), DESCRIPTIONS.len(), "a key has two");
    }

    #[test]
    fn defaults_are_those_of_the_lowest_layer() {
        let settings = setting_reference();
        let default = |key: &str| {
            let setting = settings.iter().find(|setting| setting.key == key);
            setting.and_then(|setting| setting.default.clone())
        };
        assert_eq!(default("process.stop.grace").as_deref(), Some("5s"));
        assert_eq!(
            default("process.restart.success_exit_codes").as_deref(),
            Some("[0]")
        );
        assert_eq!(
            default("process.restart.backoff.jitter").as_deref(),
            Some("0.1")
        );
        assert_eq!(default("process.user"), None);
    }
}
