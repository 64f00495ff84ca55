//! What a change of a file means. Pure, but for the resolving of links, which the caller lends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{App, Domain, Program};
use fulcrum_watch::{Change, ChangeKind};
use globset::Glob;

use crate::watch::spec::{CONFIG_KEY, DOMAIN_DIRS_KEY, MODULE_REPORTS_KEY, SETTINGS, paths};

/// What is to be done, and for whom. Settings go first: what they restart needs no other reload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReloadTarget {
    /// The configuration is read anew, and compared with what runs.
    Configuration,
    /// This domain's code has changed: it is started anew.
    Code(String),
    /// A file of this domain has changed that isn't code: it is told, if it wants to know.
    Asset(String),
}

/// What a change means.
#[derive(Debug, Default)]
pub(crate) struct ChangeImpact {
    /// What is to be done, each once.
    pub(crate) targets: BTreeSet<ReloadTarget>,
    /// Domains of which it isn't known whether their present life loads the file: the change is to
    /// be looked at again when they have told.
    pub(crate) undecided: BTreeSet<String>,
}

/// What is known of a domain at the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct DomainView {
    /// The code that it has loaded; none where that isn't known.
    pub(crate) modules: Option<Arc<BTreeSet<PathBuf>>>,
    /// What has changed of its code that no life was begun with, such as broken files.
    pub(crate) unapplied: BTreeSet<PathBuf>,
    pub(crate) standing: LoadState,
}

/// How far a domain's life has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LoadState {
    /// There is none: it has failed, waits to be started again, or was stopped.
    #[default]
    Down,
    /// It has begun, or is about to, and hasn't told what it loads; what is known is of its
    /// predecessor.
    Starting,
    /// It has told what it has loaded.
    Loaded,
}

/// What Node loads as code.
const CODE: [&str; 9] = [
    "js", "mjs", "cjs", "ts", "mts", "cts", "json", "node", "wasm",
];

/// What a program that isn't Node surely doesn't need to be started anew for. Nobody knows what its
/// code is, so all else is taken for that.
const ASSETS: [&str; 26] = [
    "hbs", "mustache", "ejs", "pug", "njk", "liquid", "html", "htm", "css", "scss", "less", "sql",
    "txt", "md", "csv", "svg", "png", "jpg", "jpeg", "gif", "webp", "ico", "woff", "woff2", "pdf",
    "map",
];

/// What package managers write, Fulcrum's own install among them: `package.json` says the same.
const LOCKS: [&str; 6] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
];

/// What Node reads before any code, and what is to be installed.
const PACKAGE: &str = "package.json";

/// The names of entries that make a folder a domain.
const ENTRIES: [&str; 5] = [
    "domain.js",
    "domain.mjs",
    "domain.cjs",
    "domain.ts",
    "domain.mts",
];

/// What a change means.
///
/// A file is code of a domain if it is the entry, its `package.json`, or was loaded by it; where it isn't known what was
/// loaded, if it may be by its name. What is known not to be loaded restarts nobody, with three
/// exceptions: a domain without a life may have failed for want of it; a new file may be what is
/// imported next, or one of a folder whose files are all loaded; and one that has kept a reload from
/// beginning is still waited for. Files that `process.watch.paths` names, by name or by a glob, are
/// code whatever they are.
///
/// `real` gives the path of a file without links, by which Node knows it.
pub(crate) fn meaning(
    app: &App,
    seen: &BTreeMap<String, DomainView>,
    change: &Change,
    real: impl Fn(&Path) -> PathBuf,
) -> ChangeImpact {
    let path = change.path.as_path();
    let mut meaning = ChangeImpact::default();
    let targets = &mut meaning.targets;
    for key in &change.keys {
        match key.as_ref() {
            MODULE_REPORTS_KEY => {}
            CONFIG_KEY => drop(targets.insert(ReloadTarget::Configuration)),
            DOMAIN_DIRS_KEY => {
                let comes_or_goes = change.kind != ChangeKind::Modified && is_named(path, &ENTRIES);
                if comes_or_goes || is_named(path, &[SETTINGS]) {
                    targets.insert(ReloadTarget::Configuration);
                }
            }
            name => {
                let Some(domain) = app.domain(name).filter(|domain| domain.has_process()) else {
                    continue;
                };
                let nothing = DomainView::default();
                let seen = seen.get(name).unwrap_or(&nothing);
                match of_domain(domain, seen, change, &real) {
                    FileRole::Nothing => {}
                    FileRole::Asset => {
                        targets.insert(ReloadTarget::Asset(domain.name.clone()));
                    }
                    FileRole::Code => drop(targets.insert(ReloadTarget::Code(domain.name.clone()))),
                    FileRole::Settings => drop(targets.insert(ReloadTarget::Configuration)),
                    FileRole::Undecided => drop(meaning.undecided.insert(domain.name.clone())),
                }
            }
        }
    }
    meaning
}

