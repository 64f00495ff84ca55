//! Following the imports of a domain from its entry, before anything runs.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::position::{Position, line_text};
use super::resolve::{BundlerResolution, Target, resolve};
use super::sources::{self, Source, is_typescript};
use super::strip::{Format, StripError, StripErrorKind, format_of};
use super::tsconfig_paths::TsconfigPaths;
use crate::prepare::package_json::PackageJson;

/// What was found below an entry.
#[derive(Debug, Clone, Default)]
pub(in crate::prepare) struct Scan {
    /// The TypeScript files with their stripped code.
    pub(in crate::prepare) files: Vec<StrippedFile>,
    /// The first thing that needs more than stripping, and where.
    pub(in crate::prepare) requires_transform: Option<TransformRequirement>,
    /// No file that can be reached is an ECMAScript module.
    pub(in crate::prepare) all_commonjs: bool,
}

/// One TypeScript file of a domain.
#[derive(Debug, Clone)]
pub(in crate::prepare) struct StrippedFile {
    pub(in crate::prepare) path: PathBuf,
    pub(in crate::prepare) code: PathBuf,
    pub(in crate::prepare) format: Format,
}

/// Something that blanking out types can't do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::prepare) struct TransformRequirement {
    pub(in crate::prepare) file: PathBuf,
    pub(in crate::prepare) at: Position,
    /// What it is: `an enum`, `the path alias "@lib/a"`.
    pub(in crate::prepare) what: String,
}

/// Whether a JavaScript entry may import TypeScript: a cheap look that spares most of them the scan.
pub(in crate::prepare) fn mentions_typescript(entry: &Path) -> bool {
    let Ok(text) = fs::read(entry) else {
        return false;
    };
    [b".ts", b".mts".as_slice(), b".cts"]
        .iter()
        .any(|extension| {
            memchr_all(&text, extension)
                .any(|end| matches!(text.get(end), Some(b'\'' | b'"' | b'`' | b'?' | b'#')))
        })
}

fn memchr_all<'a>(text: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    text.windows(wanted.len())
        .enumerate()
        .filter(move |(_, window)| *window == wanted)
        .map(move |(at, _)| at + wanted.len())
}

/// Scans what `entry` (absolute, links resolved) imports. Files that are known by content aren't
/// parsed again.
///
/// # Errors
/// The first file that isn't TypeScript or can't be read; package files that can't be.
pub(in crate::prepare) fn scan(
    entry: &Path,
    app_root: &Path,
    cache: &Path,
) -> Result<Scan, ScanError> {
    let mut walk = ImportWalker::new(app_root, cache);
    walk.walk(entry)?;
    walk.finish()
}

/// What ends a scan.
#[derive(Debug)]
pub(in crate::prepare) enum ScanError {
    /// A file that can't be stripped.
    Source(Box<StripError>),
    /// A `package.json` that can't be read.
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
    /// In the order in which they were met, so that the first obstacle is the one nearest to the
    /// entry.
    order: Vec<PathBuf>,
    sources: HashMap<PathBuf, Source>,
    scopes: BTreeMap<PathBuf, Option<PackageJson>>,
    aliases: BTreeMap<PathBuf, TsconfigPaths>,
    /// Static imports between followed files, for the check of names.
    links: Vec<(PathBuf, usize, PathBuf)>,
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
            aliases: BTreeMap::new(),
            links: Vec::new(),
            requires_transform: Vec::new(),
        }
    }

    fn walk(&mut self, entry: &Path) -> Result<(), ScanError> {
        let mut waiting = std::collections::VecDeque::from([entry.to_path_buf()]);
        while let Some(path) = waiting.pop_front() {
            if self.sources.contains_key(&path) {
                continue;
            }
            let source = sources::load(&path, self.cache)?;
            if let Some((what, at)) = &source.needs {
                self.requires_transform.push(TransformRequirement {
                    file: path.clone(),
                    at: *at,
                    what: what.clone(),
                });
            }
            let dir = path.parent().unwrap_or(&path).to_path_buf();
            self.load_dir_context(&dir)?;
            for (index, import) in source.facts.imports.iter().enumerate() {
                let scope = self.scopes.get(&dir).and_then(Option::as_ref);
                let mut need = |what: String| {
                    self.requires_transform.push(TransformRequirement {
                        file: path.clone(),
                        at: import.at,
                        what,
                    });
                };
                match resolve(&import.specifier, import.via, &path, scope) {
                    Target::File(target) => {
                        self.links.push((path.clone(), index, target.clone()));
                        waiting.push_back(target);
                    }
                    // What JavaScript can't find it couldn't find before either.
                    Target::BundlerOnly(..) if !is_typescript(&path) => {}
                    Target::BundlerOnly(meant, guess) => {
                        need(guessed(&import.specifier, &meant, guess));
                    }
                    Target::External => {
                        let alias = self.aliases.get(&dir);
                        if is_typescript(&path)
                            && alias.is_some_and(|alias| alias.resolves(&import.specifier))
                        {
                            need(format!(
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

    /// Reads what holds in a folder, once.
    fn load_dir_context(&mut self, dir: &Path) -> Result<(), ScanError> {
        if !self.scopes.contains_key(dir) {
            self.scopes
                .insert(dir.to_path_buf(), PackageJson::package_scope(dir)?);
            self.aliases
                .insert(dir.to_path_buf(), TsconfigPaths::of(dir, self.app_root));
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
            let format = format_of(path, scope, source.facts.is_module);
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
            .min_by_key(|need| (rank(&need.file), need.at));
        Ok(scan)
    }

    /// `import {T} from './t.ts'` of a type: nothing in this file says that it is one, so it can't
    /// be blanked out, and Node finds no such export.
    fn find_types_imported_as_values(&mut self) {
        for (from, index, to) in &self.links {
            let (source, target) = (&self.sources[from], &self.sources[to]);
            let told =
                target.needs.is_none() && target.facts.is_module && !target.facts.exports_all;
            if !is_typescript(from) || !is_typescript(to) || !told {
                continue;
            }
            let Some(import) = source.facts.imports.get(*index) else {
                continue;
            };
            for (name, at) in &import.names {
                if !target.facts.exports.contains(name) && declares_type(to, name) {
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

/// Whether the text of a file has `type NAME` or `interface NAME`.
fn declares_type(path: &Path, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(path) else {
        return false;
    };
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.match_indices(name).any(|(at, _)| {
        let whole = !text[at + name.len()..].starts_with(word);
        let before = text[..at].trim_end();
        let spaced = before.len() < at;
        let keyword = before.rsplit(|c| !word(c)).next().unwrap_or_default();
        whole && spaced && matches!(keyword, "type" | "interface")
    })
}

fn guessed(specifier: &str, meant: &Path, guess: BundlerResolution) -> String {
    let name = meant.file_name().unwrap_or_default().display();
    match guess {
        BundlerResolution::Extension => {
            format!("the import {specifier:?} without an extension, meaning {name}")
        }
        BundlerResolution::OtherExtension => format!("the import {specifier:?}, meaning {name}"),
        BundlerResolution::Jsx => format!("the import {specifier:?} of a file with JSX"),
    }
}

impl TransformRequirement {
    /// As an error at its place.
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
