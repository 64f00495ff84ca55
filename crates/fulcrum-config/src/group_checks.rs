//! Checks of `runtime.groups`: members exist, are listed once, and are in an order that does not
//! contradict their dependencies.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
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
    builders: &BTreeMap<String, DomainBuilder>,
    found: &Discovery,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (name, group) in &runtime.groups {
        let Some(origin) = origin(tree, name) else {
            continue;
        };
        check_members(name, group, origin, builders, found, diagnostics);
    }
    check_order(tree, runtime, builders, diagnostics);
}

/// The origin of a group's members.
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
    builders: &BTreeMap<String, DomainBuilder>,
    found: &Discovery,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let setting = format!("runtime.groups.{name}.domains");
    let mut reported = BTreeSet::new();
    for member in &group.domains {
        let lead = format!("{}`{setting}`: {}", origin.prefix(), quoted(member));
        if !reported.insert(member) {
            let diagnostic =
                Diagnostic::error(Code::DuplicateMember, format!("{lead} is listed twice"))
                    .at(origin.location())
                    .hint("a member has one position in a group");
            diagnostics.push(diagnostic);
            continue;
        }
        match builders.get(member) {
            None if found.rejected.contains(member) => {}
            None => {
                let known = builders.keys().map(String::as_str);
                diagnostics.push(unknown_domain(member, known, &setting, origin));
            }
            Some(builder) if !builder.may_have_process() => diagnostics.push(
                Diagnostic {
                    severity: Severity::Warning,
                    ..Diagnostic::error(
                        Code::NoProcess,
                        format!("{lead} has no process, so the group has no effect on it"),
                    )
                }
                .at(origin.location())
                .hint("it has a `fulcrum.yml` but no entry point: remove it, or give it one"),
            ),
            Some(_) => {}
        }
    }
}

/// Members wait for those before them, so these must not depend on them.
fn check_order(
    tree: &SettingTree,
    runtime: &RuntimeSettings,
    builders: &BTreeMap<String, DomainBuilder>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let with_process = |name: &str| {
        builders
            .get(name)
            .is_some_and(DomainBuilder::may_have_process)
    };
    let mut graph: Graph<'_> = builders
        .values()
        .map(|builder| {
            let dependencies = resolve::dependency_origins(&builder.tree).into_keys();
            let dependencies = dependencies.filter(|name| with_process(name)).collect();
            (builder.name.as_str(), dependencies)
        })
        .collect();
    let dependency_edges = graph.clone();
    for group in runtime.groups.values() {
        for member in group.domains.iter().filter(|name| with_process(name)) {
            let predecessors = group.predecessors(member).iter().map(String::as_str);
            let dependencies = graph.entry(member).or_default();
            dependencies
                .extend(predecessors.filter(|other| *other != member && with_process(other)));
        }
    }
    let mut reported = BTreeSet::new();
    for cycle in dependency_graph::cycles(&graph) {
        let edges = || {
            let next = cycle.iter().cycle().skip(1);
            cycle.iter().zip(next).filter(|(from, to)| {
                let own_dependencies = dependency_edges.get(from.as_str());
                !own_dependencies.is_some_and(|dependencies| dependencies.contains(to.as_str()))
            })
        };
        // A cycle of dependencies alone is reported by their own check.
        let by_group = edges().find_map(|(from, to)| {
            let mut groups = runtime.groups.iter();
            groups.find(|(_, group)| group.predecessors(from).contains(to))
        });
        let Some((name, _)) = by_group else { continue };
        let Some(origin) = origin(tree, name) else {
            continue;
        };
        // One group may cause several cycles.
        if !reported.insert(name) {
            continue;
        }
        let first = &cycle[0];
        let diagnostic = Diagnostic::error(
            Code::GroupOrder,
            format!(
                "{}`runtime.groups.{name}.domains`: its order contradicts the \
                 dependencies of its members: {} -> {first}",
                origin.prefix(),
                cycle.join(" -> ")
            ),
        )
        .at(origin.location())
        .hint("members wait for those before them: list dependencies first");
        diagnostics.push(diagnostic);
    }
}
