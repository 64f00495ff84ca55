//! Which files of an app are watched.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{App, Domain, Program};
use fulcrum_watch::{WatchSpec, WatchedDir, WatchedFile};

/// The configuration file of an app and of a domain.
pub(crate) const SETTINGS: &str = "fulcrum.yml";

/// The key of configuration files. No domain has such a name.
pub(crate) const CONFIG_KEY: &str = "/configuration";

/// The key of directories in which domains are discovered.
pub(crate) const DOMAIN_DIRS_KEY: &str = "/domains";

/// The key of the files in which domains report what they have loaded.
pub(crate) const MODULE_REPORTS_KEY: &str = "/modules";

/// The files that each domain has loaded, as far as they are known: by their canonical paths, and by
/// those that lead to them through symbolic links.
pub(crate) type LoadedFiles = BTreeMap<String, Arc<BTreeSet<PathBuf>>>;

/// What is watched for an app:
///
/// - its configuration files, those of its domains, and env files;
/// - the directories of `runtime.domains`, so that a new domain is noticed;
/// - for each domain with a process `process.watch.paths`, except `process.watch.ignore`, which
///   applies to each of the paths; and its entry point, even if that is a build output;
/// - the files that it has loaded, wherever they are, except installed packages;
/// - the directory `module_reports`, in which domains report what those are.
pub(crate) fn build_spec(
    app: &App,
    loaded: &LoadedFiles,
    module_reports: Option<&Path>,
) -> WatchSpec {
    let mut spec = WatchSpec {
        app_root: app.root.clone(),
        ignore: app.runtime.watch.ignore.clone(),
        ..WatchSpec::default()
    };
    spec.dirs
        .extend(module_reports.map(|dir| WatchedDir::new(MODULE_REPORTS_KEY, dir.to_owned())));
    let mut files: BTreeSet<(&str, PathBuf)> = BTreeSet::new();
    files.insert((CONFIG_KEY, app.root.join(SETTINGS)));
    let domain_dirs: BTreeSet<PathBuf> = app
        .runtime
        .domains
        .iter()
        .map(|glob| literal_prefix(&app.root, glob).0)
        .collect();
    spec.dirs.extend(
        domain_dirs
            .into_iter()
            .map(|dir| WatchedDir::new(DOMAIN_DIRS_KEY, dir)),
    );
    for domain in &app.domains {
        files.insert((CONFIG_KEY, domain.dir.join(SETTINGS)));
        if !domain.has_process() {
            continue;
        }
        let env_files = domain.process.env_files.iter();
        files.extend(env_files.map(|file| (CONFIG_KEY, file.path.clone())));
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

/// The `process.watch.paths` of a domain: each as the path to watch, and, for a glob, the pattern
/// that files below it must match.
pub(crate) fn paths(domain: &Domain) -> Vec<(PathBuf, Option<String>)> {
    let paths = domain.process.watch.paths.iter();
    paths
        .map(|path| literal_prefix(&domain.dir, path))
        .collect()
}

/// The part of a glob before its first wildcard, below `base`, and the whole pattern if it has a
/// wildcard.
fn literal_prefix(base: &Path, glob: &str) -> (PathBuf, Option<String>) {
    let mut path = base.to_owned();
    let mut parts = Path::new(glob).components();
    while let Some(part) = parts.next() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(path.pop()),
            Component::Normal(part) if has_wildcard(part) => {
                let mut pattern = globset::escape(&path.to_string_lossy());
                for part in std::iter::once(part).chain(parts.map(Component::as_os_str)) {
                    pattern.push('/');
                    pattern.push_str(&part.to_string_lossy());
                }
                return (path, Some(pattern));
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => path.push(part),
        }
    }
    (path, None)
}

fn has_wildcard(part: &OsStr) -> bool {
    part.to_string_lossy()
        .contains(['*', '?', '[', ']', '{', '}', '\\'])
}

/// Whether a file belongs to an installed package, or to Fulcrum itself. Such files are not edited;
/// `package.json` changes with them.
fn is_installed(path: &Path) -> bool {
    path.components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("node_modules" | ".fulcrum")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::app;

    fn describe(spec: &WatchSpec, root: &Path) -> Vec<String> {
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
    fn the_files_of_a_domain_are_watched() {
        let (dir, app) = app(&[
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
        let root = dir.path().canonicalize().expect("it exists");
        let modules = ["shared/a.js", "node_modules/x/index.js"].map(|path| root.join(path));
        let loaded = [("users".to_owned(), Arc::new(BTreeSet::from(modules)))];
        let spec = build_spec(&app, &BTreeMap::from(loaded), Some(Path::new("/modules")));
        assert_eq!(
            describe(&spec, &root),
            [
                "/modules /modules/",
                "/domains domains/",
                "/domains tools/pay/",
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
