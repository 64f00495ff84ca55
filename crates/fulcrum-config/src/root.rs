//! Finds the app that a command is about.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;

use crate::diagnostic::{Diagnostic, quoted};
use crate::discover::is_skipped;
use crate::file::{CONFIG_FILE, MISNAMED_CONFIG_FILE, io_error_text};
use crate::interpolate::interpolate;
use crate::node::NodeKind;

const APP_PATH_VAR: &str = "FULCRUM_APP_PATH";
const DEFAULT_DOMAINS: &str = "domains/*";

/// The app's folder, absolute and without symlinks: `app`, else `FULCRUM_APP_PATH`, else the
/// nearest folder from `cwd` upward that holds a `fulcrum.yml` and isn't itself a domain of a
/// folder above it.
///
/// # Errors
/// One finding that says where it looked and what to do.
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

/// The app that somebody named: its folder or its `fulcrum.yml`.
fn explicit_root(path: &Path, by: &str) -> Result<PathBuf, Diagnostic> {
    let shown = quoted(&path.to_string_lossy());
    let bad = |message: String| Diagnostic::error("no-app", message);
    let found = path.canonicalize().map_err(|error| {
        bad(format!(
            "{by}: {shown} can't be used as the app: {}",
            io_error_text(&error)
        ))
        .hint("name the folder that holds the app's `fulcrum.yml`")
    })?;
    let root = match (found.is_dir(), path.file_name()) {
        (true, _) => found,
        // The folder of the name given, not of what a symlink may lead to.
        (false, Some(name)) if name == CONFIG_FILE => path
            .parent()
            .and_then(|parent| parent.canonicalize().ok())
            .ok_or_else(|| bad(format!("{by}: {shown} has no folder")))?,
        (false, _) => {
            return Err(bad(format!("{by}: {shown} is no folder"))
                .hint("name the folder that holds the app's `fulcrum.yml`"));
        }
    };
    if root.join(CONFIG_FILE).is_file() {
        return Ok(root);
    }
    if root.join(MISNAMED_CONFIG_FILE).is_file() {
        return Err(misnamed_file(&root));
    }
    Err(
        bad(format!("{by}: {shown} holds no `{CONFIG_FILE}`")).hint(format!(
            "create `{}`; an empty one will do",
            root.join(CONFIG_FILE).display()
        )),
    )
}

fn search_upward(env: &BTreeMap<String, String>, cwd: &Path) -> Result<PathBuf, Diagnostic> {
    let start = cwd.canonicalize().map_err(|error| {
        Diagnostic::error(
            "no-app",
            format!(
                "the working directory {} can't be used: {}",
                quoted(&cwd.to_string_lossy()),
                io_error_text(&error)
            ),
        )
        .hint("change to a folder that exists, or name the app with `--app`")
    })?;
    for folder in start.ancestors() {
        let has = |name: &str| folder.join(name).is_file();
        if has(CONFIG_FILE) {
            if !is_domain_of_any_above(folder, env) {
                return Ok(folder.to_owned());
            }
        } else if has(MISNAMED_CONFIG_FILE) && !is_domain_of_any_above(folder, env) {
            return Err(misnamed_file(folder));
        }
    }
    Err(Diagnostic::error(
        "no-app",
        format!("no `{CONFIG_FILE}` in {} or in any folder above it", quoted(&start.to_string_lossy())),
    )
    .hint(format!(
        "create `{CONFIG_FILE}` in the app's folder (an empty one will do), or name the app with `--app PATH` or {APP_PATH_VAR}"
    )))
}

fn misnamed_file(folder: &Path) -> Diagnostic {
    Diagnostic::error(
        "misspelt-file",
        format!("the app's file must be named `{CONFIG_FILE}`, not `{MISNAMED_CONFIG_FILE}`"),
    )
    .in_file(folder.join(MISNAMED_CONFIG_FILE))
    .hint(format!(
        "rename it: `mv {MISNAMED_CONFIG_FILE} {CONFIG_FILE}`"
    ))
}

fn is_domain_of_any_above(folder: &Path, env: &BTreeMap<String, String>) -> bool {
    folder.ancestors().skip(1).any(|above| {
        above.join(CONFIG_FILE).is_file()
            && folder.strip_prefix(above).is_ok_and(|below| {
                domain_globs(above, env)
                    .iter()
                    .any(|glob| is_match(glob, below))
            })
    })
}

/// The globs that an app's file names, read leniently: its mistakes are told when it is loaded.
fn domain_globs(app: &Path, env: &BTreeMap<String, String>) -> Vec<String> {
    let mut problems = Vec::new();
    let file = app.join(CONFIG_FILE);
    let config = crate::file::read_config(&file, &file, "runtime", &mut problems);
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
    texts
        .into_iter()
        .filter_map(|text| interpolate(text, env).ok())
        .collect()
}

fn is_match(glob: &str, below: &Path) -> bool {
    let skipped = below.components().any(|part| match part {
        Component::Normal(name) => is_skipped(name) && !glob.contains(&*name.to_string_lossy()),
        _ => true,
    });
    let glob = glob.trim_start_matches("./").trim_end_matches('/');
    !skipped
        && GlobBuilder::new(glob)
            .literal_separator(true)
            .build()
            .is_ok_and(|glob| glob.compile_matcher().is_match(below))
}
