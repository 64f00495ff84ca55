//! Selection of domains by name, glob or `all`.

use std::collections::BTreeSet;

use globset::Glob;

use crate::app::{App, Domain};
use crate::suggest::closest;

/// The longest part of an unknown name that a message repeats, in characters.
const MAX_SHOWN_NAME: usize = 80;

/// A name or glob that matches no domain.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownDomain(pub String);

impl UnknownDomain {
    /// The error text: the name, and the nearest domain or all of them as a hint.
    pub fn message(&self, app: &App) -> String {
        unknown_domain(&self.0, names_of(app))
    }
}

/// The domains that an instance runs.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Names and globs; empty means every domain that is not only started by hand
    /// ([`autostart`](crate::ProcessSettings::autostart)).
    pub only: Vec<String>,
    /// Leave out the dependencies of these domains.
    pub no_deps: bool,
}

impl Selection {
    /// The names of the domains to start, dependencies included, sorted. Domains without a process
    /// are left out.
    ///
    /// # Errors
    /// A name or glob matches no domain.
    pub fn resolve(&self, app: &App) -> Result<Vec<String>, UnknownDomain> {
        let mut names = select(app, &self.only)?;
        if self.only.is_empty() {
            names.retain(|name| app.domain(name).is_some_and(Domain::starts_with_instance));
        }
        if self.no_deps {
            let has_process =
                |name: &String| app.domain(name).is_some_and(|domain| domain.has_process());
            return Ok(names.into_iter().filter(has_process).collect());
        }
        Ok(with_dependencies(app, &names))
    }

    /// Like [`resolve`](Self::resolve), for an app that has changed since the selection was made:
    /// names that no longer match are ignored.
    pub fn resolve_after_reload(&self, app: &App) -> Vec<String> {
        let matches = |name: &&String| select(app, std::slice::from_ref(*name)).is_ok();
        let only: Vec<String> = self.only.iter().filter(matches).cloned().collect();
        if only.is_empty() && !self.only.is_empty() {
            return Vec::new();
        }
        let remaining = Self {
            only,
            no_deps: self.no_deps,
        };
        remaining.resolve(app).unwrap_or_default()
    }
}

/// The names of an app's domains that match any of `patterns`: names, globs or `all`, sorted. No
/// pattern means every domain.
///
/// # Errors
/// A pattern matches no domain.
pub fn select(app: &App, patterns: &[String]) -> Result<Vec<String>, UnknownDomain> {
    let known: Vec<&str> = names_of(app).collect();
    select_among(&known, patterns)
}

/// Like [`select`], among these names.
///
/// # Errors
/// A pattern matches no name.
pub fn select_among(known: &[&str], patterns: &[String]) -> Result<Vec<String>, UnknownDomain> {
    let all = || known.iter().map(|name| (*name).to_owned());
    if patterns.is_empty() || patterns.iter().any(|pattern| pattern == "all") {
        return Ok(all().collect());
    }
    let mut selected = BTreeSet::new();
    for pattern in patterns {
        let glob = Glob::new(pattern).ok().map(|glob| glob.compile_matcher());
        let is_match = |name: &String| {
            name == pattern || glob.as_ref().is_some_and(|glob| glob.is_match(name))
        };
        let matching: Vec<String> = all().filter(is_match).collect();
        if matching.is_empty() {
            return Err(UnknownDomain(pattern.clone()));
        }
        selected.extend(matching);
    }
    Ok(selected.into_iter().collect())
}

/// The error text for a name that is none of `known`: the nearest name and all of them, as a hint.
pub fn unknown_domain<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.collect();
    let hint = match closest(name, known.iter().copied()) {
        Some(closest) => format!(
            "did you mean `{closest}`? The domains are {}",
            known.join(", ")
        ),
        None if known.is_empty() => "the app has no domains".to_owned(),
        None => format!("the domains are {}", known.join(", ")),
    };
    let name: String = name.escape_debug().take(MAX_SHOWN_NAME).collect();
    format!("unknown domain `{name}`\n  hint: {hint}")
}

fn names_of(app: &App) -> impl Iterator<Item = &str> {
    app.domains.iter().map(|domain| domain.name.as_str())
}

/// These domains and all of their direct and indirect dependencies, as far as they have a process.
fn with_dependencies(app: &App, names: &[String]) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut pending: Vec<&str> = names.iter().map(String::as_str).collect();
    while let Some(name) = pending.pop() {
        let Some(domain) = app.domain(name) else {
            continue;
        };
        if domain.has_process() && found.insert(name.to_owned()) {
            pending.extend(app.dependencies(name).into_keys());
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_globs_select_domains() {
        let known = ["catalog", "orders", "users"];
        let select = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            select_among(&known, &patterns).map_err(|UnknownDomain(name)| name)
        };
        let names = |names: &[&str]| Ok(names.iter().map(ToString::to_string).collect());
        assert_eq!(select(&[]), names(&known));
        assert_eq!(select(&["orders", "all"]), names(&known));
        assert_eq!(select(&["users", "c*"]), names(&["catalog", "users"]));
        assert_eq!(select(&["users", "pay*"]), Err("pay*".to_owned()));
        assert_eq!(select(&["[users"]), Err("[users".to_owned()));
    }

    #[test]
    fn the_nearest_name_is_suggested() {
        let known = ["catalog", "notifications", "orders", "users"];
        for (typed, suggestion) in [
            ("usres", Some("users")),
            ("Users", Some("users")),
            ("catalogue", Some("catalog")),
            ("order", Some("orders")),
            ("notification", Some("notifications")),
            ("payments", None),
            ("x", None),
            ("", None),
        ] {
            let text = unknown_domain(typed, known.into_iter());
            let hint = match suggestion {
                Some(name) => format!(
                    "did you mean `{name}`? The domains are catalog, notifications, orders, users"
                ),
                None => "the domains are catalog, notifications, orders, users".to_owned(),
            };
            assert_eq!(text, format!("unknown domain `{typed}`\n  hint: {hint}"));
        }
    }

    #[test]
    fn control_characters_of_a_name_are_escaped() {
        let text = unknown_domain("\x1b[2J", std::iter::empty());
        assert!(
            !text.contains('\x1b') && text.contains("no domains"),
            "{text:?}"
        );
    }
}
