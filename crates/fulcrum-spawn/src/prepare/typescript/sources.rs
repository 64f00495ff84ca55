//! Reads and strips files, each content once; the results are cached.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::module_info::{ImportKind, ModuleInfo, parse_module};
use super::position::Position;
use super::strip::{Format, StripError, StripErrorKind, format_of, run_isolated, strip_text};
use crate::prepare::files::{digest, write_cached};
use crate::prepare::package_json::PackageJson;

/// Part of every cache key, so that another version of the stripper or of [`ModuleInfo`] has other keys.
const STRIPPER: &str = "swc_ts_fast_strip 60.0.0, facts 1";

/// A file of a scan.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) info: ModuleInfo,
    /// The file with its stripped code; `None` for JavaScript and for code that cannot be stripped.
    pub(super) code: Option<PathBuf>,
    /// The syntax that needs more than type stripping, and its position.
    pub(super) requires_transform: Option<(String, Position)>,
}

/// What is cached next to stripped code.
#[derive(Serialize, Deserialize)]
struct CachedModuleInfo {
    #[serde(rename = "facts")]
    info: ModuleInfo,
    #[serde(default, rename = "needs", skip_serializing_if = "Option::is_none")]
    requires_transform: Option<(String, Position)>,
}

/// Whether a file is TypeScript, by its extension.
pub(super) fn is_typescript(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "ts" || extension == "mts" || extension == "cts")
}

/// Reads a file; a known content is not parsed again. JavaScript that cannot be read or parsed has an
/// empty [`ModuleInfo`], since Node reports the error.
///
/// # Errors
/// A TypeScript file has a syntax error or cannot be read, or the cache cannot be written.
pub(super) fn load(path: &Path, cache: &Path) -> Result<Source, StripError> {
    let is_typescript = is_typescript(path);
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(_) if !is_typescript => return Ok(empty_source()),
        Err(error) => return Err(unreadable(path, format!("cannot be read: {error}"))),
    };
    let language: &[u8] = if is_typescript { b"ts" } else { b"js" };
    let key = digest(&[STRIPPER.as_bytes(), language, &bytes]);
    let dir = cache.join("ts").join(&key[..2]);
    let info_path = dir.join(format!("{key}.json"));
    let code_path = dir.join(format!("{key}.js"));
    let cached = fs::read(&info_path)
        .ok()
        .and_then(|text| serde_json::from_slice::<CachedModuleInfo>(&text).ok())
        // The code is written first, but may have been deleted since.
        .filter(|cached| {
            !is_typescript || cached.requires_transform.is_some() || code_path.is_file()
        });
    let (info, code) = match cached {
        Some(cached) => (cached, None),
        None => match String::from_utf8(bytes) {
            Ok(text) => parse(path, &text, is_typescript)?,
            Err(_) if !is_typescript => return Ok(empty_source()),
            Err(_) => return Err(unreadable(path, "is not UTF-8 text".to_owned())),
        },
    };
    if let Some(code) = &code {
        write_cached(&code_path, code.as_bytes())
            .map_err(|error| cache_write_error(path, &code_path, &error))?;
    }
    if code.is_some() || !info_path.is_file() {
        let text = serde_json::to_vec(&info).unwrap_or_default();
        write_cached(&info_path, &text)
            .map_err(|error| cache_write_error(path, &info_path, &error))?;
    }
    let is_strippable = is_typescript && info.requires_transform.is_none();
    Ok(Source {
        info: info.info,
        requires_transform: info.requires_transform,
        code: is_strippable.then_some(code_path),
    })
}

/// The first static import of a JavaScript file; `None` if it has none, or cannot be read or parsed.
pub(in crate::prepare) fn first_static_import(path: &Path, cache: &Path) -> Option<String> {
    let imports = load(path, cache).ok()?.info.imports;
    let first = imports
        .into_iter()
        .find(|import| import.kind == ImportKind::Static)?;
    Some(first.specifier)
}

/// Whether a file is an ECMAScript module for Node, by its extension, its package or its syntax.
pub(in crate::prepare) fn is_module(path: &Path, cache: &Path) -> bool {
    let scope = path.parent().map(PackageJson::package_scope);
    let scope = scope.and_then(|scope| scope.ok().flatten());
    let has_module_syntax = load(path, cache).is_ok_and(|source| source.info.is_module);
    format_of(path, scope.as_ref(), has_module_syntax) == Format::Module
}

fn parse(
    path: &Path,
    text: &str,
    is_typescript: bool,
) -> Result<(CachedModuleInfo, Option<String>), StripError> {
    if !is_typescript {
        let info = parse_module_isolated(text);
        return Ok((without_transform(info), None));
    }
    match strip_text(path, text) {
        Ok((_, info)) if info.decorator.is_some() => {
            let requires_transform = info.decorator.map(|at| ("a decorator".to_owned(), at));
            let info = CachedModuleInfo {
                info,
                requires_transform,
            };
            Ok((info, None))
        }
        Ok((code, info)) => Ok((without_transform(info), Some(code))),
        Err(StripError {
            kind: StripErrorKind::NeedsTransform(what),
            line,
            column,
            ..
        }) => {
            let info = CachedModuleInfo {
                info: ModuleInfo::default(),
                requires_transform: Some((what, Position { line, column })),
            };
            Ok((info, None))
        }
        Err(error) => Err(error),
    }
}

fn without_transform(info: ModuleInfo) -> CachedModuleInfo {
    CachedModuleInfo {
        info,
        requires_transform: None,
    }
}

fn parse_module_isolated(text: &str) -> ModuleInfo {
    run_isolated(text, |text| parse_module(&text))
        .flatten()
        .unwrap_or_default()
}

fn empty_source() -> Source {
    Source {
        info: ModuleInfo::default(),
        code: None,
        requires_transform: None,
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

fn cache_write_error(path: &Path, cache_file: &Path, error: &std::io::Error) -> StripError {
    unreadable(
        path,
        format!(
            "cannot write its stripped code to {}: {error}",
            cache_file.display()
        ),
    )
}
