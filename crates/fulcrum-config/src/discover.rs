//! Finds the domains of an app: the directories that `runtime.domains` matches and that contain a
//! `fulcrum.yml` or an entry point.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::discovered::{DiscoveredDomain, Discovery};
use crate::entry_point;
use crate::file::{CONFIG_FILE, MISNAMED_CONFIG_FILE, io_error_text};
use crate::setting::Origin;

/// Names with a meaning of their own on the command line.
const RESERVED: &[&str] = &["all", "fulcrum"];
const MAX_NAME_LEN: usize = 63;
/// The largest number of directories that a glob may match, which stops a glob that would scan a
/// whole disk.
const MAX_DIRS: usize = 20_000;
const MAX_DEPTH: usize = 16;

/// Whether globs skip a directory of that name.
pub(crate) fn is_skipped(name: &OsStr) -> bool {
    name == "node_modules" || name.as_encoded_bytes().starts_with(b".")
}

/// Finds the domains that `globs` match under `root`, which is canonical.
pub(crate) fn discover(
    root: &Path,
    globs: &[String],
    origin: &Origin,
    diagnostics: &mut Vec<Diagnostic>,
) -> Discovery {
    let mut discovery = Discovery::default();
    let mut dirs = BTreeSet::new();
    for glob in globs {
        let at = |diagnostic: Diagnostic| {
            Diagnostic {
                message: format!("{}{}", origin.prefix(), diagnostic.message),
                ..diagnostic
            }
            .at(origin.location())
        };
        match expand(root, glob) {
            Ok(found) if found.is_empty() && *origin != Origin::Default => diagnostics.push(at(Diagnostic::warning(
                Code::NoMatch,
                format!("`runtime.domains`: {} matches no directory", quoted(glob)),
            )
            .hint(escape_hint(root, glob).unwrap_or_else(|| {
                "globs are relative to the app root; hidden directories and node_modules are skipped"
                    .to_owned()
            })))),
            Ok(found) => dirs.extend(found),
            Err(diagnostic) => diagnostics.push(at(diagnostic)),
        }
    }
    for display_path in dirs {
        classify_dir(root, display_path, globs, &mut discovery, diagnostics);
    }
    discovery
}

/// Adds a matched directory as a domain, rejects it, or skips it.
fn classify_dir(
    root: &Path,
    display_path: PathBuf,
    globs: &[String],
    discovery: &mut Discovery,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let dir = root.join(&display_path);
    let exists = |name: &str| dir.join(name).symlink_metadata().is_ok();
    let entries = entry_point::NAMES.iter().copied();
    let entries: Vec<_> = entries.filter(|name| exists(name)).collect();
    let config = exists(CONFIG_FILE);
    let is_misnamed = exists(MISNAMED_CONFIG_FILE);
    if is_misnamed && !config {
        diagnostics.push(misnamed_file(&display_path));
    }
    if entries.is_empty() && !config {
        let is_literal = |glob: &String| Path::new(glob.trim_start_matches("./")) == display_path;
        if globs.iter().any(is_literal) && !is_misnamed {
            diagnostics.push(no_domain(display_path));
        }
        return;
    }
    let name = display_path.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let same_name = |other: &&DiscoveredDomain| other.name.eq_ignore_ascii_case(&name);
    let error = check_dir(root, &dir, &name).or_else(|| {
        let other = discovery.domains.values().find(same_name)?;
        Some(duplicate_name(&name, other))
    });
    if let Some(error) = error {
        diagnostics.push(error.in_file(display_path));
        discovery.rejected.insert(name);
        return;
    }
    let found = DiscoveredDomain {
        name: name.clone(),
        display_path,
        entries,
        config,
    };
    discovery.domains.insert(name, found);
}

fn misnamed_file(dir: &Path) -> Diagnostic {
    Diagnostic::warning(
        Code::MisspeltFile,
        format!("is ignored: a domain's file must be named `{CONFIG_FILE}`"),
    )
    .in_file(dir.join(MISNAMED_CONFIG_FILE))
    .hint(format!("rename it to `{CONFIG_FILE}`"))
}

fn no_domain(dir: PathBuf) -> Diagnostic {
    let message = format!(
        "is listed in `runtime.domains` but contains neither a `{CONFIG_FILE}` nor an entry point"
    );
    let names = entry_point::NAMES.join(", ");
    Diagnostic::error(Code::NoDomain, message)
        .in_file(dir)
        .hint(format!("an entry point is one of {names}"))
}

