//! Settings that are understood and not acted on yet: said once, never ignored silently.

use fulcrum_config::{App, Domain};

/// What of the configuration has no effect in this version, in words.
pub fn unsupported(app: &App) -> Vec<String> {
    let found = app
        .domains
        .iter()
        .filter(|d| d.has_process())
        .flat_map(domain);
    found
        .into_iter()
        .map(|key| format!("{key} has no effect in this version of Fulcrum"))
        .collect()
}

fn domain(domain: &Domain) -> Vec<String> {
    let process = &domain.process;
    [
        ("replicas", process.replicas > 1),
        ("user", process.user.is_some()),
    ]
    .into_iter()
    .filter(|(_, set)| *set)
    .map(|(key, _)| format!("{}: process.{key}", domain.name))
    .collect()
}
