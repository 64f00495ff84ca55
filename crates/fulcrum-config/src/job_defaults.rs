//! Defaults that differ for a job.

use crate::process::ProbeCheck;
use crate::setting::{Origin, Setting, SettingTree};

/// A scheduled domain is a job.
fn is_job(tree: &SettingTree) -> bool {
    let Some(kind) = tree.leaf("kind") else {
        return false;
    };
    let is_unsaid = kind.origin == Origin::Default;
    kind.setting == Setting::String("job".to_owned())
        || is_unsaid && tree.leaf("schedule.cron").is_some()
}

/// A job is not started again after a failure, and no registration is awaited.
pub(crate) fn apply_job_defaults(tree: &mut SettingTree) {
    if !is_job(tree) {
        return;
    }
    let SettingTree::Map(settings) = tree else {
        return;
    };
    if let Some(SettingTree::Leaf(leaf)) = settings.get_mut("kind") {
        leaf.setting = Setting::String("job".to_owned());
    }
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
