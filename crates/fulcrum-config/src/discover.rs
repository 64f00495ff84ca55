//! Finds the domains of an app: the folders that `runtime.domains` matches and that hold a
//! `fulcrum.yml` or an entry point.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::diagnostic::{Diagnostic, quoted};
use crate::discovered::{DiscoveredDomain, Discovery};
use crate::entry_point;
use crate::file::{CONFIG_FILE, MISNAMED_CONFIG_FILE, io_error_text};
use crate::setting::Origin;

/// Names that mean something else wherever a domain can be named.
const RESERVED: &[&str] = &["all", "fulcrum"];
const MAX_NAME_LEN: usize = 63;
/// Enough for any app, an end for a glob that would walk a whole disk.
const MAX_DIRS: usize = 20_000;
const MAX_DEPTH: usize = 16;

/// Whether globs pass over a folder of that name.
pub(crate) fn is_skipped(name: &OsStr) -> bool {
    name == "node_modules" || name.as_encoded_bytes().starts_with(b".")
}

/// Finds the domains that `globs` match under `root`, which is canonical.
pub(crate) fn discover(
    root: &Path,
    globs: &[String],
    origin: &Origin,
    problems: &mut Vec<Diagnostic>,
) -> Discovery {
    let mut discovery = Discovery::default();
    let mut folders = BTreeSet::new();
    for glob in globs {
        let at = |problem: Diagnostic| {
            Diagnostic {
                message: format!("{}{}", origin.prefix(), problem.message),
                ..problem
            }
            .at(origin.place())
        };
        match expand(root, glob) {
            Ok(found) if found.is_empty() && *origin != Origin::Default => problems.push(at(Diagnostic::warning(
                "no-match",
                format!("`runtime.domains`: {} matches no folder", quoted(glob)),
            )
            .hint("globs are relative to the app root; hidden folders and node_modules are passed over"))),
            Ok(found) => folders.extend(found),
            Err(problem) => problems.push(at(problem)),
        }
    }
    for shown in folders {
        classify_dir(root, shown, globs, &mut discovery, problems);
    }
    discovery
}

/// Takes one matched folder for a domain, refuses it, or passes over it.
fn classify_dir(
    root: &Path,
    shown: PathBuf,
    globs: &[String],
    discovery: &mut Discovery,
    problems: &mut Vec<Diagnostic>,
) {
    let dir = root.join(&shown);
    let is_there = |name: &str| dir.join(name).symlink_metadata().is_ok();
    let entries: Vec<_> = entry_point::NAMES
        .iter()
        .copied()
        .filter(|name| is_there(name))
        .collect();
    let config = is_there(CONFIG_FILE);
    if is_there(MISNAMED_CONFIG_FILE) && !config {
        problems.push(
            Diagnostic::warning(
                "misspelt-file",
                format!("is not read: a domain's file is named `{CONFIG_FILE}`"),
            )
            .in_file(shown.join(MISNAMED_CONFIG_FILE))
            .hint(format!("rename it to `{CONFIG_FILE}`")),
        );
    }
    if entries.is_empty() && !config {
        let literal = globs
            .iter()
            .any(|glob| Path::new(glob.trim_start_matches("./")) == shown);
        if literal && !is_there(MISNAMED_CONFIG_FILE) {
            problems.push(
                Diagnostic::error("no-domain", format!("is named in `runtime.domains` but holds neither a `{CONFIG_FILE}` nor an entry point"))
                    .in_file(shown)
                    .hint(format!("an entry point is one of {}", entry_point::NAMES.join(", "))),
            );
        }
        return;
    }
    let name = shown
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let refusal = match dir.canonicalize() {
        Ok(real) if !real.starts_with(root) => Some(
            Diagnostic::error("outside-app", format!("leads out of the app, to {}", quoted(&real.to_string_lossy())))
                .hint("a domain must be inside the app: copy it there, or name the app's folder further up"),
        ),
        Ok(real) if real == root => Some(Diagnostic::error("outside-app", "leads to the app itself").hint("name folders below it")),
        Ok(_) => check_name(&name),
        Err(error) => Some(Diagnostic::error("unreadable-file", format!("can't be used: {}", io_error_text(&error)))),
    };
    if let Some(problem) = refusal {
        problems.push(problem.in_file(shown));
        discovery.rejected.insert(name);
        return;
    }
    let same = discovery
        .domains
        .values()
        .find(|other| other.name.eq_ignore_ascii_case(&name));
    if let Some(other) = same {
        let (code, why) = if other.name == name {
            (
                "duplicate-name",
                format!(
                    "the domain {} is also in {}",
                    quoted(&name),
                    quoted(&other.display_path.to_string_lossy())
                ),
            )
        } else {
            (
                "duplicate-name",
                format!(
                    "the domains {} and {} (in {}) differ in upper and lower case only",
                    quoted(&name),
                    quoted(&other.name),
                    quoted(&other.display_path.to_string_lossy())
                ),
            )
        };
        problems.push(
            Diagnostic::error(code, why)
                .in_file(shown)
                .hint("rename one of the two folders: a domain is known by its folder's name"),
        );
        discovery.rejected.insert(name);
        return;
    }
    let found = DiscoveredDomain {
        name: name.clone(),
        display_path: shown,
        entries,
        config,
    };
    discovery.domains.insert(name, found);
}

