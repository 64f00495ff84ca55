//! Makes `@fulcrum/domain` and `fulcrum` resolvable for every domain of an app.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::symlink_atomically;
use super::sdk::{PACKAGE, Sdk, install_dir_atomically, is_complete};

/// Where domains find the SDK.
#[derive(Debug)]
pub enum SdkLocation {
    /// In the app's `node_modules`, where Node and editors find it without a loader hook. It is the
    /// embedded package, or a package of the user with this name.
    InNodeModules,
    /// In this directory of the cache, since `node_modules` cannot be written for this reason. The
    /// bootstrap resolves the package from there.
    Fallback(PathBuf, io::Error),
}

impl Sdk {
    /// Installs the package in `<app_root>/node_modules/@fulcrum/domain`, with a link `fulcrum` to
    /// it, so that both names are the same classes.
    ///
    /// If it is installed already, this costs a few file lookups. Another version of it is
    /// replaced; a package of the user with one of these names is not changed. Several instances
    /// may do this at the same time.
    pub fn provide(&self, app_root: &Path, cache: &Path) -> SdkLocation {
        let installed = self.install_into(&app_root.join("node_modules"));
        match installed {
            Ok(()) => SdkLocation::InNodeModules,
            Err(error) => match self.cached_dir(cache) {
                Ok(dir) => SdkLocation::Fallback(dir, error),
                // Then the bootstrap cannot be written either, and the start fails with that.
                Err(second) => SdkLocation::Fallback(cache.to_path_buf(), second),
            },
        }
    }

    /// Whether the package in the app's `node_modules` is this version of the embedded one.
    pub(super) fn is_installed(&self, app_root: &Path) -> bool {
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
    /// The hash of its files.
    Fulcrum(String),
}

/// The owner of a package. A link is the user's: a package of a workspace is linked.
fn owner(package: &Path) -> io::Result<PackageOwner> {
    match fs::symlink_metadata(package) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Ok(PackageOwner::User),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PackageOwner::Missing),
        Err(error) => return Err(error),
    }
    let manifest = match fs::read(package.join("package.json")) {
        Ok(text) => serde_json::from_slice::<Value>(&text).unwrap_or_default(),
        // Without it this is no package, but what an interrupted install left.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PackageOwner::Missing),
        Err(error) => return Err(error),
    };
    Ok(Sdk::marker(&manifest).map_or(PackageOwner::User, |hash| {
        PackageOwner::Fulcrum(hash.to_owned())
    }))
}

