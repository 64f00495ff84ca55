//! The files of `@fulcrum/domain` that are embedded in the program.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::files::{create_private_dir, temp_dir_next_to};

/// The key in `package.json` that marks a package as installed by Fulcrum; its value is the hash of
/// the package's files.
pub(super) const MARKER_KEY: &str = "_fulcrum";

/// The name under which domains import the package.
pub(super) const PACKAGE: &str = "@fulcrum/domain";

/// The package `@fulcrum/domain` and the bootstrap that Node loads before a domain's code.
#[derive(Debug, Clone)]
pub struct Sdk {
    hash: String,
    /// The files of the package, besides `manifest`.
    files: Vec<EmbeddedFile>,
    /// The `package.json`.
    manifest: String,
    /// The bootstrap's files, which are in the cache only: no code imports them.
    runtime: Vec<EmbeddedFile>,
}

/// The path of a file in the package, and its text.
type EmbeddedFile = (&'static str, &'static str);

/// The `package.json` in the source.
const MANIFEST: &str = include_str!("../../../../sdk/node/package.json");

/// The other files of the package.
const FILES: &[EmbeddedFile] = &[
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
    (
        "dist/testing.cjs",
        include_str!("../../../../sdk/node/dist/testing.cjs"),
    ),
    (
        "dist/testing.mjs",
        include_str!("../../../../sdk/node/dist/testing.mjs"),
    ),
    (
        "dist/testing.d.ts",
        include_str!("../../../../sdk/node/dist/testing.d.ts"),
    ),
    (
        "types/node/index.d.ts",
        include_str!("../../../../sdk/node/types/node/index.d.ts"),
    ),
];

/// The files of the bootstrap.
const RUNTIME: &[EmbeddedFile] = &[
    (
        "dist/bootstrap.cjs",
        include_str!("../../../../sdk/node/dist/bootstrap.cjs"),
    ),
    (
        "dist/loader.cjs",
        include_str!("../../../../sdk/node/dist/loader.cjs"),
    ),
    (
        "dist/hooks.mjs",
        include_str!("../../../../sdk/node/dist/hooks.mjs"),
    ),
    (
        "dist/preload.mjs",
        include_str!("../../../../sdk/node/dist/preload.mjs"),
    ),
];

/// Computed by the compiler: every start needs it.
const HASH: u64 = hash_of(MANIFEST, FILES, RUNTIME);

/// Identifies the content of a package (FNV-1a). It tells versions apart and protects from nothing:
/// the directory that it names is private.
pub(super) const fn hash_of(
    manifest: &str,
    files: &[EmbeddedFile],
    runtime: &[EmbeddedFile],
) -> u64 {
    let mut hash = hash_text(0xcbf2_9ce4_8422_2325, manifest);
    hash = hash_files(hash, files);
    hash_files(hash, runtime)
}

const fn hash_files(mut hash: u64, files: &[EmbeddedFile]) -> u64 {
    let mut at = 0;
    while at < files.len() {
        hash = hash_text(hash, files[at].0);
        hash = hash_text(hash, files[at].1);
        at += 1;
    }
    hash
}

/// The text and its length, so that different lists have different hashes.
const fn hash_text(mut hash: u64, text: &str) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = text.as_bytes();
    hash = (hash ^ bytes.len() as u64).wrapping_mul(PRIME);
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(PRIME);
        at += 1;
    }
    hash
}

impl Sdk {
    /// The version of the embedded package.
    pub const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    /// The hash of a package that Fulcrum has installed, by its `package.json`; none for one of the
    /// user.
    #[must_use]
    pub fn marker(manifest: &Value) -> Option<&str> {
        manifest.get(MARKER_KEY).and_then(Value::as_str)
    }

    /// The package that is embedded in this program.
    #[must_use]
    pub fn embedded() -> Self {
        Self::with_hash(HASH, MANIFEST, FILES, RUNTIME)
    }

    /// A package with these files: its `package.json` as it is in the source, its other files, and
    /// those of the bootstrap; and their [`hash_of`].
    pub(super) fn with_hash(
        hash: u64,
        manifest: &str,
        files: &[EmbeddedFile],
        runtime: &[EmbeddedFile],
    ) -> Self {
        let hash = format!("{hash:016x}");
        let manifest = with_marker(manifest, &hash);
        Self {
            hash,
            files: files.to_vec(),
            manifest,
            runtime: runtime.to_vec(),
        }
    }