fn check_name(name: &str) -> Option<Diagnostic> {
    let fine = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= MAX_NAME_LEN
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !fine {
        return Some(
            Diagnostic::error("bad-name", format!("{} can't be the name of a domain", quoted(name)))
                .hint(format!("rename the folder: up to {MAX_NAME_LEN} letters a-z, digits, `-` and `_`, beginning with a letter or digit")),
        );
    }
    let reserved = RESERVED
        .iter()
        .find(|word| name.eq_ignore_ascii_case(word))?;
    Some(Diagnostic::error("reserved-name", format!("`{reserved}` is no name for a domain: it has a meaning of its own on the command line")).hint("rename the folder"))
}

/// The folders, relative to `root`, that a glob matches, ordered.
fn expand(root: &Path, glob: &str) -> Result<BTreeSet<PathBuf>, Diagnostic> {
    let outside = || {
        Diagnostic::error(
            "outside-app",
            format!("`runtime.domains`: {} leads out of the app", quoted(glob)),
        )
        .hint("write a path relative to the app root, without `..`")
    };
    let mut folders = BTreeSet::from([PathBuf::new()]);
    let mut literal = true;
    for part in Path::new(glob).components() {
        let part = match part {
            Component::CurDir => continue,
            Component::Normal(part) => part.to_str().unwrap_or_default(),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(outside());
            }
        };
        folders = if part == "**" {
            literal = false;
            descendants(root, folders)?
        } else if part.contains(['*', '?', '[', ']', '{', '}', '\\']) {
            literal = false;
            let matcher = matcher(part, glob)?;
            let wants_hidden = part.starts_with('.');
            folders
                .iter()
                .flat_map(|folder| children(root, folder))
                .filter(|path| {
                    path.file_name().is_some_and(|name| {
                        matcher.is_match(name) && (!is_skipped(name) || wants_hidden)
                    })
                })
                .filter(|path| root.join(path).is_dir())
                .collect()
        } else {
            folders
                .into_iter()
                .map(|folder| folder.join(part))
                .filter(|path| root.join(path).is_dir())
                .collect()
        };
        if folders.len() > MAX_DIRS {
            return Err(too_many(glob));
        }
    }
    if folders.remove(Path::new("")) && literal {
        return Err(Diagnostic::error(
            "outside-app",
            format!("`runtime.domains`: {} is the app itself", quoted(glob)),
        )
        .hint("a domain is a folder below the app's, such as `domains/users`"));
    }
    if literal && folders.is_empty() {
        return Err(Diagnostic::error(
            "no-domain",
            format!("`runtime.domains`: there is no folder {}", quoted(glob)),
        )
        .hint("paths are relative to the app root"));
    }
    Ok(folders)
}

fn matcher(part: &str, glob: &str) -> Result<GlobMatcher, Diagnostic> {
    GlobBuilder::new(part)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| {
            Diagnostic::error(
                "invalid-value",
                format!(
                    "`runtime.domains`: {} is no glob: {}",
                    quoted(glob),
                    error.kind()
                ),
            )
            .hint("`*` stands for any name, `**` for any folders, `{a,b}` for either name")
        })
}

fn too_many(glob: &str) -> Diagnostic {
    Diagnostic::error(
        "too-large",
        format!(
            "`runtime.domains`: {} matches more than {MAX_DIRS} folders",
            quoted(glob)
        ),
    )
    .hint("name the folders more closely")
}

/// The folders and all below them; symlinks aren't followed, so that this ends.
fn descendants(root: &Path, folders: BTreeSet<PathBuf>) -> Result<BTreeSet<PathBuf>, Diagnostic> {
    let mut all = folders.clone();
    let mut level: Vec<PathBuf> = folders.into_iter().collect();
    for _ in 0..MAX_DEPTH {
        level = level
            .iter()
            .flat_map(|folder| children(root, folder))
            .filter(|path| path.file_name().is_some_and(|name| !is_skipped(name)))
            .filter(|path| {
                root.join(path)
                    .symlink_metadata()
                    .is_ok_and(|found| found.is_dir())
            })
            .collect();
        all.extend(level.iter().cloned());
        if all.len() > MAX_DIRS {
            return Err(too_many("**"));
        }
    }
    Ok(all)
}

/// What is in a folder. One that can't be read holds nothing that we could start.
fn children(root: &Path, folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(folder.join(entry.ok()?.file_name())))
        .collect()
}
