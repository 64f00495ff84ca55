//! Reads and compiles files, each content once: the results are cached.
//!
//! # The cache
//! `<cache>/ts/<first two digits>/<key>.json` has what the scan needs of a file, and `<key>.js` its
//! code. The key is a digest of the text, the options and the version of the compiler. Code with a
//! source map names the map, which names the source, so its key is a digest of the path too. Files are
//! written atomically, and code before what refers to it, so several instances may write and delete at
//! any time: what is missing is compiled again.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::cache_sweep::mark_used;
use super::compile::{Compiled, compile};
use super::compile_options::{CompileOptions, FileKind};
use super::import_visitor::parse_module;
use super::module_info::{ImportKind, ModuleInfo};
use super::position::{line_text, position_at};
use super::strip::{Format, StripError, StripErrorKind, run_isolated};
use super::surroundings::{PackageType, Surroundings, extension, is_always_compiled};
use crate::prepare::files::{FileStamp, digest, file_url, write_cached};
use crate::prepare::package_json::PackageJson;

/// Part of every key, so that another compiler or another [`ModuleInfo`] has other keys: the version of
/// Fulcrum, and the state of the program, which differs between builds of one version.
static COMPILER: LazyLock<String> = LazyLock::new(|| {
    let program = std::env::current_exe().and_then(|program| FileStamp::read(&program));
    let stamp = serde_json::to_string(&program.ok()).unwrap_or_default();
    format!("fulcrum {} {stamp}", env!("CARGO_PKG_VERSION"))
});

/// A file that takes longer is named: the user waits and sees nothing else. A generated file of 5 MB
/// takes from 0.4 s (types) to 5 s (20,000 enums).
const SLOW_COMPILATION: Duration = Duration::from_secs(1);

/// A file of a scan.
#[derive(Debug, Clone)]
pub(in crate::prepare) struct Source {
    pub(super) info: ModuleInfo,
    pub(super) format: Format,
    /// What is run in place of the file; `None` if the file itself is run.
    pub(super) code: Option<Code>,
    /// The names that an ECMAScript module can import, if the code is CommonJS.
    pub(super) exports: Option<Vec<String>>,
    /// The state of the file when it was read.
    pub(super) stamp: Stamp,
}

/// By size and time the bootstrap detects that a file has changed, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) mtime_ms: i64,
}

impl Stamp {
    pub(super) fn of(meta: &fs::Metadata) -> Self {
        Self {
            size: meta.size(),
            mtime_ms: meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000,
        }
    }
}

/// Compiled code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Code {
    /// In a file of the cache.
    Cached {
        path: PathBuf,
        /// Whether it has a source map.
        has_map: bool,
    },
    /// The text, if the cache cannot be written. It has no source map.
    Inline(String),
}

/// What is cached next to compiled code.
#[derive(Serialize, Deserialize)]
struct CachedInfo {
    #[serde(rename = "facts")]
    info: ModuleInfo,
    format: Format,
    exports: Option<Vec<String>>,
    mapped: bool,
}

/// Reads and compiles files.
#[derive(Debug, Clone, Copy)]
pub(in crate::prepare) struct Sources<'a> {
    /// Fulcrum's cache directory.
    pub(in crate::prepare) cache: &'a Path,
    /// Whether `using` is lowered, for a Node that cannot run it.
    pub(in crate::prepare) lower_using: bool,
}

