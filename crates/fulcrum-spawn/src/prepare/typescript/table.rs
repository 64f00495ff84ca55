//! The table of a domain: how its files are run, and what they import. It is written for the bootstrap,
//! which reads a file of it at the start, and asks for parts of it when it meets other files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::resolver::{Via, without_query};
use super::sources::Stamp;
use super::strip::Format;
use crate::prepare::files::{digest, write_cached};

/// The version of the format, also of the requests for parts of it.
pub(in crate::prepare) const VERSION: u32 = 2;

/// What importers mean by a specifier.
pub(super) type Resolutions = BTreeMap<PathBuf, BTreeMap<String, PathBuf>>;

/// The table. `sdk/node/src/bootstrap` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::prepare) struct Table {
    pub(super) v: u32,
    /// The files besides sources that have decided the result.
    pub(super) inputs: BTreeSet<PathBuf>,
    /// Whether a name that is no path may be an alias, so that Node cannot be asked for it first.
    pub(super) aliases: bool,
    /// Whether some file has a source map.
    pub(super) maps: bool,
    /// The files that are not run as they are, by their real path.
    pub(in crate::prepare) files: BTreeMap<PathBuf, TableFile>,
    /// What is imported by `import` and `import()`.
    pub(super) imports: Resolutions,
    /// What is imported by `require`.
    pub(super) requires: Resolutions,
}

/// How a file is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::prepare) struct TableFile {
    #[serde(flatten)]
    pub(super) stamp: Stamp,
    /// The file with its code; none if there is only a text, or an error.
    pub(super) code: Option<PathBuf>,
    /// Its code, if the cache cannot be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    pub(super) format: Format,
    /// The names that an ECMAScript module can import from a CommonJS module; `None` to let Node find
    /// them.
    pub(super) exports: Option<Vec<String>>,
    /// Why it cannot be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            v: VERSION,
            inputs: BTreeSet::new(),
            aliases: false,
            maps: false,
            files: BTreeMap::new(),
            imports: Resolutions::new(),
            requires: Resolutions::new(),
        }
    }
}

impl Table {
    /// Adds what a specifier of a file means.
    pub(in crate::prepare) fn add_resolution(
        &mut self,
        importer: &Path,
        specifier: &str,
        via: Via,
        path: &Path,
    ) {
        let (resolutions, specifier) = match via {
            Via::Import => (&mut self.imports, without_query(specifier)),
            Via::Require => (&mut self.requires, specifier),
        };
        let of_importer = resolutions.entry(importer.to_owned()).or_default();
        of_importer.insert(specifier.to_owned(), path.to_owned());
    }

    /// Whether some file has a source map.
    pub(in crate::prepare) fn has_maps(&self) -> bool {
        self.maps
    }

    /// Writes the table to `<cache>/ts/manifests/`; returns its path. A file that is up to date is not
    /// written again.
    ///
    /// # Errors
    /// It cannot be written.
    pub(in crate::prepare) fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        if fs::read(path).is_ok_and(|existing| existing == text) {
            // In a cache that cannot be written, its age does not matter.
            let _ = super::cache_sweep::mark_used(path);
            return Ok(());
        }
        write_cached(path, &text)
    }
}

/// The file of the table of an entry; `variant` is all else that decides it.
pub(in crate::prepare) fn manifest_path(entry: &Path, variant: &str, cache: &Path) -> PathBuf {
    let name = digest(&[entry.as_os_str().as_encoded_bytes(), variant.as_bytes()]);
    cache.join("ts/manifests").join(format!("{name}.json"))
}

/// The format of a file by a written table; `None` if there is no such table, or the file is run as it
/// is.
pub(in crate::prepare) fn format_in_manifest(manifest: &Path, file: &Path) -> Option<Format> {
    let text = fs::read(manifest).ok()?;
    let table: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let format = table.get("files")?.get(file.to_str()?)?.get("format")?;
    serde_json::from_value(format.clone()).ok()
}