/// What a changed file is of a domain.
enum FileRole {
    Nothing,
    Asset,
    Code,
    Settings,
    Undecided,
}

fn of_domain(
    domain: &Domain,
    seen: &DomainView,
    change: &Change,
    real: impl Fn(&Path) -> PathBuf,
) -> FileRole {
    let path = change.path.as_path();
    let is_setting = path == domain.dir.join(SETTINGS)
        || domain.process.env_files.iter().any(|file| file == path);
    if is_setting || is_named(path, &LOCKS) {
        // Settings are heard of by themselves.
        return FileRole::Nothing;
    }
    let is_node = match &domain.program {
        Program::Node { entry } if entry == path => {
            // Without it there is nothing to start: the configuration says so.
            return match change.kind {
                ChangeKind::Created | ChangeKind::Modified => FileRole::Code,
                ChangeKind::Removed => FileRole::Settings,
            };
        }
        Program::Node { .. } => true,
        Program::Command(_) => false,
        Program::NoProcess => return FileRole::Nothing,
    };
    let is_loaded = || {
        let modules = seen.modules.as_ref();
        modules.is_some_and(|modules| modules.contains(path) || modules.contains(&real(path)))
    };
    match place(domain, path) {
        WatchMatch::Explicit => FileRole::Code,
        WatchMatch::None if is_loaded() => FileRole::Code,
        WatchMatch::None => FileRole::Nothing,
        WatchMatch::InDir if !is_node && has_extension(path, &ASSETS) => FileRole::Asset,
        WatchMatch::InDir if !is_node || path == domain.dir.join(PACKAGE) || is_loaded() => {
            FileRole::Code
        }
        WatchMatch::InDir => unloaded(seen, change),
    }
}

/// What a file in a Node domain's own folder is that isn't known to be loaded.
fn unloaded(seen: &DomainView, change: &Change) -> FileRole {
    let path = change.path.as_path();
    if !has_extension(path, &CODE) {
        return FileRole::Asset;
    }
    if seen.modules.is_none() || seen.unapplied.contains(path) {
        return FileRole::Code;
    }
    let is_new = change.kind == ChangeKind::Created;
    // Data, more often than not: domains write it themselves, just when they have started.
    if has_extension(path, &["json"]) {
        let may_be_missed = is_new && seen.standing != LoadState::Loaded;
        return if may_be_missed {
            FileRole::Code
        } else {
            FileRole::Asset
        };
    }
    match seen.standing {
        LoadState::Down => FileRole::Code,
        LoadState::Starting | LoadState::Loaded if is_new => FileRole::Code,
        LoadState::Starting => FileRole::Undecided,
        LoadState::Loaded => FileRole::Nothing,
    }
}

/// Where a file is, as `process.watch.paths` sees it.
enum WatchMatch {
    /// It is named itself, or by a glob.
    Explicit,
    /// It is in a folder that is named.
    InDir,
    /// It is elsewhere.
    None,
}

fn place(domain: &Domain, path: &Path) -> WatchMatch {
    let mut place = WatchMatch::None;
    for (watched, glob) in paths(domain) {
        let is_named = match glob {
            Some(glob) => Glob::new(&glob).is_ok_and(|glob| glob.compile_matcher().is_match(path)),
            None if path.starts_with(&watched) => {
                place = WatchMatch::InDir;
                path == watched
            }
            None => false,
        };
        if is_named {
            return WatchMatch::Explicit;
        }
    }
    place
}

fn is_named(path: &Path, names: &[&str]) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| names.contains(&name))
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| extensions.contains(&extension))
}

#[cfg(test)]
pub(crate) mod tests;
