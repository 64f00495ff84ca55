//! Answers the requests of a bootstrap for files that are not in its table.

use std::path::{Path, PathBuf};

use nodejs_semver::Version;
use serde::{Deserialize, Serialize};

use super::resolver::{ImportResolver, Importer, NodeResolution, Via, is_installed};
use super::scan::{ScanRequest, is_scanned, scan, via};
use super::scan_table::{broken_file, lowered_file};
use super::sources::Sources;
use super::surroundings::{SurroundingsReader, is_always_compiled};
use super::table::{Table, VERSION};

/// A request, as the bootstrap writes it. One of `load`, `resolve` and `lower` is set.
#[derive(Debug, Deserialize)]
struct Request {
    v: u32,
    /// The version of the Node that asks.
    node: String,
    /// A file that is to be loaded.
    #[serde(default)]
    load: Option<PathBuf>,
    /// A specifier that is to be resolved, of the file `from`.
    #[serde(default)]
    resolve: Option<String>,
    #[serde(default)]
    from: Option<PathBuf>,
    #[serde(default)]
    kind: Option<Kind>,
    /// An ECMAScript module that is to become CommonJS.
    #[serde(default)]
    lower: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Import,
    Require,
}

/// The answer: a part of the table, and what a specifier means.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    table: Table,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<Option<PathBuf>>,
}

/// The options of Node with which the bootstrap's process was started.
#[derive(Debug, Clone, Default)]
pub struct TypeScriptRequestOptions {
    /// `--conditions`.
    pub conditions: Vec<String>,
    /// `--preserve-symlinks`.
    pub preserve_symlinks: bool,
}

/// Runs the helper command with the words that follow its name: options, and the request. The cache is
/// that of the instance, which an option names, else `default_cache`. Returns what the command prints.
///
/// # Errors
/// Those of [`answer_typescript_request`], and an unknown option.
pub fn run_typescript_helper(
    words: &[String],
    default_cache: impl FnOnce() -> PathBuf,
) -> Result<Vec<u8>, String> {
    let (request, words) = words.split_last().ok_or("no request")?;
    let mut options = TypeScriptRequestOptions::default();
    let mut cache = None;
    for word in words {
        match word.split_once('=') {
            Some(("--conditions", name)) => options.conditions.push(name.to_owned()),
            Some(("--cache", dir)) => cache = Some(PathBuf::from(dir)),
            None if word == "--preserve-symlinks" => options.preserve_symlinks = true,
            _ => return Err(format!("unknown option {word}")),
        }
    }
    let cache = cache.unwrap_or_else(default_cache);
    let mut answer = answer_typescript_request(request, &options, &cache)?;
    answer.push(b'\n');
    Ok(answer)
}

/// Answers a request (JSON) of a bootstrap with a part of its table (JSON): the file that it asks for,
/// and all that this file imports. A file that cannot be compiled has an error in its entry.
///
/// # Errors
/// The request is not one of this version.
pub fn answer_typescript_request(
    request: &str,
    options: &TypeScriptRequestOptions,
    cache: &Path,
) -> Result<Vec<u8>, String> {
    let request: Request =
        serde_json::from_str(request).map_err(|error| format!("not a request: {error}"))?;
    if request.v != VERSION {
        return Err(format!(
            "a request of version {}, but this is fulcrum {} with version {VERSION}",
            request.v,
            env!("CARGO_PKG_VERSION")
        ));
    }
    let node = Version::parse(&request.node)
        .map_err(|_| format!("{:?} is not a version of Node", request.node))?;
    let answerer = Answerer {
        resolution: NodeResolution {
            conditions: options.conditions.clone(),
            preserve_symlinks: options.preserve_symlinks,
            requires_modules: requires_modules(&node),
        },
        lower_using: node.major() < 24,
        cache,
    };
    let answer = match request {
        Request {
            load: Some(path), ..
        } => Answer {
            table: answerer.load(&path),
            resolved: None,
        },
        Request {
            lower: Some(path), ..
        } => Answer {
            table: answerer.lower(&path),
            resolved: None,
        },
        Request {
            resolve: Some(specifier),
            from: Some(from),
            kind: Some(kind),
            ..
        } => answerer.resolve(&specifier, &from, kind),
        _ => {
            return Err(
                "not a request: neither load, lower, nor resolve with from and kind".into(),
            );
        }
    };
    serde_json::to_vec(&answer).map_err(|error| format!("the answer is not text: {error}"))
}

struct Answerer<'a> {
    resolution: NodeResolution,
    lower_using: bool,
    cache: &'a Path,
}

impl Answerer<'_> {
    fn load(&self, path: &Path) -> Table {
        let request = ScanRequest {
            entry: path,
            cwd: None,
            cache: self.cache,
            resolution: &self.resolution,
            lower_using: self.lower_using,
            is_lenient: true,
        };
        // A lenient scan has the errors in its table.
        scan(&request).map(|scan| scan.table).unwrap_or_default()
    }

    fn lower(&self, path: &Path) -> Table {
        let resolver = ImportResolver::new(&self.resolution);
        let reader = SurroundingsReader::new(resolver.base());
        // An error in them is reported with the files to which they apply.
        let surroundings = path.parent().and_then(|dir| reader.of_dir(dir).ok());
        let surroundings = surroundings.unwrap_or_default();
        let sources = Sources {
            cache: self.cache,
            lower_using: self.lower_using,
        };
        let mut table = Table::default();
        let entry = match sources.lower(path, &surroundings) {
            Err(error) => broken_file(path, &error.into()),
            Ok(source) => {
                let importer = Importer {
                    path,
                    is_compiled: is_always_compiled(path),
                    tsconfig: surroundings.tsconfig.as_deref(),
                };
                // Packages are run as they are, so Node finds what they import.
                let imports = source.info.imports.iter();
                for import in imports.filter(|import| !import.spawned && !is_installed(path)) {
                    let via = via(import.kind, source.format);
                    let target = resolver.resolve(importer, &import.specifier, via);
                    if let Some(target) = target.path() {
                        table.add_resolution(path, &import.specifier, via, target);
                    }
                }
                lowered_file(&source)
            }
        };
        table.files.insert(path.to_owned(), entry);
        table
    }

    fn resolve(&self, specifier: &str, from: &Path, kind: Kind) -> Answer {
        let resolver = ImportResolver::new(&self.resolution);
        let surroundings = SurroundingsReader::new(resolver.base());
        // An error in it is reported with the files to which it applies.
        let found = from.parent().and_then(|dir| surroundings.of_dir(dir).ok());
        let tsconfig = found.and_then(|found| found.tsconfig);
        let importer = Importer {
            path: from,
            is_compiled: is_always_compiled(from),
            tsconfig: tsconfig.as_deref(),
        };
        let via = match kind {
            Kind::Import => Via::Import,
            Kind::Require => Via::Require,
        };
        let target = resolver.resolve(importer, specifier, via);
        let resolved = target.path().map(Path::to_owned);
        let mut table = match &resolved {
            Some(path) if is_scanned(path) => self.load(path),
            _ => Table::default(),
        };
        if let Some(path) = &resolved {
            table.add_resolution(from, specifier, via, path);
        }
        Answer {
            table,
            resolved: Some(resolved),
        }
    }
}

/// Whether Node can `require` an ECMAScript module: since 20.19 and 22.12.
pub(in crate::prepare) fn requires_modules(node: &Version) -> bool {
    let at_least = |major, minor| (node.major(), node.minor()) >= (major, minor);
    if node.major() == 20 {
        at_least(20, 19)
    } else {
        at_least(22, 12)
    }
}
