//! What a change of a file means. Pure, but for the resolving of links, which the caller lends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{App, Domain, Program};
use fulcrum_watch::{Change, Kind};
use globset::Glob;

use crate::watch::spec::{CONFIGURATION, PLACE, SETTINGS, TOLD, paths};

/// What is to be done, and for whom. Settings go first: what they restart needs no other reload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// The configuration is read anew, and compared with what runs.
    Configuration,
    /// This domain's code has changed: it is started anew.
    Code(String),
    /// A file of this domain has changed that isn't code: it is told, if it wants to know.
    Asset(String),
}

/// What a change means.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    /// What is to be done, each once.
    pub(crate) targets: BTreeSet<Target>,
    /// Domains of which it isn't known whether their present life loads the file: the change is to
    /// be looked at again when they have told.
    pub(crate) undecided: BTreeSet<String>,
}

/// What is known of a domain at the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The code that it has loaded; none where that isn't known.
    pub(crate) modules: Option<Arc<BTreeSet<PathBuf>>>,
    /// What has changed of its code that no life was begun with, such as broken files.
    pub(crate) waiting: BTreeSet<PathBuf>,
    pub(crate) standing: Standing,
}

/// How far a domain's life has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is none: it has failed, waits to be started again, or was stopped.
    #[default]
    Down,
    /// It has begun, or is about to, and hasn't told what it loads; what is known is of its
    /// predecessor.
    Settling,
    /// It has told what it has loaded.
    Steady,
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
    seen: &BTreeMap<String, Seen>,
    change: &Change,
    real: impl Fn(&Path) -> PathBuf,
) -> Meaning {
    let path = change.path.as_path();
    let mut meaning = Meaning::default();
    let targets = &mut meaning.targets;
    for key in &change.keys {
        match key.as_ref() {
            TOLD => {}
            CONFIGURATION => drop(targets.insert(Target::Configuration)),
            PLACE => {
                let comes_or_goes = change.kind != Kind::Modified && is_named(path, &ENTRIES);
                if comes_or_goes || is_named(path, &[SETTINGS]) {
                    targets.insert(Target::Configuration);
                }
            }
            name => {
                let Some(domain) = app.domain(name).filter(|domain| domain.has_process()) else {
                    continue;
                };
                let nothing = Seen::default();
                let seen = seen.get(name).unwrap_or(&nothing);
                match of_domain(domain, seen, change, &real) {
                    Part::Nothing => {}
                    Part::Asset => drop(targets.insert(Target::Asset(domain.name.clone()))),
                    Part::Code => drop(targets.insert(Target::Code(domain.name.clone()))),
                    Part::Settings => drop(targets.insert(Target::Configuration)),
                    Part::Undecided => drop(meaning.undecided.insert(domain.name.clone())),
                }
            }
        }
    }
    meaning
}

/// What a changed file is of a domain.
enum Part {
    Nothing,
    Asset,
    Code,
    Settings,
    Undecided,
}

fn of_domain(
    domain: &Domain,
    seen: &Seen,
    change: &Change,
    real: impl Fn(&Path) -> PathBuf,
) -> Part {
    let path = change.path.as_path();
    let is_setting = path == domain.dir.join(SETTINGS)
        || domain.process.env_files.iter().any(|file| file == path);
    if is_setting || is_named(path, &LOCKS) {
        // Settings are heard of by themselves.
        return Part::Nothing;
    }
    let is_node = match &domain.program {
        Program::Node { entry } if entry == path => {
            // Without it there is nothing to start: the configuration says so.
            return match change.kind {
                Kind::Created | Kind::Modified => Part::Code,
                Kind::Removed => Part::Settings,
            };
        }
        Program::Node { .. } => true,
        Program::Command(_) => false,
        Program::None => return Part::Nothing,
    };
    let is_loaded = || {
        let modules = seen.modules.as_ref();
        modules.is_some_and(|modules| modules.contains(path) || modules.contains(&real(path)))
    };
    match place(domain, path) {
        Place::Named => Part::Code,
        Place::Outside if is_loaded() => Part::Code,
        Place::Outside => Part::Nothing,
        Place::Within if !is_node && has_extension(path, &ASSETS) => Part::Asset,
        Place::Within if !is_node || path == domain.dir.join(PACKAGE) || is_loaded() => Part::Code,
        Place::Within => unloaded(seen, change),
    }
}

/// What a file in a Node domain's own folder is that isn't known to be loaded.
fn unloaded(seen: &Seen, change: &Change) -> Part {
    let path = change.path.as_path();
    if !has_extension(path, &CODE) {
        return Part::Asset;
    }
    if seen.modules.is_none() || seen.waiting.contains(path) {
        return Part::Code;
    }
    let is_new = change.kind == Kind::Created;
    // Data, more often than not: domains write it themselves, just when they have started.
    if has_extension(path, &["json"]) {
        let may_be_missed = is_new && seen.standing != Standing::Steady;
        return if may_be_missed {
            Part::Code
        } else {
            Part::Asset
        };
    }
    match seen.standing {
        Standing::Down => Part::Code,
        Standing::Settling | Standing::Steady if is_new => Part::Code,
        Standing::Settling => Part::Undecided,
        Standing::Steady => Part::Nothing,
    }
}

/// Where a file is, as `process.watch.paths` sees it.
enum Place {
    /// It is named itself, or by a glob.
    Named,
    /// It is in a folder that is named.
    Within,
    /// It is elsewhere.
    Outside,
}

fn place(domain: &Domain, path: &Path) -> Place {
    let mut place = Place::Outside;
    for (watched, glob) in paths(domain) {
        let is_named = match glob {
            Some(glob) => Glob::new(&glob).is_ok_and(|glob| glob.compile_matcher().is_match(path)),
            None if path.starts_with(&watched) => {
                place = Place::Within;
                path == watched
            }
            None => false,
        };
        if is_named {
            return Place::Named;
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
