//! `fulcrum config show`

use clap::ValueEnum;
use fulcrum_config::{App, Mode};
use serde_json::Value;

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
    match args.output {
        Format::Json => output.json(&effective),
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

/// The settings of a section by dotted path. A leaf is `{"value", "origin"}`.
fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String, String)>) {
    let Value::Object(section) = value else {
        return rows.push((path.to_owned(), plain_value(value), String::new()));
    };
    // A variable can be called `origin` too, but its value is not a string here.
    if let Some(Value::String(origin)) = section.get("origin") {
        let value = section.get("value").map(plain_value).unwrap_or_default();
        return rows.push((path.to_owned(), value, origin.clone()));
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
    use serde_json::json;

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
}
