//! The accepted values of settings, for the documentation.

use crate::schema::{self, Kind, Type};

/// The accepted values of a type, in Markdown.
pub(crate) fn accepted(kind: Type) -> String {
    match kind {
        Type::String => "string".to_owned(),
        Type::Bool => "`true`, `false`".to_owned(),
        Type::Duration { zero: true } => "duration".to_owned(),
        Type::Duration { zero: false } => "duration, more than 0".to_owned(),
        Type::Size => "size, more than 0".to_owned(),
        Type::Integer { min, max } => format!("integer, {min} to {max}"),
        Type::Float { min, max } => format!("number, {min} to {max}"),
        Type::OneOf(words) => alternatives(words),
        Type::Signal => "name of a signal".to_owned(),
        Type::StringList { one, some } => {
            let list = match some {
                true => "list of strings, not empty",
                false => "list of strings",
            };
            match one {
                true => format!("{list}; or one string"),
                false => list.to_owned(),
            }
        }
        Type::ExitCodes => "list of exit codes".to_owned(),
        Type::Probe { log: true } => "`registered`, `started`, or a probe".to_owned(),
        Type::Probe { log: false } => "`registered`, or a probe".to_owned(),
        Type::Listen => "`HOST:PORT`".to_owned(),
        Type::OptionalListen => "`off`, or `HOST:PORT`".to_owned(),
        Type::Webhooks => "list of `{webhook, on, format, secret}`".to_owned(),
        Type::OtlpEndpoint => "`http://HOST:PORT` or `https://HOST:PORT`".to_owned(),
        Type::OtlpTarget => "`http://HOST:PORT` or `https://HOST:PORT`".to_owned(),
        Type::Port => "`auto`, or a port".to_owned(),
        Type::EnvFiles => "path; or a list of paths and of `{path, required}`".to_owned(),
        Type::Standby => "`off`, or a count".to_owned(),
        Type::Cron => "cron expression".to_owned(),
        Type::TimeZone => "name of a time zone".to_owned(),
    }
}

fn alternatives(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// The accepted values of `depends_on`.
pub(crate) fn dependencies() -> String {
    let conditions = schema::DEPENDENCY.iter().find_map(|key| match key.kind {
        Kind::Value(Type::OneOf(words)) => Some(alternatives(words)),
        _ => None,
    });
    format!(
        "list of names, or map of names to `{{condition: …}}` with one of {}",
        conditions.unwrap_or_default()
    )
}
