//! Jobs: domains that run until they are done.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::domain_builder::DomainBuilder;
use crate::process::{DependencyCondition, ProbeCheck, ProcessKind, RestartMode};
use crate::resolve;
use crate::setting::{Origin, Setting, SettingTree};

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

/// Reports settings that only a job may have, and dependencies that never come to be.
pub(crate) fn check(builders: &BTreeMap<String, DomainBuilder>, diagnostics: &mut Vec<Diagnostic>) {
    for builder in builders.values() {
        if builder.process.kind == ProcessKind::Service {
            diagnostics.extend(not_a_job(builder));
        }
        diagnostics.extend(no_expression(builder));
        for (name, origin) in resolve::dependency_origins(&builder.tree) {
            let dependency = builders.get(name);
            if dependency.is_some_and(|one| one.process.schedule.is_some()) {
                let text = format!(
                    "{}`process.depends_on`: {} has a schedule, so it does not run at a start",
                    origin.prefix(),
                    quoted(name)
                );
                diagnostics.push(
                    Diagnostic::error(Code::ScheduledDependency, text)
                        .at(origin.location())
                        .hint("remove the dependency, or wait for a job without a schedule"),
                );
            }
        }
    }
}

/// An app-wide default concerns the jobs among the domains.
fn own_origin<'a>(builder: &'a DomainBuilder, path: &str) -> Option<&'a Origin> {
    builder.origin(path).filter(|origin| !is_app_wide(origin))
}

fn not_a_job(builder: &DomainBuilder) -> Option<Diagnostic> {
    let name = quoted(&builder.name);
    let (path, why, hint) = match own_origin(builder, "schedule.cron") {
        Some(_) => (
            "schedule.cron",
            format!("`process.schedule`: {name} is a service, which has no schedule"),
            "remove `process.kind`: a domain with a schedule is a job",
        ),
        None => (
            "timeout",
            format!("`process.timeout`: {name} is no job, so it runs for any time"),
            "set `process.kind: job`, or `process.start_timeout` for the time to become ready",
        ),
    };
    let origin = own_origin(builder, path)?;
    let text = format!("{}{why}", origin.prefix());
    let diagnostic = Diagnostic::error(Code::NotAJob, text);
    Some(diagnostic.at(origin.location()).hint(hint))
}

/// A domain's own schedule needs an expression.
fn no_expression(builder: &DomainBuilder) -> Option<Diagnostic> {
    if builder.origin("schedule.cron").is_some() {
        return None;
    }
    let keys = ["timezone", "overlap", "jitter", "missed"].into_iter();
    let mut origins = keys.filter_map(|key| own_origin(builder, &format!("schedule.{key}")));
    let origin = origins.next()?;
    let text = format!("{}`process.schedule`: `cron` is missing", origin.prefix());
    let diagnostic = Diagnostic::error(Code::MissingCron, text);
    Some(
        diagnostic
            .at(origin.location())
            .hint("add `cron`, such as `0 3 * * *`"),
    )
}

fn is_app_wide(origin: &Origin) -> bool {
    match origin {
        Origin::File { file, .. } => file.as_os_str() == crate::file::CONFIG_FILE,
        Origin::Default | Origin::Variable(_) | Origin::Flag(_) => true,
    }
}
