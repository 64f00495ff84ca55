//! A reload plan as text, secrets masked.

use std::fmt::Write as _;

use serde_json::Value;

use super::change::{Action, Difference, ReloadPlan};
use crate::redact::{mask_webhooks, redact_arguments, redact_value};

/// A reason names at most this many keys.
const MAX_NAMED_KEYS: usize = 3;

impl Difference {
    /// The previous value as text without secrets; none where the setting was not set.
    pub fn old_text(&self) -> Option<String> {
        Some(value_text(&self.key, self.old.as_ref()?))
    }

    /// The new value as text without secrets; none where the setting is no longer set.
    pub fn new_text(&self) -> Option<String> {
        Some(value_text(&self.key, self.new.as_ref()?))
    }
}

impl ReloadPlan {
    /// What the plan does: `old stops, pay starts, users restarts (env.FOO: one → two)`. Empty if
    /// it does nothing.
    pub fn summary(&self) -> String {
        let of_domain = self.domains.iter().filter_map(|change| {
            let name = &change.domain;
            Some(match &change.action {
                Action::Unchanged => return None,
                Action::UpdateInPlace(differences) if differences.is_empty() => {
                    format!("{name} is new")
                }
                Action::UpdateInPlace(differences) => {
                    format!("{name} adopts {}", describe_changes(differences))
                }
                Action::Restart(differences) => {
                    format!("{name} restarts ({})", describe_changes(differences))
                }
                Action::Start => format!("{name} starts"),
                Action::Stop => format!("{name} stops"),
            })
        });
        let mut parts: Vec<String> = of_domain.collect();
        if !self.app.is_empty() {
            parts.push(describe_changes(&self.app));
        }
        parts.join(", ")
    }
}

/// Changes with their values, secrets masked: `args: unset → ["-v"], env.FOO: one → two`.
pub fn describe_changes(differences: &[Difference]) -> String {
    let unset = || "unset".to_owned();
    let mut text = String::new();
    for difference in differences {
        let separator = if text.is_empty() { "" } else { ", " };
        let old = difference.old_text().unwrap_or_else(unset);
        let new = difference.new_text().unwrap_or_else(unset);
        let _ = write!(text, "{separator}{}: {old} → {new}", difference.key);
    }
    text
}

/// Why a domain is restarted: `reload: args, env.FOO changed`.
pub fn restart_reason(differences: &[Difference]) -> String {
    let keys: Vec<&str> = differences.iter().map(|one| one.key.as_str()).collect();
    let more = keys.len().saturating_sub(MAX_NAMED_KEYS);
    let named = keys[..keys.len() - more].join(", ");
    match more {
        0 => format!("reload: {named} changed"),
        more => format!("reload: {named} and {more} more changed"),
    }
}

fn value_text(key: &str, value: &Value) -> String {
    match value {
        webhooks if key == "runtime.notify" => mask_webhooks(webhooks).to_string(),
        // Headers authenticate to the receiver.
        Value::String(_) if key.starts_with("runtime.") && key.contains(".headers.") => {
            "***".to_owned()
        }
        Value::String(text) => redact_value(key.strip_prefix("env.").unwrap_or_default(), text),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items = items.iter().filter_map(Value::as_str);
            let items: Vec<String> = items.map(str::to_owned).collect();
            serde_json::json!(redact_arguments(&items)).to_string()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(key: &str, old: Option<Value>, new: Value) -> Difference {
        Difference {
            key: key.to_owned(),
            old,
            new: Some(new),
        }
    }

    #[test]
    fn changes_show_values_and_mask_secrets() {
        let describe = |key, old, new| describe_changes(&[difference(key, old, new)]);
        assert_eq!(
            describe("env.FOO", Some(json!("one")), json!("two")),
            "env.FOO: one → two"
        );
        assert_eq!(
            describe("env.API_KEY", Some(json!("a")), json!("b")),
            "env.API_KEY: *** → ***"
        );
        assert_eq!(
            describe("env.DB", None, json!("pg://u:secret@h/x")),
            "env.DB: unset → pg://u:***@h/x"
        );
        assert_eq!(
            describe("args", None, json!(["--token", "secret", "-v"])),
            r#"args: unset → ["--token","***","-v"]"#
        );
        assert_eq!(
            describe("heartbeat.misses", Some(json!(3)), json!(5)),
            "heartbeat.misses: 3 → 5"
        );
    }

    #[test]
    fn a_reason_names_a_few_settings() {
        let of = |keys: &[&str]| {
            let differences: Vec<_> = keys
                .iter()
                .map(|key| difference(key, None, json!(1)))
                .collect();
            restart_reason(&differences)
        };
        assert_eq!(of(&["env.FOO"]), "reload: env.FOO changed");
        assert_eq!(of(&["a", "b", "c"]), "reload: a, b, c changed");
        assert_eq!(
            of(&["a", "b", "c", "d", "e"]),
            "reload: a, b, c and 2 more changed"
        );
    }
}