    /// The hash of all files: identifies this version.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The path of the bootstrap, which Node loads before a domain's entry. It is written to
    /// `<cache>/sdk-<hash>/`, together with the whole package, unless it is there already.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn bootstrap(&self, cache: &Path) -> io::Result<PathBuf> {
        Ok(self.cached_dir(cache)?.join("dist/bootstrap.cjs"))
    }

    /// The path of the module that Bun and Deno load before a domain's entry; see
    /// [`bootstrap`](Self::bootstrap).
    pub(super) fn preload(&self, cache: &Path) -> io::Result<PathBuf> {
        Ok(self.cached_dir(cache)?.join("dist/preload.mjs"))
    }

    /// The directory of the package in the cache, with the bootstrap and its hooks. It is created
    /// if it is missing or incomplete.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub(super) fn cached_dir(&self, cache: &Path) -> io::Result<PathBuf> {
        let dir = cache.join(format!("sdk-{}", self.hash));
        let runtime = self.runtime.iter().copied();
        let files: Vec<_> = runtime.chain(self.package_files()).collect();
        if is_complete(&dir, &files) {
            return Ok(dir);
        }
        create_private_dir(cache)?;
        install_dir_atomically(&dir, &files)?;
        Ok(dir)
    }

    /// The files of the package, `package.json` last.
    pub(super) fn package_files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.files
            .iter()
            .copied()
            .chain([("package.json", self.manifest.as_str())])
    }
}

/// The embedded `package.json`, without the keys that only its build needs, and with the marker.
fn with_marker(text: &str, hash: &str) -> String {
    let mut package: Map<String, Value> =
        serde_json::from_str(text).expect("the embedded package.json is valid");
    for key in ["scripts", "devDependencies", "files"] {
        package.remove(key);
    }
    package.insert(MARKER_KEY.to_owned(), Value::String(hash.to_owned()));
    serde_json::to_string_pretty(&package).expect("a JSON value can be serialized") + "\n"
}

/// Whether every file exists with its length. The directory was installed atomically, so only files
/// that were deleted or truncated since have to be detected.
pub(super) fn is_complete(dir: &Path, files: &[(&str, &str)]) -> bool {
    files.iter().all(|(name, text)| {
        fs::metadata(dir.join(name))
            .is_ok_and(|meta| meta.is_file() && meta.len() == text.len() as u64)
    })
}

/// Installs a directory with these files by a rename; a directory that is there is exchanged. If
/// another instance installs the same files at the same time, either result is right.
pub(super) fn install_dir_atomically(dir: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    let result = replace_dir(dir, files);
    match result {
        Err(_) if is_complete(dir, files) => Ok(()),
        other => other,
    }
}

fn replace_dir(dir: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    // When it is dropped, it has the old files after an exchange, or an unfinished copy after an
    // error; after a rename it does not exist.
    let temporary = temp_dir_next_to(dir)?;
    write_files(temporary.path(), files)?;
    match fs::rename(temporary.path(), dir) {
        Err(error) if is_not_empty(&error) => exchange(temporary.path(), dir),
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
        // Not every file system can exchange: then the directory is missing for a moment.
        Err(_) => {
            let removed = temp_dir_next_to(old)?;
            fs::rename(old, removed.path().join("old"))?;
            fs::rename(new, old)
        }
    }
}

fn write_files(dir: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    for (name, text) in files {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(path)?;
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exported_file_is_embedded() {
        fn targets(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::String(target) => found.push(target.trim_start_matches("./").to_owned()),
                Value::Object(map) => map.values().for_each(|value| targets(value, found)),
                _ => {}
            }
        }
        let cache = tempfile::tempdir().unwrap();
        let sdk = Sdk::embedded();
        let dir = sdk.cached_dir(cache.path()).unwrap();
        let text = fs::read_to_string(dir.join("package.json")).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let mut found = Vec::new();
        for key in ["exports", "main", "types"] {
            targets(&manifest[key], &mut found);
        }
        assert!(found.len() > 2, "{manifest}");
        found
            .iter()
            .for_each(|target| assert!(dir.join(target).is_file(), "{target}"));
        assert!(sdk.bootstrap(cache.path()).unwrap().is_file());
        assert_eq!(manifest[MARKER_KEY], sdk.hash());
        assert_eq!(manifest.get("devDependencies"), None);
    }

    #[test]
    fn a_damaged_copy_in_the_cache_is_replaced() {
        let cache = tempfile::tempdir().unwrap();
        let sdk = Sdk::embedded();
        let bootstrap = sdk.bootstrap(cache.path()).unwrap();
        fs::write(&bootstrap, "cut").unwrap();
        sdk.bootstrap(cache.path()).unwrap();
        assert!(fs::metadata(&bootstrap).unwrap().len() > 3);
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }
}