/// Creates a relative link to `target` unless `path` exists already.
fn link(path: &Path, target: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => symlink_atomically(target, path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::prepare::sdk::hash_of;

    fn sdk(version: &str) -> Sdk {
        let package =
            format!(r#"{{"name":"@fulcrum/domain","version":"{version}","scripts":{{}}}}"#);
        let files = [("dist/index.cjs", "exports.a=1")];
        let runtime = [("dist/bootstrap.cjs", "boot")];
        let hash = hash_of(&package, &files, &runtime);
        Sdk::with_hash(hash, &package, &files, &runtime)
    }

    fn provide(sdk: &Sdk, app: &Path) {
        let location = sdk.provide(app, &app.join("cache"));
        assert!(
            matches!(location, SdkLocation::InNodeModules),
            "{location:?}"
        );
    }

    fn read(app: &Path, path: &str) -> String {
        fs::read_to_string(app.join("node_modules").join(path)).unwrap()
    }

    #[test]
    fn both_names_are_one_package_and_it_is_written_once() {
        let app = tempfile::tempdir().unwrap();
        provide(&sdk("1"), app.path());
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
            manifest.contains(crate::prepare::sdk::MARKER_KEY) && !manifest.contains("scripts"),
            "{manifest}"
        );
        let modified = || {
            fs::metadata(real("fulcrum").join("package.json"))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = modified();
        provide(&sdk("1"), app.path());
        assert_eq!(modified(), before);
    }

    #[test]
    fn another_version_is_replaced_and_a_pruned_package_is_restored() {
        let app = tempfile::tempdir().unwrap();
        provide(&sdk("1"), app.path());
        provide(&sdk("2"), app.path());
        assert!(read(app.path(), "fulcrum/package.json").contains(r#""version": "2""#));
        fs::remove_dir_all(app.path().join("node_modules/@fulcrum")).unwrap();
        provide(&sdk("2"), app.path());
        fs::remove_file(app.path().join("node_modules/fulcrum")).unwrap();
        fs::remove_file(
            app.path()
                .join("node_modules/@fulcrum/domain/dist/index.cjs"),
        )
        .unwrap();
        provide(&sdk("2"), app.path());
        assert_eq!(read(app.path(), "fulcrum/dist/index.cjs"), "exports.a=1");
        let left: Vec<_> = fs::read_dir(app.path().join("node_modules/@fulcrum"))
            .unwrap()
            .collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn packages_of_the_user_are_not_changed() {
        let app = tempfile::tempdir().unwrap();
        let own = app.path().join("node_modules/@fulcrum/domain");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir_all(app.path().join("node_modules/fulcrum")).unwrap();
        fs::write(own.join("package.json"), r#"{"name":"@fulcrum/domain"}"#).unwrap();
        provide(&sdk("1"), app.path());
        assert_eq!(
            read(app.path(), "@fulcrum/domain/package.json"),
            r#"{"name":"@fulcrum/domain"}"#
        );
        assert!(app.path().join("node_modules/fulcrum").read_link().is_err());
        fs::remove_dir(app.path().join("node_modules/fulcrum")).unwrap();
        provide(&sdk("1"), app.path());
        assert!(read(app.path(), "fulcrum/package.json").contains("@fulcrum/domain"));
    }

    #[test]
    fn a_link_to_a_workspace_package_is_not_changed() {
        let app = tempfile::tempdir().unwrap();
        let source = app.path().join("packages/domain");
        fs::create_dir_all(&source).unwrap();
        fs::create_dir_all(app.path().join("node_modules/@fulcrum")).unwrap();
        symlink(
            "../../packages/domain",
            app.path().join("node_modules/@fulcrum/domain"),
        )
        .unwrap();
        provide(&sdk("1"), app.path());
        assert_eq!(fs::read_dir(source).unwrap().count(), 0);
    }

    #[test]
    fn concurrent_installs_leave_one_complete_package() {
        let app = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for round in 0..8 {
                let app = app.path();
                scope.spawn(move || provide(&sdk(if round % 2 == 0 { "1" } else { "2" }), app));
            }
        });
        assert_eq!(read(app.path(), "fulcrum/dist/index.cjs"), "exports.a=1");
        let left = fs::read_dir(app.path().join("node_modules"))
            .unwrap()
            .count();
        assert_eq!(left, 2, "only @fulcrum and fulcrum");
    }

    #[test]
    fn a_read_only_app_falls_back_to_the_cache() {
        let app = tempfile::tempdir().unwrap();
        let modules = app.path().join("node_modules");
        fs::create_dir(&modules).unwrap();
        fs::set_permissions(&modules, fs::Permissions::from_mode(0o500)).unwrap();
        let sdk = sdk("1");
        if fs::write(modules.join("probe"), "").is_ok() {
            // Root ignores modes: a file in place of the directory also prevents the install.
            fs::remove_file(modules.join("probe")).unwrap();
            fs::remove_dir(&modules).unwrap();
            fs::write(&modules, "").unwrap();
        }
        let cache = app.path().join("cache");
        match sdk.provide(app.path(), &cache) {
            SdkLocation::Fallback(dir, _) => {
                assert_eq!(
                    fs::read_to_string(dir.join("dist/index.cjs")).unwrap(),
                    "exports.a=1"
                );
                assert_eq!(
                    sdk.bootstrap(&cache).unwrap(),
                    dir.join("dist/bootstrap.cjs")
                );
            }
            SdkLocation::InNodeModules => panic!("node_modules cannot be written"),
        }
    }
}
