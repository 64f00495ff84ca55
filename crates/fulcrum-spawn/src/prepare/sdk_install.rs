//! Making `@fulcrum/domain` and `fulcrum` resolvable for every domain of an app.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::temp_path_next_to;
use super::sdk::{MARKER_KEY, PACKAGE, Sdk, install_dir_atomically, is_complete};

/// Where domains find the SDK.
#[derive(Debug)]
pub enum SdkLocation {
    /// In the app's `node_modules`, by Node's own rules: no loader hook is needed, and editors find
    /// the types. It is ours or one of the user's own.
    InNodeModules,
    /// The app's folder can't be written, for this reason: the bootstrap is given this copy.
    Fallback(PathBuf, io::Error),
}

impl Sdk {
    /// Puts the package into `<app_root>/node_modules/@fulcrum/domain`, and `fulcrum` beside it as
    /// a link to it, so that both are the same classes.
    ///
    /// What is right already costs a few file lookups. Ours is replaced when it is of another
    /// version and put back when an install has pruned it; a package of the user's own under these
    /// names is left alone. Two instances may do this at once.
    pub fn provide(&self, app_root: &Path, cache: &Path) -> SdkLocation {
        let placed = self.install_into(&app_root.join("node_modules"));
        match placed {
            Ok(()) => SdkLocation::InNodeModules,
            Err(error) => match self.folder(cache) {
                Ok(folder) => SdkLocation::Fallback(folder, error),
                // Then the bootstrap isn't there either, and that is what the start fails with.
                Err(second) => SdkLocation::Fallback(cache.to_path_buf(), second),
            },
        }
    }

    /// Whether what stands in the app's `node_modules` is this very package, and not the user's.
    pub(super) fn is_placed(&self, app_root: &Path) -> bool {
        owner(&app_root.join("node_modules").join(PACKAGE))
            .is_ok_and(|owner| owner == PackageOwner::Fulcrum(self.hash().to_owned()))
    }

    fn install_into(&self, modules: &Path) -> io::Result<()> {
        let package = modules.join(PACKAGE);
        if owner(&package)? != PackageOwner::User {
            let files: Vec<_> = self.package_files().collect();
            let current = is_complete(&package, &files)
                && owner(&package)? == PackageOwner::Fulcrum(self.hash().to_owned());
            if !current {
                fs::create_dir_all(modules.join("@fulcrum"))?;
                install_dir_atomically(&package, &files)?;
            }
        }
        link(&modules.join("fulcrum"), Path::new("@fulcrum/domain"))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum PackageOwner {
    Missing,
    User,
    /// With the hash of its files.
    Fulcrum(String),
}

/// Whose package a folder is. A link is the user's: a workspace's own package is one.
fn owner(package: &Path) -> io::Result<PackageOwner> {
    match fs::symlink_metadata(package) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Ok(PackageOwner::User),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PackageOwner::Missing),
        Err(error) => return Err(error),
    }
    let manifest = match fs::read(package.join("package.json")) {
        Ok(text) => serde_json::from_slice::<Value>(&text).unwrap_or_default(),
        // Without one it is no package: leftovers of an interrupted install.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PackageOwner::Missing),
        Err(error) => return Err(error),
    };
    let mark = manifest.get(MARKER_KEY).and_then(Value::as_str);
    Ok(mark.map_or(PackageOwner::User, |hash| {
        PackageOwner::Fulcrum(hash.to_owned())
    }))
}