/// Why a directory cannot be a domain, by its path and name.
fn check_dir(root: &Path, dir: &Path, name: &str) -> Option<Diagnostic> {
    match dir.canonicalize() {
        Ok(real) if !real.starts_with(root) => Some(
            Diagnostic::error(
                Code::OutsideApp,
                format!("is outside the app, at {}", quoted(&real.to_string_lossy())),
            )
            .hint("move it into the app, or use a directory further up as the app"),
        ),
        Ok(real) if real == root => Some(
            Diagnostic::error(Code::OutsideApp, "is the app itself")
                .hint("list directories below it"),
        ),
        Ok(_) => check_name(name),
        Err(error) => Some(Diagnostic::error(
            Code::UnreadableFile,
            format!("cannot be used: {}", io_error_text(&error)),
        )),
    }
}

/// Names must differ in more than case.
fn duplicate_name(name: &str, other: &DiscoveredDomain) -> Diagnostic {
    let path = quoted(&other.display_path.to_string_lossy());
    let message = if other.name == name {
        format!("the domain {} is also in {path}", quoted(name))
    } else {
        let (name, other) = (quoted(name), quoted(&other.name));
        format!("the domains {name} and {other} (in {path}) differ only in case")
    };
    Diagnostic::error(Code::DuplicateName, message)
        .hint("rename one of the two directories: a domain is named after its directory")
}

/// Checks the name of a domain that is to be created.
///
/// # Errors
/// What is wrong with it, and a similar name that is valid as the hint.
pub fn check_domain_name(name: &str) -> Result<(), Diagnostic> {
    let Some(diagnostic) = check_name(name) else {
        return Ok(());
    };
    let suggestion = plain_name(name);
    let such_as = match suggestion.as_str() {
        "" => "users",
        other if check_name(other).is_some() => "users",
        other => other,
    };
    Err(Diagnostic {
        hint: Some(format!(
            "use up to {MAX_NAME_LEN} letters (A-Z, a-z), digits, `-` and `_`, starting with a letter \
             or digit, such as {}",
            quoted(such_as)
        )),
        ..diagnostic
    })
}

pub(crate) fn check_name(name: &str) -> Option<Diagnostic> {
    let is_valid = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= MAX_NAME_LEN
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !is_valid {
        return Some(bad_name(name));
    }
    let reserved = RESERVED
        .iter()
        .find(|word| name.eq_ignore_ascii_case(word))?;
    Some(
        Diagnostic::error(
            Code::ReservedName,
            format!("`{reserved}` is reserved and cannot be a domain name"),
        )
        .hint("rename the directory"),
    )
}

/// Which characters are wrong, and a name that is valid.
fn bad_name(name: &str) -> Diagnostic {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut wrong: Vec<String> = Vec::new();
    for c in name.chars().filter(|c| !is_allowed(*c)) {
        let c = match c {
            ' ' => "a space".to_owned(),
            c => quoted(&c.to_string()),
        };
        if !wrong.contains(&c) {
            wrong.push(c);
        }
    }
    let why = if !wrong.is_empty() {
        format!(": it contains {}", wrong.join(", "))
    } else if name.len() > MAX_NAME_LEN {
        format!(": it has more than {MAX_NAME_LEN} characters")
    } else {
        ": it does not start with a letter or digit".to_owned()
    };
    let suggestion = plain_name(name);
    let to = if suggestion.is_empty() {
        String::new()
    } else {
        format!(" to {}", quoted(&suggestion))
    };
    Diagnostic::error(
        Code::BadName,
        format!("{} is not a valid domain name{why}", quoted(name)),
    )
    .hint(format!(
        "rename the directory{to}: up to {MAX_NAME_LEN} letters (A-Z, a-z), digits, `-` and `_`, \
         starting with a letter or digit"
    ))
}

