//! JSON Schemas (2020-12) of the configuration files, for editors.
//!
//! They are made from the table of settings. A schema sees one file, as YAML reads it: it accepts
//! whatever Fulcrum accepts, and refuses what is wrong by its shape alone. What needs the value of a
//! variable, another file or the system (a dependency, a path, a time zone) is left to Fulcrum.

use serde_json::{Map, Value, json};

use crate::reference;
use crate::schema::{self, Key, Kind, Type};
use crate::value::SIGNALS;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of the app's `fulcrum.yml`.
#[must_use]
pub fn app_json_schema() -> Value {
    document(
        "fulcrum.yml of an app",
        schema::RUNTIME,
        "runtime",
        ("process", "the app's file has `runtime.defaults` instead"),
    )
}

/// The schema of a domain's `fulcrum.yml`.
#[must_use]
pub fn domain_json_schema() -> Value {
    document(
        "fulcrum.yml of a domain",
        schema::PROCESS,
        "process",
        ("runtime", "belongs in the app's file"),
    )
}

/// A file has one section of Fulcrum; other keys are those of other tools.
fn document(title: &str, keys: &'static [Key], name: &str, misplaced: (&str, &str)) -> Value {
    let builder = Builder {
        defaults: reference::defaults(),
    };
    let (other, why) = misplaced;
    let mut definitions = definitions();
    if name == "runtime" {
        let process = builder.section(schema::PROCESS, "process", false);
        definitions.insert("process".to_owned(), process);
    }
    json!({
        "$schema": DIALECT,
        "title": title,
        "type": ["object", "null"],
        "properties": {
            (name): builder.section(keys, name, true),
            (other): { "not": {}, "description": why },
        },
        "$defs": definitions,
    })
}

struct Builder {
    defaults: serde_yaml::Value,
}

impl Builder {
    /// A map with these keys; one without a value is empty. The lowest layer has defaults for those
    /// of `runtime`, and for those of `process` where a domain's file is described.
    fn section(&self, keys: &'static [Key], path: &str, has_defaults: bool) -> Value {
        let properties = keys.iter().map(|key| {
            let path = format!("{path}.{}", key.name);
            let property = self.property(&key.kind, &path, has_defaults);
            (key.name.to_owned(), property)
        });
        json!({
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": properties.collect::<Map<String, Value>>(),
        })
    }

    fn property(&self, kind: &Kind, path: &str, has_defaults: bool) -> Value {
        let mut property = match self.kind(kind, path, has_defaults) {
            Value::Object(property) => property,
            // A schema is a map or a boolean, and none here is a boolean.
            other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
        };
        property.insert(
            "description".to_owned(),
            reference::description(path).into(),
        );
        if let Some(default) = self.default(path).filter(|_| has_defaults) {
            property.insert("default".to_owned(), default);
        }
        property.into()
    }

    fn kind(&self, kind: &Kind, path: &str, has_defaults: bool) -> Value {
        match kind {
            Kind::Section(_) if path == "runtime.defaults" => json!({ "$ref": "#/$defs/process" }),
            Kind::Section(keys) => self.section(keys, path, has_defaults),
            Kind::Shorthand(name, keys) => {
                let section = self.section(keys, path, has_defaults);
                let short = keys.iter().find(|key| key.name == *name);
                let short = short.map(|key| self.kind(&key.kind, path, has_defaults));
                let forms: Vec<Value> = short.into_iter().chain([section]).collect();
                json!({ "anyOf": forms })
            }
            Kind::MapOf(keys) => map_of(&self.section(keys, &format!("{path}.NAME"), false)),
            Kind::EnvMap => {
                let mut map = map_of(&reference_to("value"));
                // A key that is null in YAML is an empty name to editors.
                map["propertyNames"] = json!({ "pattern": "^[^=]*$" });
                map
            }
            Kind::HeaderMap => map_of(&reference_to("value")),
            Kind::Dependencies => {
                let condition = self.section(schema::DEPENDENCY, "", false);
                let names = json!({ "type": "array", "items": reference_to("text") });
                json!({ "anyOf": [names, map_of(&condition)] })
            }
            Kind::Value(kind) => value(*kind),
        }
    }

