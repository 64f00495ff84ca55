//! A plan in words and messages, secrets masked.

use fulcrum_config::{Action, Difference, ReloadPlan};
use fulcrum_rpc::control::planned_domain::Action as WireAction;
use fulcrum_rpc::control::{Difference as WireDifference, PlannedDomain, ReloadPlan as WirePlan};
use serde_json::Value;

use crate::redact::{masked_arguments, redact_value};

/// As many keys are named in a reason.
const NAMED: usize = 3;

/// The plan for clients.
pub(crate) fn plan_message(plan: &ReloadPlan) -> WirePlan {
    let domains = plan.domains.iter().map(|entry| {
        let (action, differences) = match &entry.action {
            Action::Unchanged => (WireAction::Unchanged, &[][..]),
            Action::UpdateInPlace(differences) => (WireAction::Adopt, differences.as_slice()),
            Action::Restart(differences) => (WireAction::Restart, differences.as_slice()),
            Action::Start => (WireAction::Start, &[][..]),
            Action::Stop => (WireAction::Stop, &[][..]),
        };
        PlannedDomain {
            domain: entry.domain.clone(),
            action: action.into(),
            differences: differences.iter().map(display_difference).collect(),
        }
    });
    WirePlan {
        domains: domains.collect(),
        app: plan.app.iter().map(display_difference).collect(),
        needs_new_instance: plan
            .requires_restart
            .iter()
            .map(display_difference)
            .collect(),
    }
}

fn display_difference(difference: &Difference) -> WireDifference {
    let text = |value: &Option<Value>| {
        let value = value.as_ref()?;
        Some(text(&difference.key, value))
    };
    WireDifference {
        key: difference.key.clone(),
        old: text(&difference.old),
        new: text(&difference.new),
    }
}

/// A setting's value as people are shown it.
fn text(key: &str, value: &Value) -> String {
    match value {
        // What a receiver is told to let us in.
        Value::String(_) if key.starts_with("runtime.logs.forward.headers.") => "***".to_owned(),
        Value::String(text) => redact_value(key.strip_prefix("env.").unwrap_or_default(), text),
        Value::Array(words) if words.iter().all(Value::is_string) => {
            let words: Vec<String> = words
                .iter()
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect();
            serde_json::json!(masked_arguments(&words)).to_string()
        }
        other => other.to_string(),
    }
}

/// Why a domain has a new life: `reload: args, env.FOO changed`.
pub(crate) fn reason(differences: &[Difference]) -> String {
    let names: Vec<&str> = differences.iter().map(|one| one.key.as_str()).collect();
    let more = names.len().saturating_sub(NAMED);
    let named = names[..names.len() - more].join(", ");
    match more {
        0 => format!("reload: {named} changed"),
        more => format!("reload: {named} and {more} more changed"),
    }
}

/// What has changed, with values: `args: unset → ["-v"], env.FOO: one → two`.
pub(crate) fn changes(differences: &[Difference]) -> String {
    let unset = || "unset".to_owned();
    let change = |difference: &Difference| {
        let WireDifference { key, old, new } = display_difference(difference);
        let (old, new) = (old.unwrap_or_else(unset), new.unwrap_or_else(unset));
        format!("{key}: {old} → {new}")
    };
    let changes: Vec<String> = differences.iter().map(change).collect();
    changes.join(", ")
}

/// For a plan without anything to do; else nothing.
pub(crate) fn no_changes(plan: &ReloadPlan) -> String {
    if plan.is_empty() {
        "nothing has changed".to_owned()
    } else {
        String::new()
    }
}

/// What is carried out: `old stops, pay starts, users restarts (env.FOO: one → two)`.
pub(crate) fn summary(plan: &ReloadPlan) -> String {
    let of_domain = plan.domains.iter().filter_map(|entry| {
        let name = &entry.domain;
        Some(match &entry.action {
            Action::Unchanged => return None,
            Action::UpdateInPlace(differences) if differences.is_empty() => {
                format!("{name} is new")
            }
            Action::UpdateInPlace(differences) => format!("{name} adopts {}", changes(differences)),
            Action::Restart(differences) => {
                format!("{name} restarts ({})", changes(differences))
            }
            Action::Start => format!("{name} starts"),
            Action::Stop => format!("{name} stops"),
        })
    });
    let mut parts: Vec<String> = of_domain.collect();
    if !plan.app.is_empty() {
        parts.push(changes(&plan.app));
    }
    parts.join(", ")
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
    fn values_are_told_and_secrets_are_not() {
        let told = |key, old, new| changes(&[difference(key, old, new)]);
        assert_eq!(
            told("env.FOO", Some(json!("one")), json!("two")),
            "env.FOO: one → two"
        );
        assert_eq!(
            told("env.API_KEY", Some(json!("a")), json!("b")),
            "env.API_KEY: *** → ***"
        );
        assert_eq!(
            told("env.DB", None, json!("pg://u:secret@h/x")),
            "env.DB: unset → pg://u:***@h/x"
        );
        assert_eq!(
            told("args", None, json!(["--token", "secret", "-v"])),
            r#"args: unset → ["--token","***","-v"]"#
        );
        assert_eq!(
            told("heartbeat.misses", Some(json!(3)), json!(5)),
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
            reason(&differences)
        };
        assert_eq!(of(&["env.FOO"]), "reload: env.FOO changed");
        assert_eq!(of(&["a", "b", "c"]), "reload: a, b, c changed");
        assert_eq!(
            of(&["a", "b", "c", "d", "e"]),
            "reload: a, b, c and 2 more changed"
        );
    }
}