/// The name with other characters replaced; empty if none is left.
pub(crate) fn plain_name(name: &str) -> String {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain: String = name
        .chars()
        .map(|c| if is_allowed(c) { c } else { '-' })
        .collect();
    plain
        .split('-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .trim_matches(['_', '-'])
        .chars()
        .take(MAX_NAME_LEN)
        .collect()
}

/// The hint for a glob that names a directory with brackets or braces in its name.
fn escape_hint(root: &Path, glob: &str) -> Option<String> {
    if !glob.contains(['[', ']', '{', '}', '?']) || !root.join(glob).is_dir() {
        return None;
    }
    let escaped: String = glob
        .chars()
        .flat_map(|c| {
            let special = matches!(c, '[' | ']' | '{' | '}' | '?');
            special.then_some('\\').into_iter().chain([c])
        })
        .collect();
    Some(format!(
        "`[`, `]`, `{{`, `}}` and `?` have a meaning in globs; for the directory of that name write {}",
        quoted(&escaped)
    ))
}

/// The directories, relative to `root`, that a glob matches.
pub(crate) fn expand(root: &Path, glob: &str) -> Result<BTreeSet<PathBuf>, Diagnostic> {
    let outside = || {
        Diagnostic::error(
            Code::OutsideApp,
            format!("`runtime.domains`: {} is outside the app", quoted(glob)),
        )
        .hint("write a path relative to the app root, without `..`")
    };
    let mut dirs = BTreeSet::from([PathBuf::new()]);
    let mut literal = true;
    for part in Path::new(glob).components() {
        let part = match part {
            Component::CurDir => continue,
            Component::Normal(part) => part.to_str().unwrap_or_default(),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(outside());
            }
        };
        dirs = if part == "**" {
            literal = false;
            descendants(root, dirs)?
        } else if part.contains(['*', '?', '[', ']', '{', '}', '\\']) {
            literal = false;
            let matcher = matcher(root, part, glob)?;
            let matches_hidden = part.starts_with('.');
            dirs.iter()
                .flat_map(|dir| children(root, dir))
                .filter(|path| {
                    path.file_name().is_some_and(|name| {
                        matcher.is_match(name) && (!is_skipped(name) || matches_hidden)
                    })
                })
                .filter(|path| root.join(path).is_dir())
                .collect()
        } else {
            dirs.into_iter()
                .map(|dir| dir.join(part))
                .filter(|path| root.join(path).is_dir())
                .collect()
        };
        if dirs.len() > MAX_DIRS {
            return Err(too_many(glob));
        }
    }
    if dirs.remove(Path::new("")) && literal {
        return Err(Diagnostic::error(
            Code::OutsideApp,
            format!("`runtime.domains`: {} is the app itself", quoted(glob)),
        )
        .hint("a domain is a directory below the app's, such as `domains/users`"));
    }
    if literal && dirs.is_empty() {
        return Err(Diagnostic::error(
            Code::NoDomain,
            format!("`runtime.domains`: no such directory: {}", quoted(glob)),
        )
        .hint("paths are relative to the app root"));
    }
    Ok(dirs)
}

fn matcher(root: &Path, part: &str, glob: &str) -> Result<GlobMatcher, Diagnostic> {
    GlobBuilder::new(part)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| {
            Diagnostic::error(
                Code::InvalidValue,
                format!(
                    "`runtime.domains`: {} is not a valid glob: {}",
                    quoted(glob),
                    error.kind()
                ),
            )
            .hint(escape_hint(root, glob).unwrap_or_else(|| {
                "`*` matches any name, `**` any directories, `{a,b}` either name; a bracket that is \
                 part of a name is `\\[`"
                    .to_owned()
            }))
        })
}

fn too_many(glob: &str) -> Diagnostic {
    Diagnostic::error(
        Code::TooLarge,
        format!(
            "`runtime.domains`: {} matches more than {MAX_DIRS} directories",
            quoted(glob)
        ),
    )
    .hint("use a more specific glob")
}

/// The directories and all below them. Symlinks are not followed, so that the search ends.
fn descendants(root: &Path, dirs: BTreeSet<PathBuf>) -> Result<BTreeSet<PathBuf>, Diagnostic> {
    let mut all = dirs.clone();
    let mut level: Vec<PathBuf> = dirs.into_iter().collect();
    for _ in 0..MAX_DEPTH {
        level = level
            .iter()
            .flat_map(|dir| children(root, dir))
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

/// The entries of a directory; none if it cannot be read.
fn children(root: &Path, dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(root.join(dir))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(dir.join(entry.ok()?.file_name())))
        .collect()
}
