//! The files of `@fulcrum/domain` that the program carries.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::files::{create_private_dir, digest, temp_path_next_to, write_new};

/// The key in `package.json` that says a package folder is ours, with the hash of its files.
pub(super) const MARKER_KEY: &str = "_fulcrum";

/// The name under which domains import the package.
pub(super) const PACKAGE: &str = "@fulcrum/domain";

/// The package `@fulcrum/domain` and the bootstrap, as shipped.
#[derive(Debug, Clone)]
pub struct Sdk {
    hash: String,
    /// What an app's `node_modules` gets, besides `manifest`.
    files: Vec<Embedded>,
    /// The `package.json`.
    manifest: String,
    /// What only the cache has: Node is told to load it, nobody imports it.
    runtime: Vec<Embedded>,
}

/// A file by its path in the package, with its text.
type Embedded = (&'static str, &'static str);

impl Sdk {
    /// The one that was built into this program.
    #[must_use]
    pub fn embedded() -> Self {
        Self::from_files(
            include_str!("../../../../sdk/node/package.json"),
            &[
                (
                    "dist/index.cjs",
                    include_str!("../../../../sdk/node/dist/index.cjs"),
                ),
                (
                    "dist/index.mjs",
                    include_str!("../../../../sdk/node/dist/index.mjs"),
                ),
                (
                    "dist/index.d.ts",
                    include_str!("../../../../sdk/node/dist/index.d.ts"),
                ),
            ],
            &[
                (
                    "dist/bootstrap.cjs",
                    include_str!("../../../../sdk/node/dist/bootstrap.cjs"),
                ),
                (
                    "dist/hooks.mjs",
                    include_str!("../../../../sdk/node/dist/hooks.mjs"),
                ),
            ],
        )
    }

    /// One of these files: the `package.json` as it is in the source, the package's other files,
    /// and the bootstrap's.
    pub(super) fn from_files(manifest: &str, files: &[Embedded], runtime: &[Embedded]) -> Self {
        let texts = files
            .iter()
            .chain(runtime)
            .flat_map(|(name, text)| [*name, *text]);
        let parts: Vec<&[u8]> = std::iter::once(manifest)
            .chain(texts)
            .map(str::as_bytes)
            .collect();
        let mut hash = digest(&parts);
        hash.truncate(16);
        let manifest = marked(manifest, &hash);
        Self {
            hash,
            files: files.to_vec(),
            manifest,
            runtime: runtime.to_vec(),
        }
    }

    /// What tells this version's files from another's.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The bootstrap, which Node is told to load before a domain's entry. Written once to
    /// `<cache>/sdk-<hash>/`, together with the whole package.
    ///
    /// # Errors
    /// If the cache can't be written.
    pub fn bootstrap(&self, cache: &Path) -> io::Result<PathBuf> {
        Ok(self.folder(cache)?.join("dist/bootstrap.cjs"))
    }

    /// The package in the cache: complete, with bootstrap and hooks.
    ///
    /// # Errors
    /// If the cache can't be written.
    pub(super) fn folder(&self, cache: &Path) -> io::Result<PathBuf> {
        let folder = cache.join(format!("sdk-{}", self.hash));
        let runtime = self.runtime.iter().copied();
        let all: Vec<_> = runtime.chain(self.package_files()).collect();
        if is_complete(&folder, &all) {
            return Ok(folder);
        }
        create_private_dir(cache)?;
        install_dir_atomically(&folder, &all)?;
        Ok(folder)
    }

    /// The files of the package, `package.json` last.
    pub(super) fn package_files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.files
            .iter()
            .copied()
            .chain([("package.json", self.manifest.as_str())])
    }
}

/// The shipped `package.json`: without what only building it needs, and with our mark.
fn marked(text: &str, hash: &str) -> String {
    let mut package: Map<String, Value> =
        serde_json::from_str(text).expect("the package.json that is built in is valid");
    for key in ["scripts", "devDependencies", "files"] {
        package.remove(key);
    }
    package.insert(MARKER_KEY.to_owned(), Value::String(hash.to_owned()));
    serde_json::to_string_pretty(&package).expect("JSON values can be written") + "\n"
}

/// Whether every file is there with its length. The folder was put there whole, so this only
/// notices what was deleted or cut since.
pub(super) fn is_complete(folder: &Path, files: &[(&str, &str)]) -> bool {
    files.iter().all(|(name, text)| {
        fs::metadata(folder.join(name))
            .is_ok_and(|meta| meta.is_file() && meta.len() == text.len() as u64)
    })
}

/// Puts a folder in place as a whole. If one is there already it is exchanged; if another instance
/// is quicker, its folder is as good as ours.
pub(super) fn install_dir_atomically(folder: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    let temporary = temp_path_next_to(folder);
    let put = write_files(&temporary, files).and_then(|()| match fs::rename(&temporary, folder) {
        Err(error) if is_not_empty(&error) => exchange(&temporary, folder),
        other => other,
    });
    // After an exchange it holds the old files, after an error an unfinished copy.
    let _ = fs::remove_dir_all(&temporary);
    match put {
        Err(_) if is_complete(folder, files) => Ok(()),
        other => other,
    }
}

fn is_not_empty(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotADirectory
    )
}

fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Not every file system can exchange: there is a moment without the folder then.
        Err(_) => {
            let aside = temp_path_next_to(old);
            fs::rename(old, &aside)?;
            let put = fs::rename(new, old);
            let _ = fs::remove_dir_all(&aside);
            put
        }
    }
}

fn write_files(folder: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    fs::create_dir(folder)?;
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        write_new(&path, text.as_bytes(), 0o644)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_package_exports_is_shipped() {
        fn targets(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::String(target) => found.push(target.trim_start_matches("./").to_owned()),
                Value::Object(map) => map.values().for_each(|value| targets(value, found)),
                _ => {}
            }
        }
        let cache = tempfile::tempdir().unwrap();
        let sdk = Sdk::embedded();
        let folder = sdk.folder(cache.path()).unwrap();
        let text = fs::read_to_string(folder.join("package.json")).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let mut found = Vec::new();
        for key in ["exports", "main", "types"] {
            targets(&manifest[key], &mut found);
        }
        assert!(found.len() > 2, "{manifest}");
        found
            .iter()
            .for_each(|target| assert!(folder.join(target).is_file(), "{target}"));
        assert!(sdk.bootstrap(cache.path()).unwrap().is_file());
        assert_eq!(manifest[MARKER_KEY], sdk.hash());
        assert_eq!(manifest.get("devDependencies"), None);
    }

    #[test]
    fn a_damaged_copy_in_the_cache_is_made_again() {
        let cache = tempfile::tempdir().unwrap();
        let sdk = Sdk::embedded();
        let bootstrap = sdk.bootstrap(cache.path()).unwrap();
        fs::write(&bootstrap, "cut").unwrap();
        sdk.bootstrap(cache.path()).unwrap();
        assert!(fs::metadata(&bootstrap).unwrap().len() > 3);
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }
}
