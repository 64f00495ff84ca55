//! `fulcrum config show`

use clap::ValueEnum;
use fulcrum_config::{App, Mode};
use serde_json::{Map, Value, json};

use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::load;
use crate::output::{Cell, Color, Table};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name a domain [default: the whole app]
    domain: Option<String>,
    /// Print passwords, tokens and keys instead of `***`
    #[arg(long)]
    show_secrets: bool,
    /// Print only the settings that a file, a variable or a flag sets
    #[arg(long)]
    diff: bool,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One setting per line, with its origin
    Table,
    /// Each setting as {"value", "origin"}
    Json,
    /// The values only, as YAML
    Yaml,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let output = &context.output;
    let (app, warnings) = load::load_valid(context.app(), Mode::Dev, output)?;
    output.diagnostics(&warnings, Some(&app.root));
    let app = match args.show_secrets {
        true => app.with_secrets(),
        false => app,
    };
    let effective = match &args.domain {
        None => app.effective(),
        Some(name) => app
            .effective_domain(name)
            .ok_or_else(|| unknown_domain(&app, name))?,
    };
    let effective = match args.diff {
        true => without_defaults(&effective).unwrap_or_else(|| json!({})),
        false => effective,
    };
    match args.output {
        Format::Json => output.json(&effective),
        Format::Yaml if args.diff => output.yaml(&values(&effective)),
        Format::Yaml => {
            let text = app.to_yaml(args.domain.as_deref()).ok_or_else(|| {
                CliError::new(
                    ErrorCode::Internal,
                    "cannot print the configuration as YAML\n  hint: use `-o json`",
                )
            })?;
            output.data(text.as_bytes())
        }
        Format::Table => {
            let stdout = output.stdout();
            output.data(
                table(&effective)
                    .render(stdout.color, stdout.width)
                    .as_bytes(),
            )
        }
    }
}

fn unknown_domain(app: &App, name: &str) -> CliError {
    let names = app.domains.iter().map(|domain| domain.name.as_str());
    CliError::new(
        ErrorCode::UnknownDomain,
        fulcrum_config::unknown_domain(name, names),
    )
}

fn table(effective: &Value) -> Table {
    let mut table = Table::new(&["SETTING", "VALUE", "ORIGIN"]);
    let mut rows = Vec::new();
    flatten("", effective, &mut rows);
    for (path, value, origin) in rows {
        let color = (origin == "default").then_some(Color::Dim);
        table.push([
            Cell::new(&path),
            Cell::new(&value).colored(color),
            Cell::new(&origin).colored(color),
        ]);
    }
    table
}

/// The origin of a setting, which is `{"value", "origin"}`; `None` for a section. A variable can be
/// called `origin` too, but its value is not a string here.
fn origin(section: &Map<String, Value>) -> Option<&str> {
    section.get("origin").and_then(Value::as_str)
}

/// What is set, with the sections around it. `None` if nothing is.
fn without_defaults(value: &Value) -> Option<Value> {
    let Value::Object(section) = value else {
        // The name and the directory of a domain.
        return Some(value.clone());
    };
    if let Some(origin) = origin(section) {
        let is_set = origin != "default" && origin != "discovered";
        return is_set.then(|| value.clone());
    }
    let kept = section
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), without_defaults(value)?)));
    let kept: Map<String, Value> = kept.collect();
    (!kept.is_empty()).then(|| kept.into())
}

/// The values without their origins.
fn values(value: &Value) -> Value {
    let Value::Object(section) = value else {
        return value.clone();
    };
    if origin(section).is_some() {
        return section.get("value").cloned().unwrap_or_default();
    }
    let values = section
        .iter()
        .map(|(name, value)| (name.clone(), values(value)));
    values.collect()
}

/// The settings of a section by dotted path. A leaf is `{"value", "origin"}`.
fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String, String)>) {
    let Value::Object(section) = value else {
        return rows.push((path.to_owned(), plain_value(value), String::new()));
    };
    if let Some(origin) = origin(section) {
        let value = section.get("value").map(plain_value).unwrap_or_default();
        return rows.push((path.to_owned(), value, origin.to_owned()));
    }
    for (name, value) in section {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        flatten(&path, value, rows);
    }
}

fn plain_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_listed_by_dotted_path() {
        let effective = json!({
            "name": "users",
            "process": {
                "stop": {"grace": {"value": "10s", "origin": "default"}},
                "env": {"origin": {"value": "x", "origin": "fulcrum.yml:3:5"}},
                "args": {"value": ["a", 1], "origin": "flag"},
            },
        });
        assert_eq!(
            table(&effective).render(false, None),
            "\
SETTING             VALUE    ORIGIN
name                users
process.stop.grace  10s      default
process.env.origin  x        fulcrum.yml:3:5
process.args        [\"a\",1]  flag
"
        );
    }

    #[test]
    fn what_is_set_is_what_differs_from_the_defaults() {
        let effective = json!({
            "name": "users",
            "process": {
                "entry": {"value": "domain.js", "origin": "discovered"},
                "stop": {"grace": {"value": "5s", "origin": "default"}},
                "env": {"origin": {"value": "x", "origin": "fulcrum.yml:3:5"}},
            },
        });
        let set = without_defaults(&effective).expect("something is set");
        let variable = json!({"value": "x", "origin": "fulcrum.yml:3:5"});
        let process = json!({"env": {"origin": variable}});
        assert_eq!(set, json!({"name": "users", "process": process}));
        let process = json!({"env": {"origin": "x"}});
        assert_eq!(values(&set), json!({"name": "users", "process": process}));
        let default = json!({"stop": {"grace": {"value": "5s", "origin": "default"}}});
        assert_eq!(without_defaults(&default), None);
    }
}