impl Sources<'_> {
    /// Reads a file; a known content is not parsed again. JavaScript that cannot be read, parsed or
    /// compiled has what is known of it, since Node reports the error.
    ///
    /// # Errors
    /// A file that has to be compiled cannot be read, or has an error.
    pub(super) fn load(
        &self,
        path: &Path,
        surroundings: &Surroundings,
    ) -> Result<Source, StripError> {
        let is_always_compiled = is_always_compiled(path);
        let (bytes, stamp) = match read(path) {
            Ok(read) => read,
            Err(_) if !is_always_compiled => return Ok(unreadable_javascript(path)),
            Err(error) => return Err(unreadable(path, format!("cannot be read: {error}"))),
        };
        let options = surroundings.options(path, self.lower_using);
        if is_always_compiled {
            return self.compiled(path, bytes, stamp, &options);
        }
        let info = javascript_info(&bytes, self.cache);
        let becomes_commonjs = options.kind == FileKind::CommonJs && info.is_module;
        if becomes_commonjs && let Ok(source) = self.compiled(path, bytes, stamp, &options) {
            return Ok(source);
        }
        let is_module = match options.kind {
            FileKind::Module if extension(path) == "mjs" => true,
            FileKind::Module => {
                info.is_module || surroundings.package_type == Some(PackageType::Module)
            }
            FileKind::CommonJs | FileKind::CommonJsUnlessTopLevelAwait => false,
        };
        Ok(Source {
            info,
            format: if is_module {
                Format::Module
            } else {
                Format::CommonJs
            },
            code: None,
            exports: None,
            stamp,
        })
    }

    /// Reads an ECMAScript module as CommonJS.
    ///
    /// # Errors
    /// It cannot be read, or cannot become CommonJS.
    pub(super) fn lower(
        &self,
        path: &Path,
        surroundings: &Surroundings,
    ) -> Result<Source, StripError> {
        let (bytes, stamp) =
            read(path).map_err(|error| unreadable(path, format!("cannot be read: {error}")))?;
        let options = CompileOptions {
            kind: FileKind::CommonJs,
            ..surroundings.options(path, self.lower_using)
        };
        self.compiled(path, bytes, stamp, &options)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the duration is only reported: nothing is decided by it"
    )]
    fn compiled(
        &self,
        path: &Path,
        bytes: Vec<u8>,
        stamp: Stamp,
        options: &CompileOptions,
    ) -> Result<Source, StripError> {
        let key = self.key(path, &bytes, options);
        let source = |cached: CachedInfo, code| Source {
            info: cached.info,
            format: cached.format,
            code: Some(code),
            exports: cached.exports,
            stamp,
        };
        if let Some((cached, code)) = self.cached(path, &key) {
            return Ok(source(cached, code));
        }
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
        let begin = Instant::now();
        let compiled = compile(path, &text, options)?;
        let took = begin.elapsed();
        if took > SLOW_COMPILATION {
            tracing::warn!(
                file = %path.display(),
                code = %crate::code::Code::SlowCompile,
                "compiling {} KB of TypeScript took {} ms; the result is cached until the file changes",
                text.len() / 1000,
                took.as_millis(),
            );
        }
        let cached = CachedInfo {
            info: compiled.info.clone(),
            format: compiled.format,
            exports: compiled.exports.clone(),
            mapped: compiled.map.is_some(),
        };
        let code = self
            .store(path, &key, &compiled, &cached)
            .unwrap_or(Code::Inline(compiled.code));
        Ok(source(cached, code))
    }

    fn key(&self, path: &Path, bytes: &[u8], options: &CompileOptions) -> String {
        let options = serde_json::to_vec(options).unwrap_or_default();
        let language = extension(path).as_bytes();
        digest(&[COMPILER.as_bytes(), language, &options, bytes])
    }

    /// The file with the code of a key.
    fn code_path(&self, path: &Path, key: &str, has_map: bool) -> PathBuf {
        if !has_map {
            return cache_path(self.cache, key, "js");
        }
        let key = digest(&[key.as_bytes(), path.as_os_str().as_encoded_bytes()]);
        cache_path(self.cache, &key, "js")
    }

    fn cached(&self, path: &Path, key: &str) -> Option<(CachedInfo, Code)> {
        let cached: CachedInfo = read_cached_json(&cache_path(self.cache, key, "json"))?;
        let code = self.code_path(path, key, cached.mapped);
        // It may have been deleted, by hand or to save space.
        mark_used(&code).ok()?;
        if cached.mapped {
            mark_used(&map_path(&code)).ok()?;
        }
        let has_map = cached.mapped;
        Some((
            cached,
            Code::Cached {
                path: code,
                has_map,
            },
        ))
    }

    /// Writes compiled code; `None` if the cache cannot be written.
    fn store(
        &self,
        path: &Path,
        key: &str,
        compiled: &Compiled,
        cached: &CachedInfo,
    ) -> Option<Code> {
        let code_path = self.code_path(path, key, cached.mapped);
        // Node would run a file of the cache below a directory that is not text, but the table cannot
        // name it.
        code_path.to_str()?;
        if let Some(map) = &compiled.map {
            let map_path = map_path(&code_path);
            write_cached(&map_path, map.as_bytes()).ok()?;
            // Node resolves a path against the URL of the source, and reads no map by a `file:` URL.
            let url = file_url(&map_path);
            let url = url.trim_start_matches("file://");
            let comment = format!("\n//# sourceMappingURL={url}\n");
            let code = [compiled.code.as_bytes(), comment.as_bytes()].concat();
            write_cached(&code_path, &code).ok()?;
        } else {
            write_cached(&code_path, compiled.code.as_bytes()).ok()?;
        }
        let text = serde_json::to_vec(cached).ok()?;
        write_cached(&cache_path(self.cache, key, "json"), &text).ok()?;
        Some(Code::Cached {
            path: code_path,
            has_map: cached.mapped,
        })
    }
}

