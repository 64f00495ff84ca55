//! Follows the imports of a domain from its entry, before it is started.
//!
//! What is loaded with the entry is followed first: an error in it ends the scan, since the domain
//! cannot start. What is imported inside functions only is followed afterwards: an error in it is a
//! warning, and is thrown when the file is loaded.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::module_info::{Import, ImportKind};
use super::parallel::map_parallel;
use super::position::Position;
use super::resolver::{
    ImportResolver, Importer, NodeResolution, Target, Via, is_installed, is_path,
};
use super::scan_table::build_table;
use super::scanned_file::{Edge, LoadedFile, ScannedFile};
use super::sources::Sources;
use super::strip::Format;
use super::surroundings::{FileError, SurroundingsReader, extension, is_always_compiled};
use super::table::Table;

/// What is scanned.
#[derive(Debug, Clone, Copy)]
pub(in crate::prepare) struct ScanRequest<'a> {
    /// The entry: absolute, without symbolic links.
    pub(in crate::prepare) entry: &'a Path,
    /// The working directory, in which files for processes and workers are looked for too.
    pub(in crate::prepare) cwd: Option<&'a Path>,
    pub(in crate::prepare) cache: &'a Path,
    pub(in crate::prepare) resolution: &'a NodeResolution,
    /// Whether `using` is lowered, for a Node that cannot run it.
    pub(in crate::prepare) lower_using: bool,
    /// Whether an error of any file is only an entry of the table.
    pub(in crate::prepare) is_lenient: bool,
}

/// The result of a scan.
#[derive(Debug, Clone, Default)]
pub(in crate::prepare) struct Scan {
    pub(in crate::prepare) table: Table,
    /// Whether Node's loader for ECMAScript modules loads none of the files.
    pub(in crate::prepare) all_commonjs: bool,
    /// Whether Node alone would not run the files like this.
    pub(in crate::prepare) needs_loader: bool,
    /// What is wrong with files that are imported inside functions only.
    pub(in crate::prepare) problems: Vec<LazyProblem>,
}

/// What is wrong with a file that is imported inside functions only.
#[derive(Debug, Clone)]
pub(in crate::prepare) enum LazyProblem {
    /// It cannot be compiled.
    Broken(FileError),
    /// It does not exist.
    Missing {
        importer: PathBuf,
        at: Position,
        specifier: String,
    },
}

/// Scans an entry and all files that it imports. Files with known content are not parsed again.
///
/// # Errors
/// The first file that is loaded with the entry and cannot be compiled.
pub(in crate::prepare) fn scan(request: &ScanRequest<'_>) -> Result<Scan, FileError> {
    let resolver = ImportResolver::new(request.resolution);
    let walker = Walker::new(request, &resolver);
    let files = walker.walk()?;
    let tsconfigs = walker.surroundings.tsconfigs();
    // Both came with the same versions of Node, but for a few of 22.
    let detects_modules = request.resolution.requires_modules;
    let table = build_table(&files, &tsconfigs, detects_modules);
    let loaded = || files.iter().filter_map(|file| file.result.as_ref().ok());
    Ok(Scan {
        all_commonjs: loaded().all(|loaded| !loaded.needs_module_loader()),
        needs_loader: files.iter().any(ScannedFile::needs_loader),
        problems: if request.is_lenient {
            Vec::new()
        } else {
            lazy_problems(&files)
        },
        table,
    })
}

