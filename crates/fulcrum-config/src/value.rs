//! Parses a single value by its type.

use crate::diagnostic::quoted;
use crate::env_files;
use crate::node::{Node, NodeKind};
use crate::other_tools;
use crate::process::PortSetting;
use crate::scalars::{duration, parse_integer, parse_string_list, scalar};
use crate::schedule::{CronExpression, is_time_zone};
use crate::schema::Type;
use crate::setting::Setting;
use crate::suggest::closest;
use crate::units::{UnitError, parse_size};
use crate::value_error::ValueError;
use crate::{listen, notify, otlp, probe};

/// The signals that stop a process; the first is the usual one.
pub(crate) const SIGNALS: &[&str] = &[
    "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL",
];

/// Parses `node`, in which variables are expanded already.
pub(crate) fn parse_value(kind: Type, node: &Node) -> Result<Setting, ValueError> {
    match kind {
        Type::String => match scalar(node, "a text")? {
            "" => Err(ValueError::expected("a text", node)),
            text => Ok(Setting::String(text.to_owned())),
        },
        Type::Bool => parse_bool(node),
        Type::Duration { zero } => duration(node, zero).map(Setting::Duration),
        Type::Size => size(node),
        Type::Integer { min, max } => parse_integer(node, min, max).map(Setting::Integer),
        Type::Float { min, max } => number(node, min, max),
        Type::OneOf(words) => choice(node, words),
        Type::Signal => signal(node),
        Type::StringList { one, some } => {
            parse_string_list(node, one, some).map(Setting::StringList)
        }
        Type::ExitCodes => parse_exit_codes(node),
        Type::EnvFiles => env_files::parse(node),
        Type::Probe { log } => probe::check(node, log).map(Setting::Probe),
        Type::Listen => {
            listen::parse_listen_address(scalar(node, "an address such as `127.0.0.1:50051`")?)
        }
        Type::OptionalListen => {
            match scalar(node, "`off`, or an address such as `127.0.0.1:9464`")? {
                "off" => Ok(Setting::String("off".to_owned())),
                text => listen::parse_http_address(text),
            }
        }
        Type::Webhooks => notify::parse(node),
        Type::OtlpEndpoint => {
            otlp::parse_endpoint(scalar(node, "an address such as `http://127.0.0.1:4317`")?)
        }
        Type::OtlpTarget => {
            otlp::parse_target(scalar(node, "an address such as `https://collector:4317`")?)
        }
        Type::Port => port(node),
        Type::Standby => standby(node),
        Type::Cron => cron(node),
        Type::TimeZone => time_zone(node),
    }
}

fn parse_bool(node: &Node) -> Result<Setting, ValueError> {
    let text = scalar(node, "`true` or `false`")?;
    let error = || ValueError::expected("`true` or `false`", node);
    match text {
        "true" => Ok(Setting::Bool(true)),
        "false" => Ok(Setting::Bool(false)),
        _ => Err(match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "1" | "true" => error().hint("write `true`"),
            "no" | "off" | "0" | "false" => error().hint("write `false`"),
            _ => error(),
        }),
    }
}

fn size(node: &Node) -> Result<Setting, ValueError> {
    let what = "a size such as `256MiB` or `1GB`";
    let text = scalar(node, what)?;
    match parse_size(text) {
        Ok(0) => Err(ValueError::invalid("must be more than 0")),
        Ok(bytes) => Ok(Setting::Size(bytes)),
        Err(UnitError::TooLarge) => Err(ValueError::invalid(format!(
            "{} is too large",
            quoted(text)
        ))),
        Err(UnitError::NoUnit) => Err(ValueError::expected(what, node)
            .hint(format!("add the unit: `{text}MiB`; bytes are `{text}B`"))),
        Err(UnitError::Malformed) => Err(ValueError::expected(what, node)
            .hint("the units are KiB, MiB, GiB (powers of 1024) and KB, MB, GB (powers of 1000)")),
    }
}

