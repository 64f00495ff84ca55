//! Health checks of other tools as probes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::text::{Dollars, convert, for_shell};
use super::values::{self, duration_text, text, texts};
use super::words::in_shell;
use crate::node::{Node, NodeKind};

/// The probe of a health check of compose (`test`) or process-compose (`exec`, `http_get`); none if it
/// is disabled.
///
/// # Errors
/// Why it has no counterpart.
pub(super) fn convert_probe(
    node: &Node,
    unit: Duration,
    dollars: Dollars,
) -> Result<Option<Value>, &'static str> {
    let NodeKind::Mapping(entries) = &node.value else {
        return Err("it is no map");
    };
    let mut probe = Map::new();
    for entry in entries {
        let value = &entry.value;
        match entry.key.as_str() {
            "disable" if values::boolean(value) == Some(true) => return Ok(None),
            "test" => match test(value, dollars)? {
                Some(command) => drop(probe.insert("exec".into(), json!(command))),
                None => return Ok(None),
            },
            "exec" => {
                let command = value.get("command").and_then(|entry| text(&entry.value));
                let command = command.ok_or("`exec` has no `command`")?;
                let shell = in_shell("sh", &for_shell(command, dollars));
                probe.insert("exec".into(), json!(shell));
            }
            "http_get" => drop(probe.insert("http".into(), json!(http(value, dollars)?))),
            "tcp" | "tcp_socket" => {
                let port = value.get("port").and_then(|entry| text(&entry.value));
                probe.insert("tcp".into(), json!(port.ok_or("it has no `port`")?));
            }
            "interval" | "period_seconds" => {
                probe_duration(&mut probe, "interval", value, unit);
            }
            "timeout" | "timeout_seconds" => probe_duration(&mut probe, "timeout", value, unit),
            "retries" | "failure_threshold" => count(&mut probe, "failures", value),
            "success_threshold" => count(&mut probe, "successes", value),
            // When it begins does not matter: a failure before `start_timeout` is none.
            _ => {}
        }
    }
    let has_check = ["exec", "http", "tcp"]
        .iter()
        .any(|key| probe.contains_key(*key));
    match has_check {
        true => Ok(Some(Value::Object(probe))),
        false => Err("it has no check that is known here"),
    }
}

/// The time within which a program with this health check becomes healthy or not.
pub(super) fn start_timeout(node: &Node, unit: Duration) -> Option<Duration> {
    let duration = |key| values::duration(&node.get(key)?.value, unit);
    let start = duration("start_period").or_else(|| duration("initial_delay_seconds"))?;
    let interval = duration("interval").or_else(|| duration("period_seconds"));
    let retries = node
        .get("retries")
        .or_else(|| node.get("failure_threshold"));
    let retries = retries.and_then(|entry| text(&entry.value)?.parse::<u32>().ok());
    Some(start + interval.unwrap_or(Duration::from_secs(10)) * retries.unwrap_or(3).min(1_000))
}

fn probe_duration(probe: &mut Map<String, Value>, key: &str, value: &Node, unit: Duration) {
    if let Some(duration) = values::duration(value, unit).filter(|duration| !duration.is_zero()) {
        probe.insert(key.to_owned(), json!(duration_text(duration)));
    }
}

fn count(probe: &mut Map<String, Value>, key: &str, value: &Node) {
    let number = text(value).and_then(|text| text.parse::<u32>().ok());
    if let Some(number) = number.filter(|number| (1..=1_000).contains(number)) {
        probe.insert(key.to_owned(), json!(number));
    }
}

/// `[CMD, …]`, `[CMD-SHELL, text]`, `[NONE]` or a text for a shell.
fn test(node: &Node, dollars: Dollars) -> Result<Option<Vec<String>>, &'static str> {
    if let Some(line) = text(node) {
        return Ok(Some(in_shell("sh", &for_shell(line, dollars))));
    }
    let words = texts(node).ok_or("`test` is no list of texts")?;
    match words.split_first() {
        Some((kind, _)) if kind == "NONE" => Ok(None),
        Some((kind, command)) if kind == "CMD" && !command.is_empty() => Ok(Some(
            command.iter().map(|word| convert(word, dollars)).collect(),
        )),
        Some((kind, [line])) if kind == "CMD-SHELL" => {
            Ok(Some(in_shell("sh", &for_shell(line, dollars))))
        }
        _ => Err("`test` begins with neither CMD, CMD-SHELL nor NONE"),
    }
}

fn http(node: &Node, dollars: Dollars) -> Result<String, &'static str> {
    let field = |key| node.get(key).and_then(|entry| text(&entry.value));
    if field("scheme").is_some_and(|scheme| !scheme.eq_ignore_ascii_case("http")) {
        return Err("probes use plain HTTP");
    }
    let port = field("port").ok_or("`http_get` has no `port`")?;
    let host = match field("host") {
        None | Some("0.0.0.0" | "") => "127.0.0.1",
        Some(host) => host,
    };
    let path = field("path").unwrap_or("/");
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok(convert(
        &format!("http://{host}:{port}{slash}{path}"),
        dollars,
    ))
}
