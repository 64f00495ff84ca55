//! What a change of a file means. Pure: the caller resolves symbolic links.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{App, Domain, Program};
use fulcrum_watch::{Change, ChangeKind};
use globset::Glob;

use crate::watch::spec::{CONFIG_KEY, DOMAIN_DIRS_KEY, MODULE_REPORTS_KEY, SETTINGS, paths};

/// What a change reloads. The configuration comes first: domains that it restarts need no other
/// reload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReloadTarget {
    /// The configuration is loaded again and compared with what runs.
    Configuration,
    /// The code of this domain has changed: it is restarted.
    Code(String),
    /// A file of this domain has changed that is not code: the change is published.
    Asset(String),
}

/// What a change means.
#[derive(Debug, Default)]
pub(crate) struct ChangeImpact {
    /// What the change reloads.
    pub(crate) targets: BTreeSet<ReloadTarget>,
    /// Domains that have not yet reported whether they load the file. The change is classified
    /// again once they have.
    pub(crate) undecided: BTreeSet<String>,
}

/// What is known of a domain.
#[derive(Debug, Clone, Default)]
pub(crate) struct DomainView {
    /// The files that it has loaded as code; `None` if unknown.
    pub(crate) modules: Option<Arc<BTreeSet<PathBuf>>>,
    /// Changed code that no generation was started with, such as files with syntax errors.
    pub(crate) unapplied: BTreeSet<PathBuf>,
    pub(crate) load_state: LoadState,
}

/// How far a domain has loaded its code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LoadState {
    /// It does not run: it has failed, waits for a restart, or was stopped.
    #[default]
    Down,
    /// It starts, and has not reported what it loads. What is known is of the generation before.
    Starting,
    /// It has reported what it has loaded.
    Loaded,
}

/// What Node loads as code, with its loaders.
const CODE: [&str; 11] = [
    "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "json", "node", "wasm",
];

/// Extensions for which a program other than Node is not restarted. What its code is cannot be
/// known, so all other files count as code.
const ASSETS: [&str; 26] = [
    "hbs", "mustache", "ejs", "pug", "njk", "liquid", "html", "htm", "css", "scss", "less", "sql",
    "txt", "md", "csv", "svg", "png", "jpg", "jpeg", "gif", "webp", "ico", "woff", "woff2", "pdf",
    "map",
];

/// Files that package managers write, also when Fulcrum installs packages. `package.json` changes
/// with them.
const LOCKS: [&str; 6] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
];

/// The file that Node reads before any code, and that lists the packages to install.
const PACKAGE: &str = "package.json";

/// The file that decides how TypeScript below it is compiled. One that applies is reported as loaded; a
/// new one may apply next.
const TSCONFIG: &str = "tsconfig.json";

/// The names of entry points that make a directory a domain.
const ENTRIES: [&str; 5] = [
    "domain.js",
    "domain.mjs",
    "domain.cjs",
    "domain.ts",
    "domain.mts",
];

/// Classifies a change.
///
/// A file is code of a domain if it is its entry point, its `package.json`, or was loaded by it. If
/// it is unknown what was loaded, the extension decides. A file that is known not to be loaded
/// restarts no domain, with three exceptions: a domain that does not run may have failed because
/// the file was missing; a new file may be imported next; and a file that has prevented a reload is
/// still needed. A new `tsconfig.json` counts as code too. Files that `process.watch.paths` names, by path or by a glob, are always code.
///
/// `canonical` resolves the symbolic links in a path; Node knows files by their canonical paths.
pub(crate) fn classify(
    app: &App,
    views: &BTreeMap<String, DomainView>,
    change: &Change,
    canonical: impl Fn(&Path) -> PathBuf,
) -> ChangeImpact {
    let path = change.path.as_path();
    let mut impact = ChangeImpact::default();
    let targets = &mut impact.targets;
    for key in &change.keys {
        match key.as_ref() {
            MODULE_REPORTS_KEY => {}
            CONFIG_KEY => drop(targets.insert(ReloadTarget::Configuration)),
            DOMAIN_DIRS_KEY => {
                let is_added_or_removed =
                    change.kind != ChangeKind::Modified && is_named(path, &ENTRIES);
                if is_added_or_removed || is_named(path, &[SETTINGS]) {
                    targets.insert(ReloadTarget::Configuration);
                }
            }
            name => {
                let Some(domain) = app.domain(name).filter(|domain| domain.has_process()) else {
                    continue;
                };
                let unknown = DomainView::default();
                let view = views.get(name).unwrap_or(&unknown);
                match file_role(domain, view, change, &canonical) {
                    FileRole::Nothing => {}
                    FileRole::Asset => {
                        targets.insert(ReloadTarget::Asset(domain.name.clone()));
                    }
                    FileRole::Code => drop(targets.insert(ReloadTarget::Code(domain.name.clone()))),
                    FileRole::Settings => drop(targets.insert(ReloadTarget::Configuration)),
                    FileRole::Undecided => drop(impact.undecided.insert(domain.name.clone())),
                }
            }
        }
    }
    impact
}

