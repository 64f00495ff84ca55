//! Settings that are valid and that this version does not act on.

use crate::app::{App, Domain};

/// One warning for each setting that this version ignores.
pub fn unsupported_settings(app: &App) -> Vec<String> {
    let with_process = app.domains.iter().filter(|domain| domain.has_process());
    with_process
        .flat_map(unsupported_keys)
        .map(|key| format!("{key} is not supported in this version and is ignored"))
        .collect()
}

fn unsupported_keys(domain: &Domain) -> Vec<String> {
    let process = &domain.process;
    [("replicas", process.replicas > 1)]
        .into_iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(key, _)| format!("{}: process.{key}", domain.name))
        .collect()
}
