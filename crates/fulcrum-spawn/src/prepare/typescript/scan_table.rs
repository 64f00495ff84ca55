//! The table of scanned files.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compile_options::FileKind;
use super::resolver::Target;
use super::scanned_file::{LoadedFile, ScannedFile};
use super::sources::{Code, Source, Stamp};
use super::strip::Format;
use super::surroundings::{FileError, Surroundings, extension};
use super::table::{Table, TableFile};
use super::tsconfig::Tsconfig;

/// The table of all scanned files, to which these configurations apply. `detects_modules` says whether
/// Node detects a module by its syntax.
pub(super) fn build_table(
    files: &[ScannedFile],
    tsconfigs: &[Arc<Tsconfig>],
    detects_modules: bool,
) -> Table {
    let loaded: HashMap<&Path, &LoadedFile> = files
        .iter()
        .filter_map(|file| Some((file.path.as_path(), file.result.as_ref().ok()?)))
        .collect();
    let mut table = Table {
        aliases: tsconfigs.iter().any(|config| config.changes_resolution()),
        inputs: tsconfigs
            .iter()
            .flat_map(|config| config.files.iter().cloned())
            .filter(|path| path.to_str().is_some())
            .collect(),
        ..Table::default()
    };
    for file in files {
        let entry = match &file.result {
            Ok(file_loaded) => {
                add_resolutions(&mut table, &file.path, file_loaded);
                table_file(&file.path, file_loaded, &loaded)
                    .or_else(|| undetected_module(&file.path, file_loaded, detects_modules))
            }
            Err(error) => Some(broken_file(&file.path, error)),
        };
        if let Some(entry) = entry {
            table.maps |= has_map(file);
            table.files.insert(file.path.clone(), entry);
        }
    }
    table
}

fn has_map(file: &ScannedFile) -> bool {
    let code = file.result.as_ref().ok();
    let code = code.and_then(|loaded| loaded.source.code.as_ref());
    matches!(code, Some(Code::Cached { has_map: true, .. }))
}

fn add_resolutions(table: &mut Table, importer: &Path, loaded: &LoadedFile) {
    for edge in &loaded.edges {
        let import = loaded.import(edge);
        let (Target::File(path) | Target::NodeFile(path) | Target::Package(path)) = &edge.target
        else {
            continue;
        };
        if !import.spawned {
            table.add_resolution(importer, &import.specifier, edge.via, path);
        }
    }
}

/// The entry of JavaScript that is a module by its syntax only, for a Node that does not detect that:
/// its code is the file itself.
fn undetected_module(path: &Path, file: &LoadedFile, detects_modules: bool) -> Option<TableFile> {
    let is_detected = file.source.format == Format::Module
        && extension(path) == "js"
        && file.surroundings.package_type.is_none();
    (is_detected && !detects_modules).then(|| TableFile {
        code: Some(path.to_owned()),
        ..lowered_file(&file.source)
    })
}

/// The entry of a file; `None` if the file itself is run.
fn table_file(
    path: &Path,
    file: &LoadedFile,
    loaded: &HashMap<&Path, &LoadedFile>,
) -> Option<TableFile> {
    let source = &file.source;
    let mut entry = lowered_file(source);
    source.code.as_ref()?;
    if source.format == Format::CommonJs {
        let mut names = BTreeSet::new();
        let mut visited = BTreeSet::new();
        entry.exports = collect_exports(path, loaded, &mut names, &mut visited)
            .then(|| names.into_iter().collect());
    }
    Some(entry)
}

/// The entry of a file by itself. Node finds the names if it exports those of another file.
pub(in crate::prepare) fn lowered_file(source: &Source) -> TableFile {
    let (code, text) = match &source.code {
        Some(Code::Cached { path, .. }) => (Some(path.clone()), None),
        Some(Code::Inline(text)) => (None, Some(text.clone())),
        None => (None, None),
    };
    TableFile {
        stamp: source.stamp,
        code,
        text,
        format: source.format,
        exports: source
            .exports
            .clone()
            .filter(|_| !source.info.imports.iter().any(|import| import.all)),
        error: None,
    }
}

/// Collects the names that a CommonJS file exports, with those of the files whose names it exports
/// again. False if some are not known.
fn collect_exports(
    path: &Path,
    loaded: &HashMap<&Path, &LoadedFile>,
    names: &mut BTreeSet<String>,
    visited: &mut BTreeSet<PathBuf>,
) -> bool {
    let mut pending = vec![path.to_owned()];
    let mut is_first = true;
    while let Some(path) = pending.pop() {
        if !visited.insert(path.clone()) {
            continue;
        }
        let Some(file) = loaded.get(path.as_path()) else {
            return false;
        };
        let own = match (&file.source.exports, file.source.format) {
            (Some(own), _) => own,
            (None, Format::Module) => &file.source.info.exports,
            (None, Format::CommonJs) => return false,
        };
        // `export *` leaves the default export out.
        let own = own.iter().filter(|name| is_first || *name != "default");
        names.extend(own.cloned());
        is_first = false;
        for edge in &file.edges {
            if !file.import(edge).all {
                continue;
            }
            match &edge.target {
                Target::File(path) | Target::NodeFile(path) => pending.push(path.clone()),
                Target::Package(_) | Target::Node | Target::Missing => return false,
            }
        }
    }
    true
}

/// The entry of a file that cannot be compiled.
pub(in crate::prepare) fn broken_file(path: &Path, error: &FileError) -> TableFile {
    let stamp = std::fs::metadata(path).map(|meta| Stamp::of(&meta));
    // What is not known of its package does not matter: it throws when it is loaded.
    let kind = Surroundings::default().kind(path);
    TableFile {
        stamp: stamp.unwrap_or(Stamp {
            size: 0,
            mtime_ms: 0,
        }),
        code: None,
        text: None,
        format: if kind == FileKind::Module {
            Format::Module
        } else {
            Format::CommonJs
        },
        exports: None,
        error: Some(error.to_string()),
    }
}