/// The first static import of a JavaScript file; `None` if it has none, or cannot be read or parsed.
pub(in crate::prepare) fn first_static_import(path: &Path, cache: &Path) -> Option<String> {
    let (bytes, _) = read(path).ok()?;
    let imports = javascript_info(&bytes, cache).imports;
    let first = imports
        .into_iter()
        .find(|import| import.kind == ImportKind::Static)?;
    Some(first.specifier)
}

/// Whether a JavaScript file has syntax that only a module may have. One that cannot be read or parsed
/// has not, as Node reports it.
pub(in crate::prepare) fn has_module_syntax(path: &Path, cache: &Path) -> bool {
    let Ok((bytes, _)) = read(path) else {
        return false;
    };
    let contains = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    (contains(b"import") || contains(b"export")) && javascript_info(&bytes, cache).is_module
}

/// Whether a file is an ECMAScript module for Node, by its extension, its package or its syntax.
pub(in crate::prepare) fn is_module(path: &Path, cache: &Path) -> bool {
    let scope = path.parent().map(PackageJson::package_scope);
    let scope = scope.and_then(|scope| scope.ok().flatten());
    let package_type = scope.as_ref().and_then(|package| package.r#type.as_str());
    match (extension(path), package_type) {
        ("mjs", _) => true,
        ("cjs", _) | (_, Some("commonjs")) => false,
        (_, Some("module")) => true,
        _ => read(path).is_ok_and(|(bytes, _)| javascript_info(&bytes, cache).is_module),
    }
}

/// What JavaScript imports; nothing if it cannot be parsed.
fn javascript_info(bytes: &[u8], cache: &Path) -> ModuleInfo {
    let key = digest(&[COMPILER.as_bytes(), b"js", bytes]);
    let path = cache_path(cache, &key, "json");
    if let Some(info) = read_cached_json(&path) {
        return info;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return ModuleInfo::default();
    };
    let info = run_isolated(text, |text| parse_module(&text));
    let info = info.flatten().unwrap_or_default();
    // Without it, the file is parsed again by the next start.
    let _ = serde_json::to_vec(&info).map(|text| write_cached(&path, &text));
    info
}

fn cache_path(cache: &Path, key: &str, extension: &str) -> PathBuf {
    let dir = cache.join("ts").join(&key[..2]);
    dir.join(format!("{key}.{extension}"))
}

fn map_path(code: &Path) -> PathBuf {
    let mut path = code.as_os_str().to_owned();
    path.push(".map");
    path.into()
}

fn read_cached_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    let text = fs::read(path).ok()?;
    // A file that was deleted meanwhile is no error here.
    let _ = mark_used(path);
    serde_json::from_slice(&text).ok()
}

fn read(path: &Path) -> std::io::Result<(Vec<u8>, Stamp)> {
    let mut file = File::open(path)?;
    // The state before the content is read: a change meanwhile is noticed.
    let stamp = Stamp::of(&file.metadata()?);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, stamp))
}

fn unreadable_javascript(path: &Path) -> Source {
    Source {
        info: ModuleInfo::default(),
        format: if extension(path) == "mjs" {
            Format::Module
        } else {
            Format::CommonJs
        },
        code: None,
        exports: None,
        stamp: Stamp {
            size: 0,
            mtime_ms: 0,
        },
    }
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> StripError {
    let valid = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes());
    let at = position_at(&text, valid);
    StripError {
        file: path.to_path_buf(),
        line: at.line,
        column: at.column,
        message: "is not UTF-8 text; save it with this encoding".to_owned(),
        kind: StripErrorKind::Syntax,
        source_line: line_text(&text, at.line),
    }
}

fn unreadable(path: &Path, message: String) -> StripError {
    StripError {
        file: path.to_path_buf(),
        line: 1,
        column: 1,
        message,
        kind: StripErrorKind::Syntax,
        source_line: String::new(),
    }
}
