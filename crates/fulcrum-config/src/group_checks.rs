//! `runtime.groups`: members that there are, each once, in an order that nothing contradicts.

use std::collections::{BTreeMap, BTreeSet};

use crate::dependency_graph::{self, Graph};
use crate::diagnostic::{Diagnostic, Severity, quoted};
use crate::discovered::Discovery;
use crate::domain_builder::{DomainBuilder, unknown_domain};
use crate::resolve;
use crate::runtime::{RuntimeSettings, SupervisionGroup};
use crate::setting::{Origin, SettingTree};

/// Checks every group.
pub(crate) fn check(
    tree: &SettingTree,
    runtime: &RuntimeSettings,
    drafts: &BTreeMap<String, DomainBuilder>,
    found: &Discovery,
    problems: &mut Vec<Diagnostic>,
) {
    for (name, group) in &runtime.groups {
        let Some(origin) = origin(tree, name) else {
            continue;
        };
        check_members(name, group, origin, drafts, found, problems);
    }
    check_order(tree, runtime, drafts, problems);
}

/// Where a group's members are written.
fn origin<'a>(tree: &'a SettingTree, group: &str) -> Option<&'a Origin> {
    match tree.find("groups")? {
        SettingTree::Map(groups) => groups.get(group)?.leaf("domains").map(|leaf| &leaf.origin),
        SettingTree::Leaf(_) => None,
    }
}

fn check_members(
    name: &str,
    group: &SupervisionGroup,
    origin: &Origin,
    drafts: &BTreeMap<String, DomainBuilder>,
    found: &Discovery,
    problems: &mut Vec<Diagnostic>,
) {
    let setting = format!("runtime.groups.{name}.domains");
    let mut told = BTreeSet::new();
    for member in &group.domains {
        let lead = format!("{}`{setting}`: {}", origin.prefix(), quoted(member));
        if !told.insert(member) {
            let problem =
                Diagnostic::error("duplicate-member", format!("{lead} stands there twice"))
                    .at(origin.place())
                    .hint("a member has one place in a group's order");
            problems.push(problem);
            continue;
        }
        match drafts.get(member) {
            None if found.rejected.contains(member) => {}
            None => {
                let known = drafts.keys().map(String::as_str);
                problems.push(unknown_domain(member, known, &setting, origin));
            }
            Some(draft) if !draft.may_have_process() => problems.push(
                Diagnostic {
                    severity: Severity::Warning,
                    ..Diagnostic::error(
                        "no-process",
                        format!("{lead} has no process, so the group means nothing to it"),
                    )
                }
                .at(origin.place())
                .hint("it has a `fulcrum.yml` but no entry point: remove it, or give it one"),
            ),
            Some(_) => {}
        }
    }
}

/// Members wait for those before them, which mustn't wait for them in turn.
fn check_order(
    tree: &SettingTree,
    runtime: &RuntimeSettings,
    drafts: &BTreeMap<String, DomainBuilder>,
    problems: &mut Vec<Diagnostic>,
) {
    let with_process = |name: &str| {
        drafts
            .get(name)
            .is_some_and(DomainBuilder::may_have_process)
    };
    let mut graph: Graph<'_> = drafts
        .values()
        .map(|draft| {
            let needs = resolve::dependency_origins(&draft.tree).into_keys();
            let needs = needs.filter(|name| with_process(name)).collect();
            (draft.name.as_str(), needs)
        })
        .collect();
    let depends = graph.clone();
    for group in runtime.groups.values() {
        for member in group.domains.iter().filter(|name| with_process(name)) {
            let before = group.predecessors(member).iter().map(String::as_str);
            let needs = graph.entry(member).or_default();
            needs.extend(before.filter(|other| *other != member && with_process(other)));
        }
    }
    let mut told = BTreeSet::new();
    for cycle in dependency_graph::cycles(&graph) {
        let edges = || {
            let next = cycle.iter().cycle().skip(1);
            cycle.iter().zip(next).filter(|(from, to)| {
                let own = depends.get(from.as_str());
                !own.is_some_and(|needs| needs.contains(to.as_str()))
            })
        };
        // One of dependencies alone is told where those are checked.
        let by_group = edges().find_map(|(from, to)| {
            let mut groups = runtime.groups.iter();
            groups.find(|(_, group)| group.predecessors(from).contains(to))
        });
        let Some((name, _)) = by_group else { continue };
        let Some(origin) = origin(tree, name) else {
            continue;
        };
        // One mistake may close several cycles.
        if !told.insert(name) {
            continue;
        }
        let first = &cycle[0];
        let problem = Diagnostic::error(
            "group-order",
            format!(
                "{}`runtime.groups.{name}.domains`: its order contradicts what its members depend \
                 on, so each waits for the next, forever: {} -> {first}",
                origin.prefix(),
                cycle.join(" -> ")
            ),
        )
        .at(origin.place())
        .hint("a member waits for those before it: write those that others depend on first");
        problems.push(problem);
    }
}