/// What a changed file is to a domain.
enum FileRole {
    Nothing,
    Asset,
    Code,
    Settings,
    Undecided,
}

fn file_role(
    domain: &Domain,
    view: &DomainView,
    change: &Change,
    canonical: impl Fn(&Path) -> PathBuf,
) -> FileRole {
    let path = change.path.as_path();
    let is_setting = path == domain.dir.join(SETTINGS)
        || domain
            .process
            .env_files
            .iter()
            .any(|file| file.path == path);
    if is_setting || is_named(path, &LOCKS) {
        // Configuration files have a key of their own.
        return FileRole::Nothing;
    }
    let is_node = match &domain.program {
        Program::Node { entry } if entry == path => {
            // Without an entry point there is no process: the configuration has changed.
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
        let modules = view.modules.as_ref();
        modules.is_some_and(|modules| modules.contains(path) || modules.contains(&canonical(path)))
    };
    match watch_match(domain, path) {
        WatchMatch::Explicit => FileRole::Code,
        WatchMatch::None if is_loaded() => FileRole::Code,
        WatchMatch::None => FileRole::Nothing,
        WatchMatch::InDir if !is_node && has_extension(path, &ASSETS) => FileRole::Asset,
        WatchMatch::InDir if !is_node || path == domain.dir.join(PACKAGE) || is_loaded() => {
            FileRole::Code
        }
        WatchMatch::InDir => unloaded_role(view, change),
    }
}

/// What a file in the directory of a Node domain is that is not known to be loaded.
fn unloaded_role(view: &DomainView, change: &Change) -> FileRole {
    let path = change.path.as_path();
    if !has_extension(path, &CODE) {
        return FileRole::Asset;
    }
    if view.modules.is_none() || view.unapplied.contains(path) {
        return FileRole::Code;
    }
    let is_new = change.kind == ChangeKind::Created;
    if is_new && is_named(path, &[TSCONFIG]) {
        return FileRole::Code;
    }
    // Mostly data, which domains write themselves when they start.
    if has_extension(path, &["json"]) {
        let may_be_code = is_new && view.load_state != LoadState::Loaded;
        return if may_be_code {
            FileRole::Code
        } else {
            FileRole::Asset
        };
    }
    match view.load_state {
        LoadState::Down => FileRole::Code,
        LoadState::Starting | LoadState::Loaded if is_new => FileRole::Code,
        LoadState::Starting => FileRole::Undecided,
        LoadState::Loaded => FileRole::Nothing,
    }
}

/// How a file matches `process.watch.paths`.
enum WatchMatch {
    /// It is named by its path or by a glob.
    Explicit,
    /// It is in a directory that is named.
    InDir,
    /// It does not match.
    None,
}

fn watch_match(domain: &Domain, path: &Path) -> WatchMatch {
    let mut result = WatchMatch::None;
    for (watched, glob) in paths(domain) {
        let is_named = match glob {
            Some(glob) => Glob::new(&glob).is_ok_and(|glob| glob.compile_matcher().is_match(path)),
            None if path.starts_with(&watched) => {
                result = WatchMatch::InDir;
                path == watched
            }
            None => false,
        };
        if is_named {
            return WatchMatch::Explicit;
        }
    }
    result
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
mod tests;