/// Makes `name` a relative link to `target` unless something is there already.
fn link(name: &Path, target: &Path) -> io::Result<()> {
    match fs::symlink_metadata(name) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let temporary = temp_path_next_to(name);
    symlink(target, &temporary)?;
    let linked = fs::rename(&temporary, name);
    let _ = fs::remove_file(&temporary);
    linked
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn sdk(version: &str) -> Sdk {
        let package =
            format!(r#"{{"name":"@fulcrum/domain","version":"{version}","scripts":{{}}}}"#);
        Sdk::from_files(
            &package,
            &[("dist/index.cjs", "exports.a=1")],
            &[("dist/bootstrap.cjs", "boot")],
        )
    }

    fn provided(sdk: &Sdk, app: &Path) {
        let provided = sdk.provide(app, &app.join("cache"));
        assert!(
            matches!(provided, SdkLocation::InNodeModules),
            "{provided:?}"
        );
    }

    fn read(app: &Path, path: &str) -> String {
        fs::read_to_string(app.join("node_modules").join(path)).unwrap()
    }

    #[test]
    fn both_names_are_one_package_and_a_second_time_nothing_changes() {
        let app = tempfile::tempdir().unwrap();
        provided(&sdk("1"), app.path());
        let real = |name: &str| {
            app.path()
                .join("node_modules")
                .join(name)
                .canonicalize()
                .unwrap()
        };
        assert_eq!(real("fulcrum"), real("@fulcrum/domain"));
        let manifest = read(app.path(), "fulcrum/package.json");
        assert!(
            manifest.contains(MARKER_KEY) && !manifest.contains("scripts"),
            "{manifest}"
        );
        let modified = || {
            fs::metadata(real("fulcrum").join("package.json"))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = modified();
        provided(&sdk("1"), app.path());
        assert_eq!(modified(), before);
    }

    #[test]
    fn another_version_replaces_ours_and_a_pruned_one_comes_back() {
        let app = tempfile::tempdir().unwrap();
        provided(&sdk("1"), app.path());
        provided(&sdk("2"), app.path());
        assert!(read(app.path(), "fulcrum/package.json").contains(r#""version": "2""#));
        fs::remove_dir_all(app.path().join("node_modules/@fulcrum")).unwrap();
        provided(&sdk("2"), app.path());
        fs::remove_file(app.path().join("node_modules/fulcrum")).unwrap();
        fs::remove_file(
            app.path()
                .join("node_modules/@fulcrum/domain/dist/index.cjs"),
        )
        .unwrap();
        provided(&sdk("2"), app.path());
        assert_eq!(read(app.path(), "fulcrum/dist/index.cjs"), "exports.a=1");
        let left: Vec<_> = fs::read_dir(app.path().join("node_modules/@fulcrum"))
            .unwrap()
            .collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn packages_of_the_user_are_left_alone() {
        let app = tempfile::tempdir().unwrap();
        let own = app.path().join("node_modules/@fulcrum/domain");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir_all(app.path().join("node_modules/fulcrum")).unwrap();
        fs::write(own.join("package.json"), r#"{"name":"@fulcrum/domain"}"#).unwrap();
        provided(&sdk("1"), app.path());
        assert_eq!(
            read(app.path(), "@fulcrum/domain/package.json"),
            r#"{"name":"@fulcrum/domain"}"#
        );
        assert!(app.path().join("node_modules/fulcrum").read_link().is_err());
        fs::remove_dir(app.path().join("node_modules/fulcrum")).unwrap();
        provided(&sdk("1"), app.path());
        assert!(read(app.path(), "fulcrum/package.json").contains("@fulcrum/domain"));
    }

    #[test]
    fn a_link_of_a_workspace_is_the_users() {
        let app = tempfile::tempdir().unwrap();
        let source = app.path().join("packages/domain");
        fs::create_dir_all(&source).unwrap();
        fs::create_dir_all(app.path().join("node_modules/@fulcrum")).unwrap();
        symlink(
            "../../packages/domain",
            app.path().join("node_modules/@fulcrum/domain"),
        )
        .unwrap();
        provided(&sdk("1"), app.path());
        assert_eq!(fs::read_dir(source).unwrap().count(), 0);
    }

    #[test]
    fn many_at_once_end_with_one_whole_package() {
        let app = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for round in 0..8 {
                let app = app.path();
                scope.spawn(move || provided(&sdk(if round % 2 == 0 { "1" } else { "2" }), app));
            }
        });
        assert_eq!(read(app.path(), "fulcrum/dist/index.cjs"), "exports.a=1");
        let left = fs::read_dir(app.path().join("node_modules"))
            .unwrap()
            .count();
        assert_eq!(left, 2, "only @fulcrum and fulcrum");
    }

    #[test]
    fn an_app_that_cant_be_written_falls_back_to_the_cache() {
        let app = tempfile::tempdir().unwrap();
        let modules = app.path().join("node_modules");
        fs::create_dir(&modules).unwrap();
        fs::set_permissions(&modules, fs::Permissions::from_mode(0o500)).unwrap();
        let sdk = sdk("1");
        if fs::write(modules.join("probe"), "").is_ok() {
            // Modes don't hold for root: a file in the way of the folder does.
            fs::remove_file(modules.join("probe")).unwrap();
            fs::remove_dir(&modules).unwrap();
            fs::write(&modules, "").unwrap();
        }
        let cache = app.path().join("cache");
        match sdk.provide(app.path(), &cache) {
            SdkLocation::Fallback(folder, _) => {
                assert_eq!(
                    fs::read_to_string(folder.join("dist/index.cjs")).unwrap(),
                    "exports.a=1"
                );
                assert_eq!(
                    sdk.bootstrap(&cache).unwrap(),
                    folder.join("dist/bootstrap.cjs")
                );
            }
            SdkLocation::InNodeModules => panic!("the folder can't be written"),
        }
    }
}
