//! The scripts of a `package.json`, and of the packages of its workspaces.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::program;
use super::source::Source;
use super::text::{Dollars, convert};
use super::translation::Translation;
use super::words::{self, CommandLine};
use crate::diagnostic::{Diagnostic, quoted};
use crate::discover;
use crate::node::Position;
use crate::yaml_value::{self, parse_yaml_value};

/// The scripts that run an app, the first of a package being used.
const SCRIPTS: [&str; 4] = ["dev", "start", "serve", "develop"];

/// A package with a script that runs it.
struct Package {
    name: String,
    dir: PathBuf,
    script: &'static str,
    text: String,
    /// It has another script that npm runs before or after.
    has_hooks: bool,
}

/// Translates the package, or the packages of its workspaces.
pub(super) fn translate(source: &Source, translation: &mut Translation) -> Result<(), Diagnostic> {
    let root = source.root()?;
    let manifest = yaml_value::value(root);
    let dir = translation.dir.clone();
    let manager = package_manager(&manifest, &dir);
    let mut packages = Vec::new();
    for member in members(&manifest, &dir) {
        let text = std::fs::read_to_string(dir.join(&member).join("package.json"));
        let Ok(manifest) = serde_json::from_str::<Value>(&text.unwrap_or_default()) else {
            continue;
        };
        packages.extend(package(&manifest, &dir.join(&member)));
    }
    let own = package(&manifest, &dir);
    let position = root
        .get("scripts")
        .map_or_else(Position::default, |scripts| scripts.position);
    match own {
        Some(own) if packages.is_empty() => packages.push(own),
        Some(own) => translation.note(
            position,
            format!(
                "the script {} of the workspace's root is not carried over: its packages have scripts \
                 of their own",
                quoted(own.script)
            ),
            "Fulcrum starts them together",
        ),
        None => {}
    }
    for package in packages {
        add(translation, package, manager, position);
    }
    Ok(())
}

fn package(manifest: &Value, dir: &Path) -> Option<Package> {
    let scripts = manifest.get("scripts")?;
    let script = SCRIPTS.iter().find(|name| scripts.get(**name).is_some())?;
    let has_hooks = ["pre", "post"]
        .iter()
        .any(|hook| scripts.get(format!("{hook}{script}")).is_some());
    let fallback = dir.file_name().unwrap_or_default().to_string_lossy();
    let name = manifest.get("name").and_then(Value::as_str);
    // The scope says whose it is, which is the same for all.
    let name = name.map(|name| name.rsplit('/').next().unwrap_or(name));
    Some(Package {
        name: name
            .filter(|name| !name.is_empty())
            .unwrap_or(&fallback)
            .to_owned(),
        dir: dir.to_owned(),
        script,
        text: scripts.get(*script)?.as_str()?.to_owned(),
        has_hooks,
    })
}

fn add(translation: &mut Translation, package: Package, manager: &str, position: Position) {
    let mut draft = translation.draft(&package.name, position);
    draft.cwd = package.dir;
    let (env, line) = words::parse(&package.text);
    if let CommandLine::Words(words) = &line
        && !package.has_hooks
    {
        program::set_words(translation, &mut draft, words, Dollars::Literal);
        if draft.get("entry").is_some() {
            for (name, value) in env {
                draft.set_env(&name, convert(&value, Dollars::Literal));
            }
            translation.drafts.push(draft);
            return;
        }
    }
    draft.set("command", vec![manager, "run", package.script]);
    translation.drafts.push(draft);
}

/// The program that runs scripts, with the app's own tools in `PATH`.
fn package_manager(manifest: &Value, dir: &Path) -> &'static str {
    let named = manifest.get("packageManager").and_then(Value::as_str);
    let named = named.and_then(|text| text.split('@').next());
    for (manager, files) in [
        ("pnpm", &["pnpm-lock.yaml", "pnpm-workspace.yaml"][..]),
        ("yarn", &["yarn.lock"]),
        ("bun", &["bun.lock", "bun.lockb"]),
    ] {
        let has_lock = files.iter().any(|file| dir.join(file).is_file());
        if named.map_or(has_lock, |named| named == manager) {
            return manager;
        }
    }
    "npm"
}

/// The directories of the workspace, relative to the package.
fn members(manifest: &Value, dir: &Path) -> Vec<PathBuf> {
    let workspaces = manifest.get("workspaces");
    let listed = workspaces.map(|found| found.get("packages").unwrap_or(found));
    let pnpm = std::fs::read_to_string(dir.join("pnpm-workspace.yaml"));
    let pnpm = pnpm.ok().and_then(|text| parse_yaml_value(&text));
    let pnpm = pnpm.as_ref().and_then(|pnpm| pnpm.get("packages"));
    let globs: Vec<&str> = [listed, pnpm]
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut found = Vec::new();
    for glob in globs.iter().filter(|glob| !glob.starts_with('!')) {
        let dirs = discover::expand(dir, glob.trim_end_matches('/')).unwrap_or_default();
        found.extend(
            dirs.into_iter()
                .filter(|dir| !found.contains(dir))
                .collect::<Vec<_>>(),
        );
    }
    for glob in globs.iter().filter_map(|glob| glob.strip_prefix('!')) {
        let dirs = discover::expand(dir, glob.trim_end_matches('/')).unwrap_or_default();
        found.retain(|dir| !dirs.contains(dir));
    }
    found
}
