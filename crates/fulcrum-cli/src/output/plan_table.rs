//! What a reload does, as a diff: a line a domain.

use fulcrum_rpc::control::planned_domain::Action;
use fulcrum_rpc::control::{Difference, PlannedDomain, ReloadPlan};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::color::Color;
use super::table::sanitize;

/// A plan for programs.
#[derive(Debug, Serialize)]
pub(crate) struct PlanJson {
    domains: Vec<DomainJson>,
    /// Settings of the app as a whole that are adopted.
    app: Vec<DifferenceJson>,
    /// Settings of the app that only another instance would heed.
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
        let shapes = |all: &[Difference]| all.iter().map(DifferenceJson::from).collect();
        let domain = |one: &PlannedDomain| DomainJson {
            domain: one.domain.clone(),
            action: action_style(one.action()).1,
            differences: shapes(&one.differences),
        };
        Self {
            domains: plan.domains.iter().map(domain).collect(),
            app: shapes(&plan.app),
            needs_new_instance: shapes(&plan.needs_new_instance),
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

/// The sign, the word and the color of what happens to a domain.
fn action_style(action: Action) -> (char, &'static str, Color) {
    match action {
        Action::Unchanged => ('=', "unchanged", Color::Dim),
        Action::Adopt => ('*', "adopt", Color::Yellow),
        Action::Restart => ('~', "restart", Color::Yellow),
        Action::Start => ('+', "start", Color::Green),
        Action::Stop => ('-', "stop", Color::Red),
        // Of a later version.
        Action::Unspecified => ('?', "unknown", Color::Dim),
    }
}

/// `~ users   restart (env.FOO: one → two)`
pub(crate) fn plan_table(plan: &ReloadPlan, color: bool) -> String {
    let widths = plan.domains.iter().map(|one| one.domain.width());
    let width = widths.chain(["app".len()]).max().unwrap_or_default();
    let line = |(sign, word, paint): (char, &str, Color), name: &str, all: &[Difference]| {
        let changes = match all {
            [] => String::new(),
            all => format!(" ({})", changes(all)),
        };
        let pad = " ".repeat(width.saturating_sub(name.width()));
        let text = format!("{sign} {}{pad}  {word}{changes}", sanitize(name));
        format!("{}\n", paint.paint(&text, color))
    };
    let mut page: String = plan
        .domains
        .iter()
        .map(|one| match (one.action(), one.differences.as_slice()) {
            // What is new and isn't selected has no settings that were otherwise before.
            (Action::Adopt, []) => line(
                ('*', "adopt (new, and not started)", Color::Yellow),
                &one.domain,
                &[],
            ),
            (action, differences) => line(action_style(action), &one.domain, differences),
        })
        .collect();
    if !plan.app.is_empty() {
        page.push_str(&line(action_style(Action::Adopt), "app", &plan.app));
    }
    if !plan.needs_new_instance.is_empty() {
        let unheeded = ('!', "needs a new instance", Color::Yellow);
        page.push_str(&line(unheeded, "app", &plan.needs_new_instance));
    }
    page
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
                domain("spare", Action::Adopt, vec![]),
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
* spare   adopt (new, and not started)
~ users   restart (env.FOO: one → two)
! app     needs a new instance (runtime.watch.poll: unset → 1s)
"
        );
    }

    #[test]
    fn programs_are_told_the_same() {
        let shape = serde_json::to_value(PlanJson::from(&plan())).expect("JSON");
        assert_eq!(shape["domains"][5]["action"], "restart");
        assert_eq!(shape["domains"][5]["differences"][0]["new"], "two");
        assert_eq!(
            shape["needs_new_instance"][0]["old"],
            serde_json::Value::Null
        );
    }
}
