//! Follows the imports of a domain from its entry, before it is started.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::position::{Position, line_text};
use super::resolve::{BundlerResolution, Target, resolve};
use super::sources::{self, Source, is_typescript};
use super::strip::{Format, StripError, StripErrorKind, format_of};
use super::tsconfig_paths::TsconfigPaths;
use crate::prepare::package_json::PackageJson;

/// The result of a scan.
#[derive(Debug, Clone, Default)]
pub(in crate::prepare) struct Scan {
    /// The imported TypeScript files with their stripped code.
    pub(in crate::prepare) files: Vec<StrippedFile>,
    /// The first code that needs more than type stripping.
    pub(in crate::prepare) requires_transform: Option<TransformRequirement>,
    /// Whether no imported file is an ECMAScript module.
    pub(in crate::prepare) all_commonjs: bool,
}

/// A TypeScript file of a domain.
#[derive(Debug, Clone)]
pub(in crate::prepare) struct StrippedFile {
    pub(in crate::prepare) path: PathBuf,
    /// The file with the stripped code.
    pub(in crate::prepare) code: PathBuf,
    pub(in crate::prepare) format: Format,
}

/// Code that needs more than type stripping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::prepare) struct TransformRequirement {
    pub(in crate::prepare) file: PathBuf,
    pub(in crate::prepare) at: Position,
    /// The syntax, such as `an enum` or `the path alias "@lib/a"`.
    pub(in crate::prepare) what: String,
}

/// Whether the text of a JavaScript entry may import TypeScript: a cheap check that avoids most scans.
pub(in crate::prepare) fn mentions_typescript(entry: &Path) -> bool {
    let Ok(text) = fs::read(entry) else {
        return false;
    };
    [b".ts", b".mts".as_slice(), b".cts"]
        .iter()
        .any(|extension| {
            find_all(&text, extension)
                .any(|end| matches!(text.get(end), Some(b'\'' | b'"' | b'`' | b'?' | b'#')))
        })
}

fn find_all<'a>(text: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    text.windows(needle.len())
        .enumerate()
        .filter(move |(_, window)| *window == needle)
        .map(move |(at, _)| at + needle.len())
}

/// Scans `entry` (absolute, without symbolic links) and all files that it imports. Files with known
/// content are not parsed again.
///
/// # Errors
/// The first TypeScript file that has a syntax error or cannot be read, or a `package.json` that
/// cannot be read.
pub(in crate::prepare) fn scan(
    entry: &Path,
    app_root: &Path,
    cache: &Path,
) -> Result<Scan, ScanError> {
    let mut walker = ImportWalker::new(app_root, cache);
    walker.walk(entry)?;
    walker.finish()
}

/// Why a scan failed.
#[derive(Debug)]
pub(in crate::prepare) enum ScanError {
    /// A file that cannot be stripped.
    Source(Box<StripError>),
    /// A `package.json` that cannot be read.
    Package(crate::StartError),
}

impl From<StripError> for ScanError {
    fn from(error: StripError) -> Self {
        Self::Source(Box::new(error))
    }
}

impl From<crate::StartError> for ScanError {
    fn from(failure: crate::StartError) -> Self {
        Self::Package(failure)
    }
}

struct ImportWalker<'a> {
    app_root: &'a Path,
    cache: &'a Path,
    /// The files in the order in which they were found, nearest to the entry first.
    order: Vec<PathBuf>,
    sources: HashMap<PathBuf, Source>,
    scopes: BTreeMap<PathBuf, Option<PackageJson>>,
    tsconfig_paths: BTreeMap<PathBuf, TsconfigPaths>,
    /// Imports between scanned files: the importing file, the index of the import, the imported file.
    edges: Vec<(PathBuf, usize, PathBuf)>,
    requires_transform: Vec<TransformRequirement>,
}

impl<'a> ImportWalker<'a> {
    fn new(app_root: &'a Path, cache: &'a Path) -> Self {
        Self {
            app_root,
            cache,
            order: Vec::new(),
            sources: HashMap::new(),
            scopes: BTreeMap::new(),
            tsconfig_paths: BTreeMap::new(),
            edges: Vec::new(),
            requires_transform: Vec::new(),
        }
    }