/// Follows imports.
pub(super) struct Walker<'a> {
    request: &'a ScanRequest<'a>,
    resolver: &'a ImportResolver,
    surroundings: SurroundingsReader<'a>,
    sources: Sources<'a>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(request: &'a ScanRequest<'a>, resolver: &'a ImportResolver) -> Self {
        Self {
            request,
            resolver,
            surroundings: SurroundingsReader::new(resolver.base()),
            sources: Sources {
                cache: request.cache,
                lower_using: request.lower_using,
            },
        }
    }

    /// All files: those that are loaded with the entry, nearest to it first, and then the others.
    pub(super) fn walk(&self) -> Result<Vec<ScannedFile>, FileError> {
        let mut files = Vec::new();
        let mut seen = HashSet::new();
        let mut lazy = vec![];
        let mut next = vec![self.request.entry.to_owned()];
        while !next.is_empty() {
            let wave = self.load_all(unseen(next, &mut seen));
            next = Vec::new();
            for file in wave {
                match &file.result {
                    Err(error) if !self.request.is_lenient => return Err(error.clone()),
                    Err(_) => {}
                    Ok(loaded) => collect_targets(loaded, &mut next, &mut lazy),
                }
                files.push(file);
            }
        }
        while !lazy.is_empty() {
            let wave = self.load_all(unseen(lazy, &mut seen));
            lazy = Vec::new();
            for file in wave {
                if let Ok(loaded) = &file.result {
                    let mut eager = Vec::new();
                    collect_targets(loaded, &mut eager, &mut lazy);
                    lazy.append(&mut eager);
                }
                files.push(file);
            }
        }
        Ok(files)
    }

    fn load_all(&self, paths: Vec<PathBuf>) -> Vec<ScannedFile> {
        let results = map_parallel(&paths, |path| self.load(path));
        let files = paths.into_iter().zip(results);
        files
            .map(|(path, result)| ScannedFile { path, result })
            .collect()
    }

    fn load(&self, path: &Path) -> Result<LoadedFile, FileError> {
        let dir = path.parent().unwrap_or(path);
        let surroundings = self.surroundings.of_dir(dir)?;
        let source = self.sources.load(path, &surroundings)?;
        let importer = Importer {
            path,
            is_compiled: is_always_compiled(path),
            tsconfig: surroundings.tsconfig.as_deref(),
        };
        let imports = source.info.imports.iter().enumerate();
        let edges = imports.map(|(index, import)| {
            let via = via(import.kind, source.format);
            Edge {
                import: index,
                via,
                target: self.resolve(importer, import, via),
            }
        });
        let edges = edges.collect();
        Ok(LoadedFile {
            source,
            surroundings,
            edges,
        })
    }

    fn resolve(&self, importer: Importer<'_>, import: &Import, via: Via) -> Target {
        let specifier = import.specifier.as_str();
        if !import.spawned {
            return self.resolver.resolve(importer, specifier, via);
        }
        // A worker's file is not looked up by Node's algorithm, but as a path: relative to the file as a
        // URL, else to the working directory.
        let path = if is_path(specifier) {
            specifier.to_owned()
        } else {
            format!("./{specifier}")
        };
        // As if a file in it had imported it.
        let cwd = self.request.cwd.map(|dir| dir.join("cwd"));
        let in_cwd = cwd.as_deref().map(|path| Importer { path, ..importer });
        [Some(importer), in_cwd]
            .into_iter()
            .flatten()
            .map(|importer| self.resolver.resolve(importer, &path, Via::Import))
            .find(|target| matches!(target, Target::File(_) | Target::NodeFile(_)))
            .unwrap_or(Target::Node)
    }
}

/// The algorithm by which Node resolves an import of a file with this format.
pub(super) fn via(kind: ImportKind, format: Format) -> Via {
    match (kind, format) {
        (ImportKind::Static, Format::CommonJs) | (ImportKind::Require, _) => Via::Require,
        (ImportKind::Static, Format::Module) | (ImportKind::Dynamic, _) => Via::Import,
    }
}

/// The paths that were not seen yet, each once.
fn unseen(paths: Vec<PathBuf>, seen: &mut HashSet<PathBuf>) -> Vec<PathBuf> {
    let paths = paths.into_iter();
    paths.filter(|path| seen.insert(path.clone())).collect()
}

/// Whether the imports of a file are followed, by its path.
pub(in crate::prepare) fn is_scanned(path: &Path) -> bool {
    let is_code = matches!(
        extension(path),
        "ts" | "tsx" | "mts" | "cts" | "js" | "jsx" | "mjs" | "cjs"
    );
    is_code && !is_installed(path)
}

/// The files that a file imports, as far as they are scanned.
fn collect_targets(loaded: &LoadedFile, eager: &mut Vec<PathBuf>, lazy: &mut Vec<PathBuf>) {
    for edge in &loaded.edges {
        let (Target::File(path) | Target::NodeFile(path)) = &edge.target else {
            continue;
        };
        if is_scanned(path) {
            let import = loaded.import(edge);
            let list = if import.lazy || import.spawned {
                &mut *lazy
            } else {
                &mut *eager
            };
            list.push(path.clone());
        }
    }
}

/// The problems of files that did not end the scan.
fn lazy_problems(files: &[ScannedFile]) -> Vec<LazyProblem> {
    let mut problems = Vec::new();
    for file in files {
        let loaded = match &file.result {
            Ok(loaded) => loaded,
            Err(error) => {
                problems.push(LazyProblem::Broken(error.clone()));
                continue;
            }
        };
        for edge in &loaded.edges {
            let import = loaded.import(edge);
            // Packages may be optional, and Node reports what is missing at the start.
            let is_own = is_path(&import.specifier) || import.specifier.starts_with('#');
            if edge.target == Target::Missing && import.lazy && is_own {
                problems.push(LazyProblem::Missing {
                    importer: file.path.clone(),
                    at: import.at,
                    specifier: import.specifier.clone(),
                });
            }
        }
    }
    problems
}
