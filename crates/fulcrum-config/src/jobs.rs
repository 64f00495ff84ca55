//! Jobs: domains that run until they are done.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, quoted};
use crate::domain_builder::DomainBuilder;
use crate::process::{DependencyCondition, ProbeCheck, ProcessKind, RestartMode};
use crate::setting::{Origin, Setting, SettingTree};

/// Defaults that differ for a job: it is not started again after a failure, and no registration is
/// awaited.
pub(crate) fn apply_job_defaults(tree: &mut SettingTree) {
    let is_job = matches!(tree.leaf("kind"), Some(leaf) if leaf.setting == Setting::String("job".to_owned()));
    if !is_job {
        return;
    }
    let SettingTree::Map(settings) = tree else {
        return;
    };
    if let Some(SettingTree::Leaf(leaf)) = settings.get_mut("ready")
        && leaf.origin == Origin::Default
        && let Setting::Probe(probe) = &mut leaf.setting
    {
        probe.check = ProbeCheck::Started;
    }
    if let Some(SettingTree::Map(restart)) = settings.get_mut("restart")
        && let Some(SettingTree::Leaf(leaf)) = restart.get_mut("policy")
        && leaf.origin == Origin::Default
    {
        leaf.setting = Setting::String("never".to_owned());
    }
}

/// A domain that is never restarted and that others wait for to complete is a job, whether or not
/// that is said.
pub(crate) fn recognize(builders: &mut BTreeMap<String, DomainBuilder>) {
    let awaited: BTreeSet<String> = builders
        .values()
        .flat_map(|builder| &builder.process.depends_on)
        .filter(|(_, condition)| **condition == DependencyCondition::Completed)
        .map(|(name, _)| name.clone())
        .collect();
    for name in awaited {
        let Some(builder) = builders.get_mut(&name) else {
            continue;
        };
        let is_unsaid = builder.origin("kind") == Some(&Origin::Default);
        if !is_unsaid || builder.process.restart.policy != RestartMode::Never {
            continue;
        }
        builder.process.kind = ProcessKind::Job;
        if builder.origin("ready") == Some(&Origin::Default) {
            builder.process.ready.check = ProbeCheck::Started;
        }
        if let SettingTree::Map(settings) = &mut builder.tree
            && let Some(SettingTree::Leaf(leaf)) = settings.get_mut("kind")
        {
            leaf.setting = Setting::String("job".to_owned());
        }
    }
    for builder in builders.values_mut() {
        let process = &mut builder.process;
        // Done is done, whatever an app-wide default says.
        if process.kind == ProcessKind::Job && process.restart.policy == RestartMode::Always {
            process.restart.policy = RestartMode::OnFailure;
        }
    }
}

/// Reports settings that only a job may have.
pub(crate) fn check(builders: &BTreeMap<String, DomainBuilder>, diagnostics: &mut Vec<Diagnostic>) {
    for builder in builders.values() {
        if builder.process.kind == ProcessKind::Job || builder.process.timeout.is_none() {
            continue;
        }
        let origin = builder.origin("timeout").unwrap_or(&Origin::Default);
        // An app-wide default concerns the jobs among the domains.
        if is_app_wide(origin) {
            continue;
        }
        diagnostics.push(
            Diagnostic::error(
                "not-a-job",
                format!(
                    "{}`process.timeout`: {} is no job, so it runs for any time",
                    origin.prefix(),
                    quoted(&builder.name)
                ),
            )
            .at(origin.location())
            .hint(
                "set `process.kind: job`, or `process.start_timeout` for the time to become ready",
            ),
        );
    }
}

fn is_app_wide(origin: &Origin) -> bool {
    match origin {
        Origin::File { file, .. } => file.as_os_str() == crate::file::CONFIG_FILE,
        Origin::Default | Origin::Variable(_) | Origin::Flag(_) => true,
    }
}