    fn walk(&mut self, entry: &Path) -> Result<(), ScanError> {
        let mut queue = std::collections::VecDeque::from([entry.to_path_buf()]);
        while let Some(path) = queue.pop_front() {
            if self.sources.contains_key(&path) {
                continue;
            }
            let source = sources::load(&path, self.cache)?;
            if let Some((what, at)) = &source.requires_transform {
                self.requires_transform.push(TransformRequirement {
                    file: path.clone(),
                    at: *at,
                    what: what.clone(),
                });
            }
            let dir = path.parent().unwrap_or(&path).to_path_buf();
            self.load_dir_context(&dir)?;
            for (index, import) in source.info.imports.iter().enumerate() {
                let scope = self.scopes.get(&dir).and_then(Option::as_ref);
                let mut require_transform = |what: String| {
                    self.requires_transform.push(TransformRequirement {
                        file: path.clone(),
                        at: import.at,
                        what,
                    });
                };
                match resolve(&import.specifier, import.kind, &path, scope) {
                    Target::File(target) => {
                        self.edges.push((path.clone(), index, target.clone()));
                        queue.push_back(target);
                    }
                    // JavaScript is run as it is, so its imports are resolved by Node alone.
                    Target::BundlerOnly(..) if !is_typescript(&path) => {}
                    Target::BundlerOnly(actual, resolution) => {
                        require_transform(describe_import(&import.specifier, &actual, resolution));
                    }
                    Target::External => {
                        let paths = self.tsconfig_paths.get(&dir);
                        if is_typescript(&path)
                            && paths.is_some_and(|paths| paths.resolves(&import.specifier))
                        {
                            require_transform(format!(
                                "the path alias {:?} of tsconfig.json",
                                import.specifier
                            ));
                        }
                    }
                }
            }
            self.order.push(path.clone());
            self.sources.insert(path, source);
        }
        Ok(())
    }

    /// Reads the package scope and the path aliases of a directory, once.
    fn load_dir_context(&mut self, dir: &Path) -> Result<(), ScanError> {
        if !self.scopes.contains_key(dir) {
            self.scopes
                .insert(dir.to_path_buf(), PackageJson::package_scope(dir)?);
            self.tsconfig_paths
                .insert(dir.to_path_buf(), TsconfigPaths::load(dir, self.app_root));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Scan, ScanError> {
        self.find_types_imported_as_values();
        let mut scan = Scan {
            all_commonjs: true,
            ..Scan::default()
        };
        for path in &self.order {
            let source = &self.sources[path];
            let scope = path
                .parent()
                .and_then(|dir| self.scopes.get(dir))
                .and_then(Option::as_ref);
            let format = format_of(path, scope, source.info.is_module);
            scan.all_commonjs &= format == Format::CommonJs;
            if let Some(code) = &source.code {
                let (path, code) = (path.clone(), code.clone());
                scan.files.push(StrippedFile { path, code, format });
            }
        }
        let rank = |file: &Path| self.order.iter().position(|path| path == file);
        scan.requires_transform = self
            .requires_transform
            .into_iter()
            .min_by_key(|requirement| (rank(&requirement.file), requirement.at));
        Ok(scan)
    }

    /// Finds `import {T} from './t.ts'` of a type: the import of `T` is not removed, since this file
    /// does not show that it is a type, and Node finds no such export.
    fn find_types_imported_as_values(&mut self) {
        for (from, index, to) in &self.edges {
            let (source, target) = (&self.sources[from], &self.sources[to]);
            let has_all_exports = target.requires_transform.is_none()
                && target.info.is_module
                && !target.info.exports_all;
            if !is_typescript(from) || !is_typescript(to) || !has_all_exports {
                continue;
            }
            let Some(import) = source.info.imports.get(*index) else {
                continue;
            };
            for (name, at) in &import.names {
                if !target.info.exports.contains(name) && declares_type(to, name) {
                    let what = format!("the import of the type {name} without the word `type`");
                    self.requires_transform.push(TransformRequirement {
                        file: from.clone(),
                        at: *at,
                        what,
                    });
                }
            }
        }
    }
}

/// Whether the text of a file contains `type NAME` or `interface NAME`.
fn declares_type(path: &Path, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(path) else {
        return false;
    };
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.match_indices(name).any(|(at, _)| {
        let is_whole_word = !text[at + name.len()..].starts_with(is_word);
        let before = text[..at].trim_end();
        let has_space = before.len() < at;
        let keyword = before.rsplit(|c| !is_word(c)).next().unwrap_or_default();
        is_whole_word && has_space && matches!(keyword, "type" | "interface")
    })
}

fn describe_import(specifier: &str, actual: &Path, resolution: BundlerResolution) -> String {
    let name = actual.file_name().unwrap_or_default().display();
    match resolution {
        BundlerResolution::Extension => {
            format!("the import {specifier:?} without an extension, meaning {name}")
        }
        BundlerResolution::OtherExtension => format!("the import {specifier:?}, meaning {name}"),
        BundlerResolution::Jsx => format!("the import {specifier:?} of a file with JSX"),
    }
}

impl TransformRequirement {
    /// Converts it into an error with the line.
    pub(in crate::prepare) fn into_error(self) -> StripError {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        StripError {
            source_line: line_text(text.trim_start_matches('\u{feff}'), self.at.line),
            line: self.at.line,
            column: self.at.column,
            message: format!("{} needs more than type stripping", self.what),
            kind: StripErrorKind::NeedsTransform(self.what),
            file: self.file,
        }
    }
}
