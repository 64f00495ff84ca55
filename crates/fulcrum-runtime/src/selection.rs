//! Which domains a command means.

use std::collections::BTreeSet;

use fulcrum_config::App;
use globset::Glob;

use crate::names::unknown_domain;

/// A name that fits no domain.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownDomain(pub String);

impl UnknownDomain {
    /// For people: the name, the nearest one, and which there are.
    pub fn message(&self, app: &App) -> String {
        unknown_domain(
            &self.0,
            app.domains.iter().map(|domain| domain.name.as_str()),
        )
    }
}

/// The domains that names, globs or `all` mean, by name. No name at all means every domain.
///
/// # Errors
/// A name or glob that fits none.
pub fn select(app: &App, wanted: &[String]) -> Result<Vec<String>, UnknownDomain> {
    let known: Vec<&str> = app.domains.iter().map(|d| d.name.as_str()).collect();
    select_among(&known, wanted)
}

/// The same among these names, whoever has them.
///
/// # Errors
/// A name or glob that fits none.
pub fn select_among(known: &[&str], wanted: &[String]) -> Result<Vec<String>, UnknownDomain> {
    let all = || known.iter().map(|domain| (*domain).to_owned());
    if wanted.is_empty() || wanted.iter().any(|name| name == "all") {
        return Ok(all().collect());
    }
    let mut found = BTreeSet::new();
    for name in wanted {
        let fits: Vec<String> = match Glob::new(name) {
            Ok(glob) => {
                let glob = glob.compile_matcher();
                all()
                    .filter(|domain| domain == name || glob.is_match(domain))
                    .collect()
            }
            Err(_) => all().filter(|domain| domain == name).collect(),
        };
        if fits.is_empty() {
            return Err(UnknownDomain(name.clone()));
        }
        found.extend(fits);
    }
    Ok(found.into_iter().collect())
}

/// These domains and all that they need, as far as those have a process.
pub(crate) fn with_dependencies(app: &App, names: &[String]) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = names.iter().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        let Some(domain) = app.domain(name) else {
            continue;
        };
        if domain.has_process() && found.insert(name.to_owned()) {
            open.extend(app.dependencies(name).into_keys());
        }
    }
    found.into_iter().collect()
}
