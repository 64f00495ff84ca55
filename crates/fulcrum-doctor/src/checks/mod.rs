//! The checks: pure functions from facts to results.

mod app;
mod domains;
mod environment;
mod instance;
mod limits;
mod machine;
mod ports;
mod stores;

pub use app::{configuration, file_system, permissions, sdk};
pub use domains::{node, node_options, typescript};
pub use environment::{proxy, runtime_directory};
pub use instance::{instance, stale_processes};
pub use limits::{cgroup, inotify_instances, inotify_watches, open_files, processes};
pub use machine::{clock, container, disk};
pub use ports::{domain_ports, port};
pub use stores::{cache, log_segments, logs};

use crate::check::Check;
use crate::facts::Facts;

/// All checks, in the order in which they are printed. Without an app, those of the machine.
#[must_use]
pub fn run(facts: &Facts) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(app) = &facts.app {
        checks.push(configuration(app));
        // Domains and their settings are known by a valid configuration only.
        if app.errors.is_empty() {
            checks.push(node(&app.domains));
            checks.push(typescript(&app.domains));
            checks.push(node_options(&app.domains));
            checks.push(domain_ports(&app.domains));
        }
        checks.extend(app.port.as_ref().map(port));
        checks.push(sdk(&app.sdk));
        checks.push(instance(&app.instance));
        checks.push(stale_processes(&app.instance));
        checks.push(permissions(&app.denied));
        checks.push(file_system(app));
        checks.extend(app.logs.as_ref().map(|found| logs(&found.size)));
        checks.extend(app.logs.as_ref().map(|found| log_segments(&found.damaged)));
    }
    let directories = facts.app.as_ref().map_or(0, |app| app.directories);
    let has_limits = |app: &crate::facts::AppFacts| app.domains.iter().any(|one| one.has_limits);
    checks.push(cache(&facts.cache));
    checks.push(inotify_watches(&facts.limits, directories));
    checks.push(inotify_instances(&facts.limits));
    checks.push(open_files(&facts.limits));
    checks.push(processes(&facts.limits));
    checks.push(cgroup(
        &facts.cgroup,
        facts.app.as_ref().is_some_and(has_limits),
    ));
    checks.push(disk(&facts.disks));
    checks.push(clock(&facts.clock));
    checks.push(runtime_directory(&facts.environment));
    checks.push(proxy(&facts.environment));
    checks.push(container(&facts.machine));
    checks
}
