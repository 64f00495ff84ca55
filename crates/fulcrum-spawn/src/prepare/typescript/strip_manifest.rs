//! The file that maps each TypeScript file to its stripped code, for the bootstrap.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::scan::Scan;
use super::strip::Format;
use crate::prepare::files::{digest, write_cached};

#[derive(Serialize)]
struct Manifest<'a> {
    v: u32,
    files: BTreeMap<&'a Path, ManifestEntry<'a>>,
}

/// By size and time the bootstrap detects that a file has changed, without reading it.
#[derive(Serialize)]
struct ManifestEntry<'a> {
    size: u64,
    mtime_ms: i64,
    code: &'a Path,
    format: Format,
}

/// Writes the manifest of a scan to `<cache>/ts/manifests/`; returns its path. A manifest that is up
/// to date is not written again.
pub(in crate::prepare) fn write_manifest(
    scan: &Scan,
    entry: &Path,
    cache: &Path,
) -> io::Result<PathBuf> {
    let mut files = BTreeMap::new();
    for file in &scan.files {
        let meta = fs::metadata(&file.path)?;
        let mtime_ms = meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000;
        let entry = ManifestEntry {
            size: meta.size(),
            mtime_ms,
            code: &file.code,
            format: file.format,
        };
        files.insert(file.path.as_path(), entry);
    }
    let text = serde_json::to_vec(&Manifest { v: 1, files })?;
    let name = digest(&[entry.as_os_str().as_encoded_bytes()]);
    let path = cache.join("ts/manifests").join(format!("{name}.json"));
    if fs::read(&path).is_ok_and(|existing| existing == text) {
        return Ok(path);
    }
    write_cached(&path, &text)?;
    Ok(path)
}
