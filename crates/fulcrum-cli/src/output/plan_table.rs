//! A reload plan as a diff: one line per domain.

use fulcrum_rpc::control::planned_domain::Action;
use fulcrum_rpc::control::{Difference, PlannedDomain, ReloadPlan};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::color::Color;
use super::table::sanitize;

/// A reload plan as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct PlanJson {
    domains: Vec<DomainJson>,
    /// Settings of the app that are updated in place.
    app: Vec<DifferenceJson>,
    /// Settings of the app that take effect only after a restart of the instance.
    needs_new_instance: Vec<DifferenceJson>,
}

#[derive(Debug, Serialize)]
struct DomainJson {
    domain: String,
    /// `unchanged`, `adopt`, `restart`, `start` or `stop`.
    action: &'static str,
    differences: Vec<DifferenceJson>,
}

#[derive(Debug, Serialize)]
struct DifferenceJson {
    key: String,
    old: Option<String>,
    new: Option<String>,
}

impl From<&ReloadPlan> for PlanJson {
    fn from(plan: &ReloadPlan) -> Self {
        let to_json = |all: &[Difference]| all.iter().map(DifferenceJson::from).collect();
        let domain = |one: &PlannedDomain| DomainJson {
            domain: one.domain.clone(),
            action: action_style(one.action()).1,
            differences: to_json(&one.differences),
        };
        Self {
            domains: plan.domains.iter().map(domain).collect(),
            app: to_json(&plan.app),
            needs_new_instance: to_json(&plan.needs_new_instance),
        }
    }
}

impl From<&Difference> for DifferenceJson {
    fn from(difference: &Difference) -> Self {
        Self {
            key: difference.key.clone(),
            old: difference.old.clone(),
            new: difference.new.clone(),
        }
    }
}

/// The sign, the name and the color of an action. The names are also those of the JSON output.
fn action_style(action: Action) -> (char, &'static str, Color) {
    match action {
        Action::Unchanged => ('=', "unchanged", Color::Dim),
        Action::Adopt => ('*', "adopt", Color::Yellow),
        Action::Restart => ('~', "restart", Color::Yellow),
        Action::Start => ('+', "start", Color::Green),
        Action::Stop => ('-', "stop", Color::Red),
        // An action of a later version.
        Action::Unspecified => ('?', "unknown", Color::Dim),
    }
}

/// `~ users   restart (env.FOO: one → two)`
pub(crate) fn plan_table(plan: &ReloadPlan, color: bool) -> String {
    let widths = plan.domains.iter().map(|one| one.domain.width());
    let width = widths.chain(["app".len()]).max().unwrap_or_default();
    let line = |(sign, action, style): (char, &str, Color), name: &str, all: &[Difference]| {
        let changes = match all {
            [] => String::new(),
            all => format!(" ({})", changes(all)),
        };
        let pad = " ".repeat(width.saturating_sub(name.width()));
        let text = format!("{sign} {}{pad}  {action}{changes}", sanitize(name));
        format!("{}\n", style.paint(&text, color))
    };
    let mut text: String = plan
        .domains
        .iter()
        .map(|one| match (one.action(), one.differences.as_slice()) {
            // A new domain that is not selected has no previous settings to differ from.
            (Action::Adopt, []) => line(
                ('*', "adopt (new, not started)", Color::Yellow),
                &one.domain,
                &[],
            ),
            (action, differences) => line(action_style(action), &one.domain, differences),
        })
        .collect();
    if !plan.app.is_empty() {
        text.push_str(&line(action_style(Action::Adopt), "app", &plan.app));
    }
    if !plan.needs_new_instance.is_empty() {
        let restart = ('!', "restart required", Color::Yellow);
        text.push_str(&line(restart, "app", &plan.needs_new_instance));
    }
    text
}

fn changes(all: &[Difference]) -> String {
    let value = |value: &Option<String>| match value {
        Some(value) => sanitize(value),
        None => "unset".to_owned(),
    };
    let changes: Vec<String> = all
        .iter()
        .map(|one| {
            format!(
                "{}: {} → {}",
                sanitize(&one.key),
                value(&one.old),
                value(&one.new)
            )
        })
        .collect();
    changes.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(key: &str, old: Option<&str>, new: Option<&str>) -> Difference {
        Difference {
            key: key.into(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        }
    }

    fn plan() -> ReloadPlan {
        let domain = |name: &str, action: Action, differences| PlannedDomain {
            domain: name.into(),
            action: action.into(),
            differences,
        };
        let env = vec![difference("env.FOO", Some("one"), Some("two"))];
        let grace = vec![difference("stop.grace", Some("10s"), Some("5s"))];
        ReloadPlan {
            domains: vec![
                domain("cache", Action::Adopt, grace),
                domain("old", Action::Stop, vec![]),
                domain("orders", Action::Unchanged, vec![]),
                domain("pay", Action::Start, vec![]),
                domain("quotes", Action::Adopt, vec![]),
                domain("users", Action::Restart, env),
            ],
            app: vec![],
            needs_new_instance: vec![difference("runtime.watch.poll", None, Some("1s"))],
        }
    }

    #[test]
    fn a_plan_is_a_diff() {
        assert_eq!(
            plan_table(&plan(), false),
            "\
* cache   adopt (stop.grace: 10s → 5s)
- old     stop
= orders  unchanged
+ pay     start
* quotes  adopt (new, not started)
~ users   restart (env.FOO: one → two)
! app     restart required (runtime.watch.poll: unset → 1s)
"
        );
    }

    #[test]
    fn json_has_the_same_plan() {
        let json = serde_json::to_value(PlanJson::from(&plan())).expect("JSON");
        assert_eq!(json["domains"][5]["action"], "restart");
        assert_eq!(json["domains"][5]["differences"][0]["new"], "two");
        assert_eq!(
            json["needs_new_instance"][0]["old"],
            serde_json::Value::Null
        );
    }
}
