//! Finds the app of a command.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::discover::is_skipped;
use crate::file::{CONFIG_FILE, MISNAMED_CONFIG_FILE, io_error_text};
use crate::interpolate::{References, interpolate};
use crate::node::NodeKind;

const APP_PATH_VAR: &str = "FULCRUM_APP_PATH";
const DEFAULT_DOMAINS: &str = "domains/*";

/// The app's directory, absolute and without symlinks: `app`; otherwise `FULCRUM_APP_PATH`;
/// otherwise the nearest directory from `cwd` upward that contains a `fulcrum.yml` and is not a
/// domain of a directory above it.
///
/// # Errors
/// No app was found, or the given path is none; the hint says what to do.
pub fn find_app_root(
    app: Option<&Path>,
    env: &BTreeMap<String, String>,
    cwd: &Path,
) -> Result<PathBuf, Diagnostic> {
    if let Some(app) = app {
        return explicit_root(&cwd.join(app), "--app");
    }
    if let Some(app) = env.get(APP_PATH_VAR).filter(|app| !app.is_empty()) {
        return explicit_root(&cwd.join(app), APP_PATH_VAR);
    }
    search_upward(env, cwd)
}

/// The app at an explicit path: its directory or its `fulcrum.yml`.
fn explicit_root(path: &Path, source: &str) -> Result<PathBuf, Diagnostic> {
    let quoted_path = quoted(&path.to_string_lossy());
    let no_app = |message: String| Diagnostic::error(Code::NoApp, message);
    let found = path.canonicalize().map_err(|error| {
        no_app(format!(
            "{source}: {quoted_path} cannot be used as the app: {}",
            io_error_text(&error)
        ))
        .hint("use the directory that contains the app's `fulcrum.yml`")
    })?;
    let root = match (found.is_dir(), path.file_name()) {
        (true, _) => found,
        // The directory of the given path, not of a symlink's target.
        (false, Some(name)) if name == CONFIG_FILE => path
            .parent()
            .and_then(|parent| parent.canonicalize().ok())
            .ok_or_else(|| no_app(format!("{source}: {quoted_path} has no directory")))?,
        (false, _) => {
            return Err(
                no_app(format!("{source}: {quoted_path} is not a directory"))
                    .hint("use the directory that contains the app's `fulcrum.yml`"),
            );
        }
    };
    if root.join(CONFIG_FILE).is_file() {
        return Ok(root);
    }
    if root.join(MISNAMED_CONFIG_FILE).is_file() {
        return Err(misnamed_file(&root));
    }
    Err(no_app(format!(
        "{source}: {quoted_path} contains no `{CONFIG_FILE}`"
    ))
    .hint(format!(
        "create `{}` (it may be empty)",
        root.join(CONFIG_FILE).display()
    )))
}

fn search_upward(env: &BTreeMap<String, String>, cwd: &Path) -> Result<PathBuf, Diagnostic> {
    let start = cwd.canonicalize().map_err(|error| {
        Diagnostic::error(
            Code::NoApp,
            format!(
                "the working directory {} cannot be used: {}",
                quoted(&cwd.to_string_lossy()),
                io_error_text(&error)
            ),
        )
        .hint("change to an existing directory, or set the app with `--app`")
    })?;
    for dir in start.ancestors() {
        let contains = |name: &str| dir.join(name).is_file();
        if contains(CONFIG_FILE) {
            if !is_domain_of_an_ancestor(dir, env) {
                return Ok(dir.to_owned());
            }
        } else if contains(MISNAMED_CONFIG_FILE) && !is_domain_of_an_ancestor(dir, env) {
            return Err(misnamed_file(dir));
        }
    }
    Err(Diagnostic::error(
        Code::NoApp,
        format!("no `{CONFIG_FILE}` in {} or any parent directory", quoted(&start.to_string_lossy())),
    )
    .hint(format!(
        "create `{CONFIG_FILE}` in the app's directory (it may be empty), or set the app with `--app PATH` or {APP_PATH_VAR}"
    )))
}

fn misnamed_file(dir: &Path) -> Diagnostic {
    Diagnostic::error(
        Code::MisspeltFile,
        format!("the app's file must be named `{CONFIG_FILE}`, not `{MISNAMED_CONFIG_FILE}`"),
    )
    .in_file(dir.join(MISNAMED_CONFIG_FILE))
    .hint(format!(
        "rename it: `mv {MISNAMED_CONFIG_FILE} {CONFIG_FILE}`"
    ))
}

fn is_domain_of_an_ancestor(dir: &Path, env: &BTreeMap<String, String>) -> bool {
    dir.ancestors().skip(1).any(|ancestor| {
        ancestor.join(CONFIG_FILE).is_file()
            && dir.strip_prefix(ancestor).is_ok_and(|relative| {
                domain_globs(ancestor, env)
                    .iter()
                    .any(|glob| is_match(glob, relative))
            })
    })
}

/// The globs in an app's file. Its errors are ignored here and reported when it is loaded.
fn domain_globs(app: &Path, env: &BTreeMap<String, String>) -> Vec<String> {
    let mut diagnostics = Vec::new();
    let file = app.join(CONFIG_FILE);
    let config = crate::file::read_config(&file, &file, "runtime", &mut diagnostics);
    let domains = config
        .as_ref()
        .and_then(|root| root.get("runtime")?.value.get("domains"));
    let texts: Vec<&str> = match domains.map(|entry| &entry.value.value) {
        Some(NodeKind::Scalar { text, .. }) => vec![text],
        Some(NodeKind::Sequence(items)) => items
            .iter()
            .filter_map(|item| match &item.value {
                NodeKind::Scalar { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect(),
        _ => vec![DEFAULT_DOMAINS],
    };
    let references = References {
        env,
        ports: &BTreeMap::new(),
    };
    texts
        .into_iter()
        .filter_map(|text| Some(interpolate(text, references).ok()?.text))
        .collect()
}

fn is_match(glob: &str, relative: &Path) -> bool {
    let skipped = relative.components().any(|part| match part {
        Component::Normal(name) => is_skipped(name) && !glob.contains(&*name.to_string_lossy()),
        _ => true,
    });
    let glob = glob.trim_start_matches("./").trim_end_matches('/');
    !skipped
        && GlobBuilder::new(glob)
            .literal_separator(true)
            .build()
            .is_ok_and(|glob| glob.compile_matcher().is_match(relative))
}