    /// The built-in default of a single setting.
    fn default(&self, path: &str) -> Option<Value> {
        let mut levels = path.split('.');
        let found = levels.try_fold(&self.defaults, |value, level| value.get(level))?;
        let default = serde_json::to_value(found).ok()?;
        (!default.is_object()).then_some(default)
    }
}

fn map_of(values: &Value) -> Value {
    json!({ "type": ["object", "null"], "additionalProperties": values })
}

fn reference_to(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

/// Parts that many settings share.
fn definitions() -> Map<String, Value> {
    // A number or a boolean is read as it is written.
    let scalar = ["string", "number", "boolean"];
    let variable = reference_to("variable");
    let parts = [
        (
            "variable",
            json!({
                "description": "A text with a variable, such as `${NAME}` or `${NAME:-default}`.",
                "type": "string",
                "pattern": "\\$\\{",
            }),
        ),
        ("value", json!({ "type": scalar })),
        ("text", json!({ "type": scalar, "minLength": 1 })),
        (
            "duration",
            json!({ "anyOf": [variable, { "type": "string", "pattern": DURATION }] }),
        ),
        (
            "positive_duration",
            json!({ "anyOf": [variable, {
                "type": "string",
                "pattern": DURATION,
                "not": { "pattern": NO_TIME },
            }] }),
        ),
        (
            "size",
            json!({ "anyOf": [variable, {
                "type": "string",
                "pattern": SIZE,
                "not": { "pattern": NO_SIZE },
            }] }),
        ),
    ];
    let parts = parts.into_iter();
    parts.map(|(name, part)| (name.to_owned(), part)).collect()
}

const DURATION: &str = "^\\s*([0-9][0-9.]*(ms|s|m|h|d))+\\s*$";
const NO_TIME: &str = "^\\s*([0.]+(ms|s|m|h|d))+\\s*$";
const SIZE: &str = "^\\s*[0-9][0-9.]*\\s*([kKmMgGtT][iI]?)?[bB]\\s*$";
const NO_SIZE: &str = "^\\s*[0.]+\\s*[a-zA-Z]+\\s*$";
/// A whole number as a text.
const DIGITS: &str = "^[+-]?[0-9]+$";
/// A number as a text.
const NUMBER: &str = "^[+-]?[0-9.]+([eE][+-]?[0-9]+)?$";
/// Loopback addresses only.
const LISTEN: &str =
    "^(127\\.[0-9.]+|[lL][oO][cC][aA][lL][hH][oO][sS][tT]|\\[[0-9a-fA-F:.]+\\]):[0-9]+$";

/// The schema of a single setting.
fn value(kind: Type) -> Value {
    match kind {
        Type::String => reference_to("text"),
        Type::Bool => or_variable(&[json!({ "enum": [true, false, "true", "false"] })]),
        Type::Duration { zero } => {
            let name = if zero {
                "duration"
            } else {
                "positive_duration"
            };
            with_examples(reference_to(name), &json!(["500ms", "10s", "1m30s"]))
        }
        Type::Size => with_examples(reference_to("size"), &json!(["256MiB", "1GB"])),
        Type::Integer { min, max } => or_variable(&integer(min, max)),
        Type::Float { min, max } => or_variable(&[
            json!({ "type": "number", "minimum": min, "maximum": max }),
            json!({ "type": "string", "pattern": NUMBER }),
        ]),
        Type::OneOf(words) => or_variable(&[json!({ "enum": words })]),
        Type::Signal => with_examples(signal(), &json!(["SIGTERM", "SIGINT"])),
        Type::StringList { one, some } => {
            let list = texts(some);
            match one {
                true => json!({ "anyOf": [reference_to("text"), list] }),
                false => list,
            }
        }
        Type::ExitCodes => {
            json!({ "type": "array", "items": or_variable(&integer(0, 255)) })
        }
        Type::EnvFiles => env_files(),
        Type::Probe { log } => probe(log),
        Type::Listen => {
            let address = json!({ "type": "string", "pattern": LISTEN });
            with_examples(or_variable(&[address]), &json!(["127.0.0.1:50051"]))
        }
        Type::OptionalListen => {
            let address = json!({ "type": "string", "pattern": ":[0-9]+$" });
            or_variable(&[json!({ "enum": ["off", false] }), address])
        }
        Type::Webhooks => json!({ "type": "array", "items": webhook() }),
        Type::OtlpTarget => {
            let target = json!({ "type": "string", "pattern": "^https?://[^@?#]+$" });
            with_examples(or_variable(&[target]), &json!(["https://collector:4317"]))
        }
        Type::OtlpEndpoint => {
            let endpoint = json!({ "type": "string", "pattern": "^http://[^/@?#]+:[0-9]+/?$" });
            with_examples(or_variable(&[endpoint]), &json!(["http://127.0.0.1:4317"]))
        }
        Type::Port => or_variable(&one_or_integer("auto", 1, 65_535)),
        Type::Standby => or_variable(&one_or_integer("off", 0, 64)),
        Type::Cron => with_examples(reference_to("text"), &json!(["0 3 * * *", "*/5 * * * *"])),
        Type::TimeZone => with_examples(reference_to("text"), &json!(["UTC", "Europe/Berlin"])),
    }
}

/// One of these forms, or a text with a variable.
fn or_variable(forms: &[Value]) -> Value {
    let forms: Vec<Value> = forms
        .iter()
        .cloned()
        .chain([reference_to("variable")])
        .collect();
    json!({ "anyOf": forms })
}

fn with_examples(mut schema: Value, examples: &Value) -> Value {
    schema["examples"] = examples.clone();
    schema
}

fn integer(min: i64, max: i64) -> [Value; 2] {
    [
        json!({ "type": "integer", "minimum": min, "maximum": max }),
        json!({ "type": "string", "pattern": DIGITS }),
    ]
}

fn one_or_integer(word: &str, min: i64, max: i64) -> [Value; 3] {
    let [number, text] = integer(min, max);
    [json!({ "const": word }), number, text]
}

/// A list of texts; `some` refuses an empty one.
fn texts(some: bool) -> Value {
    let items = reference_to("value");
    match some {
        true => json!({ "type": "array", "items": items, "minItems": 1 }),
        false => json!({ "type": "array", "items": items }),
    }
}

/// The signals with and without `SIG`, in any case.
fn signal() -> Value {
    let any_case = |word: &str| -> String {
        let letters = word.chars();
        letters
            .map(|letter| match letter.is_ascii_alphabetic() {
                true => format!("[{}{letter}]", letter.to_ascii_lowercase()),
                false => letter.to_string(),
            })
            .collect()
    };
    let prefix = any_case("SIG");
    let names = SIGNALS.iter().filter_map(|name| name.strip_prefix("SIG"));
    let names: Vec<String> = names.map(any_case).collect();
    let pattern = format!("^({prefix})?({})$", names.join("|"));
    or_variable(&[json!({ "type": "string", "pattern": pattern })])
}

fn env_files() -> Value {
    let path = reference_to("text");
    let file = json!({
        "type": "object",
        "required": ["path"],
        "additionalProperties": false,
        "properties": { "path": path, "required": value(Type::Bool) },
    });
    let one = json!({ "anyOf": [path, file] });
    json!({ "anyOf": [path, file, { "type": "array", "items": one }] })
}

/// One entry of `runtime.notify`.
fn webhook() -> Value {
    let text = || reference_to("text");
    let events = json!({ "type": "array", "items": text() });
    json!({
        "type": "object",
        "required": ["webhook"],
        "additionalProperties": false,
        "properties": {
            "webhook": text(), "on": { "anyOf": [text(), events] }, "format": text(), "secret": text(),
        },
    })
}

/// A word, or a map with one check and its timing; `log` allows the checks of readiness.
fn probe(log: bool) -> Value {
    let count = || or_variable(&integer(1, 1_000));
    let time = || value(Type::Duration { zero: false });
    let address = json!({ "type": "string", "pattern": ":[0-9]+$" });
    let [own, number, digits] = one_or_integer("port", 1, 65_535);
    let url = json!({ "type": "string", "pattern": "^(/|http://)[!-~]*$" });
    let mut properties = Map::from_iter([
        (
            "http".to_owned(),
            with_examples(
                or_variable(&[url]),
                &json!(["/healthz", "http://127.0.0.1:3000/healthz"]),
            ),
        ),
        (
            "tcp".to_owned(),
            or_variable(&[own, number, digits, address]),
        ),
        ("exec".to_owned(), texts(true)),
        ("interval".to_owned(), time()),
        ("timeout".to_owned(), time()),
        ("failures".to_owned(), count()),
        ("successes".to_owned(), count()),
    ]);
    let (words, checks): (&[&str], &[&str]) = match log {
        true => (&["registered", "started"], &["http", "tcp", "exec", "log"]),
        false => (&["registered"], &["http", "tcp", "exec"]),
    };
    if log {
        properties.insert("log".to_owned(), reference_to("text"));
    }
    let one_check: Vec<Value> = checks
        .iter()
        .map(|check| json!({ "required": [check] }))
        .collect();
    let map = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": one_check,
    });
    or_variable(&[json!({ "enum": words }), map])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema of a setting, by its path in a file.
    fn setting<'a>(schema: &'a Value, path: &str) -> &'a Value {
        path.split('.').fold(schema, |schema, key| {
            let forms = schema["anyOf"].as_array();
            let section = forms
                .and_then(|forms| forms.iter().find(|form| form["properties"].is_object()))
                .unwrap_or(schema);
            match key {
                "NAME" => &section["additionalProperties"],
                key => &section["properties"][key],
            }
        })
    }

    #[test]
    fn every_setting_has_a_schema_with_its_description() {
        let (app, domain) = (app_json_schema(), domain_json_schema());
        for reference in crate::setting_reference() {
            let schema = match reference.key.starts_with("runtime.") {
                true => &app,
                false => &domain,
            };
            let found = setting(schema, &reference.key);
            assert_eq!(
                found["description"], reference.description,
                "{}",
                reference.key
            );
        }
    }

    #[test]
    fn defaults_are_those_of_the_lowest_layer() {
        let domain = domain_json_schema();
        let default = |path: &str| setting(&domain, path)["default"].clone();
        assert_eq!(default("process.stop.grace"), json!("5s"));
        assert_eq!(default("process.restart.budget"), json!(8));
        assert_eq!(default("process.watch.paths"), json!(["."]));
        assert_eq!(default("process.user"), Value::Null);
    }

    #[test]
    fn unknown_keys_of_other_tools_are_left_alone_and_those_of_fulcrum_are_not() {
        let app = app_json_schema();
        assert_eq!(app.get("additionalProperties"), None);
        assert_eq!(app["properties"]["runtime"]["additionalProperties"], false);
        assert_eq!(app["properties"]["process"]["not"], json!({}));
    }

    #[test]
    fn references_lead_to_definitions() {
        fn references(schema: &Value, found: &mut Vec<String>) {
            match schema {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        for schema in [app_json_schema(), domain_json_schema()] {
            let mut found = Vec::new();
            references(&schema, &mut found);
            assert!(!found.is_empty());
            for reference in found {
                let pointer = reference.strip_prefix('#').expect("a local reference");
                assert!(schema.pointer(pointer).is_some(), "{reference}");
            }
        }
    }
}
