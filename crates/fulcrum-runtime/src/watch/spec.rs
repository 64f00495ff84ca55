//! What is watched for an app.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{App, Domain, Program};
use fulcrum_watch::{WatchSpec, WatchedDir, WatchedFile};

/// The file that holds settings, of an app and of a domain.
pub(crate) const SETTINGS: &str = "fulcrum.yml";

/// Told of files that settings are read from. No domain has such a name.
pub(crate) const CONFIG_KEY: &str = "/configuration";

/// Told of all that happens where domains may come and go.
pub(crate) const DOMAIN_DIRS_KEY: &str = "/place";

/// Told of the files in which domains tell what they have loaded.
pub(crate) const MODULE_REPORTS_KEY: &str = "/told";

/// The code that domains have loaded, as far as it is known, by domain.
pub(crate) type Loaded = BTreeMap<String, Arc<BTreeSet<PathBuf>>>;

/// What is watched for an app:
///
/// - its settings, those of its domains, and the files of variables;
/// - the folders that `runtime.domains` looks into, so that a new domain is seen;
/// - for each domain with a process `process.watch.paths`, less `process.watch.ignore`, which holds
///   in each of the paths; and its entry, even where it is a built file;
/// - the files that it has loaded, wherever they are, but for installed packages;
/// - the folder `told`, in which domains tell what those are.
pub(crate) fn patterns(app: &App, loaded: &Loaded, told: Option<&Path>) -> WatchSpec {
    let mut spec = WatchSpec {
        app_root: app.root.clone(),
        ignore: app.runtime.watch.ignore.clone(),
        ..WatchSpec::default()
    };
    spec.dirs
        .extend(told.map(|folder| WatchedDir::new(MODULE_REPORTS_KEY, folder.to_owned())));
    let mut files: BTreeSet<(&str, PathBuf)> = BTreeSet::new();
    files.insert((CONFIG_KEY, app.root.join(SETTINGS)));
    let places: BTreeSet<PathBuf> = app
        .runtime
        .domains
        .iter()
        .map(|glob| literal_prefix(&app.root, glob).0)
        .collect();
    spec.dirs.extend(
        places
            .into_iter()
            .map(|place| WatchedDir::new(DOMAIN_DIRS_KEY, place)),
    );
    for domain in &app.domains {
        files.insert((CONFIG_KEY, domain.dir.join(SETTINGS)));
        if !domain.has_process() {
            continue;
        }
        let variables = domain.process.env_files.iter().cloned();
        files.extend(variables.map(|file| (CONFIG_KEY, file)));
        for (path, _) in paths(domain) {
            if path.is_file() {
                files.insert((&domain.name, path));
            } else {
                spec.dirs.push(WatchedDir {
                    ignore: domain.process.watch.ignore.clone(),
                    ..WatchedDir::new(domain.name.as_str(), path)
                });
            }
        }
        if let Program::Node { entry } = &domain.program {
            files.insert((&domain.name, entry.clone()));
        }
        let modules = loaded
            .get(&domain.name)
            .into_iter()
            .flat_map(|set| set.iter());
        let modules = modules.filter(|path| !is_installed(path));
        files.extend(modules.map(|path| (domain.name.as_str(), path.clone())));
    }
    let files = files.into_iter();
    spec.files = files
        .map(|(key, path)| WatchedFile::new(key, path))
        .collect();
    spec
}

/// A domain's `process.watch.paths`: each as the path that is watched, and the glob that files in
/// it must match, if it is one.
pub(crate) fn paths(domain: &Domain) -> Vec<(PathBuf, Option<String>)> {
    let paths = domain.process.watch.paths.iter();
    paths
        .map(|path| literal_prefix(&domain.dir, path))
        .collect()
}

/// The part of a glob before its first wildcard, below `base`; and the whole as a glob, if it has
/// one.
fn literal_prefix(base: &Path, glob: &str) -> (PathBuf, Option<String>) {
    let mut path = base.to_owned();
    let mut parts = Path::new(glob).components();
    while let Some(part) = parts.next() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(path.pop()),
            Component::Normal(part) if is_wild(part) => {
                let mut whole = globset::escape(&path.to_string_lossy());
                for part in std::iter::once(part).chain(parts.map(Component::as_os_str)) {
                    whole.push('/');
                    whole.push_str(&part.to_string_lossy());
                }
                return (path, Some(whole));
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => path.push(part),
        }
    }
    (path, None)
}

fn is_wild(part: &OsStr) -> bool {
    part.to_string_lossy()
        .contains(['*', '?', '[', ']', '{', '}', '\\'])
}

/// Whether a file belongs to an installed package, or to Fulcrum itself: nobody edits it, and what
/// changes it is told by `package.json` and the lock file.
fn is_installed(path: &Path) -> bool {
    path.components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("node_modules" | ".fulcrum")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::classify::tests::app;

    fn shown(spec: &WatchSpec, root: &Path) -> Vec<String> {
        let relative = |path: &Path| {
            let path = path.strip_prefix(root).unwrap_or(path);
            path.display().to_string()
        };
        let trees = spec.dirs.iter();
        let trees = trees.map(|tree| format!("{} {}/", tree.key, relative(&tree.root)));
        let files = spec.files.iter();
        let files = files.map(|file| format!("{} {}", file.key, relative(&file.path)));
        trees.chain(files).collect()
    }

    #[test]
    fn what_makes_a_domain_is_watched() {
        let (folder, app) = app(&[
            (
                "fulcrum.yml",
                "runtime: {domains: [domains/*, tools/pay], watch: {ignore: [tmp]}}",
            ),
            ("domains/users/domain.js", ""),
            (
                "domains/users/fulcrum.yml",
                "process: {env_file: .env, watch: {paths: [src, ../../shared, \"etc/*.toml\", a.key], ignore: [gen]}}",
            ),
            ("domains/users/.env", "A=1"),
            ("domains/users/a.key", ""),
            ("tools/pay/fulcrum.yml", ""),
        ]);
        let root = folder.path().canonicalize().expect("it is there");
        let modules = ["shared/a.js", "node_modules/x/index.js"].map(|path| root.join(path));
        let loaded = [("users".to_owned(), Arc::new(BTreeSet::from(modules)))];
        let spec = patterns(&app, &BTreeMap::from(loaded), Some(Path::new("/told")));
        assert_eq!(
            shown(&spec, &root),
            [
                "/told /told/",
                "/place domains/",
                "/place tools/pay/",
                "users domains/users/src/",
                "users shared/",
                "users domains/users/etc/",
                "/configuration domains/users/.env",
                "/configuration domains/users/fulcrum.yml",
                "/configuration fulcrum.yml",
                "/configuration tools/pay/fulcrum.yml",
                "users domains/users/a.key",
                "users domains/users/domain.js",
                "users shared/a.js",
            ]
        );
        assert_eq!(spec.ignore, ["tmp"]);
        assert_eq!(spec.dirs[3].ignore, ["gen"]);
        assert_eq!(spec.dirs[0].ignore, Vec::<String>::new());
    }
}