fn number(node: &Node, min: f64, max: f64) -> Result<Setting, ValueError> {
    let text = scalar(node, "a number")?;
    match text.parse::<f64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(Setting::Float(number)),
        Ok(number) if number.is_finite() => Err(ValueError::invalid(format!(
            "must be {min} to {max}, not {number}"
        ))),
        _ => Err(ValueError::expected("a number", node)),
    }
}

fn choice(node: &Node, words: &'static [&'static str]) -> Result<Setting, ValueError> {
    let list: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    let what = format!("one of {}", list.join(", "));
    let text = scalar(node, &what)?;
    if words.contains(&text) {
        return Ok(Setting::String(text.to_owned()));
    }
    let error = ValueError::expected(&what, node);
    let known = other_tools::value(text, words);
    Err(
        match known.or_else(|| closest(text, words.iter().copied())) {
            Some(word) => error.hint(format!("did you mean `{word}`?")),
            None => error,
        },
    )
}

fn signal(node: &Node) -> Result<Setting, ValueError> {
    let text = scalar(node, "a signal such as `SIGTERM`")?;
    let upper = text.to_ascii_uppercase();
    let name = if upper.starts_with("SIG") {
        upper
    } else {
        format!("SIG{upper}")
    };
    if SIGNALS.contains(&name.as_str()) {
        return Ok(Setting::String(name));
    }
    Err(ValueError::invalid(format!(
        "{} is not a signal that stops a process",
        quoted(text)
    ))
    .hint(format!("use one of {}", SIGNALS.join(", "))))
}

fn parse_exit_codes(node: &Node) -> Result<Setting, ValueError> {
    let NodeKind::Sequence(items) = &node.value else {
        return Err(ValueError::expected(
            "a list of exit codes such as `[0, 143]`",
            node,
        ));
    };
    items
        .iter()
        .map(|item| parse_integer(item, 0, 255).map(|code| code as i32))
        .collect::<Result<_, _>>()
        .map(Setting::ExitCodes)
}

fn port(node: &Node) -> Result<Setting, ValueError> {
    let what = "`auto` or a port";
    match scalar(node, what)? {
        "auto" => Ok(Setting::Port(PortSetting::Auto)),
        text if text.parse::<i64>().is_ok() => {
            let port = parse_integer(node, 1, 65_535)
                .map_err(|error| error.hint("`auto` chooses a free port"))?;
            Ok(Setting::Port(PortSetting::Fixed(port as u16)))
        }
        _ => Err(ValueError::expected(what, node)),
    }
}

fn cron(node: &Node) -> Result<Setting, ValueError> {
    let text = scalar(node, "a cron expression such as `0 3 * * *`")?;
    match CronExpression::parse(text) {
        Ok(_) => Ok(Setting::String(text.to_owned())),
        Err(reason) => Err(ValueError::invalid(format!(
            "{} is no cron expression: {reason}",
            quoted(text)
        ))
        .hint("write `MINUTE HOUR DAY MONTH WEEKDAY`, with a field for seconds before them if needed; see docs/jobs.md")),
    }
}

fn time_zone(node: &Node) -> Result<Setting, ValueError> {
    let text = scalar(node, "a time zone such as `Europe/Berlin`")?;
    match is_time_zone(text) {
        true => Ok(Setting::String(text.to_owned())),
        false => Err(
            ValueError::invalid(format!("unknown time zone {}", quoted(text)))
                .hint("write a name of the IANA database, such as `UTC` or `Europe/Berlin`"),
        ),
    }
}

fn standby(node: &Node) -> Result<Setting, ValueError> {
    let what = "`off` or a number";
    match scalar(node, what)? {
        "off" => Ok(Setting::Integer(0)),
        text if text.parse::<i64>().is_ok() => parse_integer(node, 0, 64).map(Setting::Integer),
        _ => Err(ValueError::expected(what, node)),
    }
}
