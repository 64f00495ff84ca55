//! Files read, stripped and told about, each content once.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::module_info::{ImportKind, ModuleInfo, parse_module};
use super::position::Position;
use super::strip::{Format, StripError, StripErrorKind, format_of, strip_text};
use crate::prepare::files::{digest, write_cached};
use crate::prepare::package_json::PackageJson;

/// Part of every key: another stripper or another form of the facts makes another key.
const STRIPPER: &str = "swc_ts_fast_strip 60.0.0, facts 1";

/// A file as the scan sees it.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) facts: ModuleInfo,
    /// Where its stripped code is; `None` for JavaScript and for what can't be stripped.
    pub(super) code: Option<PathBuf>,
    /// What of it needs more than stripping, and where.
    pub(super) needs: Option<(String, Position)>,
}

/// The companion of a stripped file.
#[derive(Serialize, Deserialize)]
struct CachedModuleInfo {
    facts: ModuleInfo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    needs: Option<(String, Position)>,
}

/// Whether a file holds TypeScript, by its name.
pub(super) fn is_typescript(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "ts" || extension == "mts" || extension == "cts")
}

/// Reads a file, from the cache under `cache` where the content is known. JavaScript that can't be
/// read or parsed has no facts; what is wrong with it Node says better.
///
/// # Errors
/// For TypeScript that isn't any, or can't be read.
pub(super) fn load(path: &Path, cache: &Path) -> Result<Source, StripError> {
    let typescript = is_typescript(path);
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(_) if !typescript => return Ok(without_facts()),
        Err(error) => return Err(unreadable(path, format!("can't be read: {error}"))),
    };
    let language: &[u8] = if typescript { b"ts" } else { b"js" };
    let key = digest(&[STRIPPER.as_bytes(), language, &bytes]);
    let dir = cache.join("ts").join(&key[..2]);
    let companion_path = dir.join(format!("{key}.json"));
    let code_path = dir.join(format!("{key}.js"));
    let known = fs::read(&companion_path)
        .ok()
        .and_then(|text| serde_json::from_slice::<CachedModuleInfo>(&text).ok())
        // The code is written first; someone may have deleted it since.
        .filter(|known| !typescript || known.needs.is_some() || code_path.is_file());
    let (companion, code) = match known {
        Some(known) => (known, None),
        None => match String::from_utf8(bytes) {
            Ok(text) => read(path, &text, typescript)?,
            Err(_) if !typescript => return Ok(without_facts()),
            Err(_) => return Err(unreadable(path, "is not UTF-8 text".to_owned())),
        },
    };
    if let Some(code) = &code {
        write_cached(&code_path, code.as_bytes())
            .map_err(|error| cache_write_error(path, &code_path, &error))?;
    }
    if code.is_some() || !companion_path.is_file() {
        let text = serde_json::to_vec(&companion).unwrap_or_default();
        write_cached(&companion_path, &text)
            .map_err(|error| cache_write_error(path, &companion_path, &error))?;
    }
    let strippable = typescript && companion.needs.is_none();
    Ok(Source {
        facts: companion.facts,
        needs: companion.needs,
        code: strippable.then_some(code_path),
    })
}

/// What a JavaScript file imports first, told from its syntax and kept in the cache; `None` where
/// it imports nothing or can't be read or parsed.
pub(in crate::prepare) fn first_static_import(path: &Path, cache: &Path) -> Option<String> {
    let imports = load(path, cache).ok()?.facts.imports;
    let first = imports
        .into_iter()
        .find(|one| one.via == ImportKind::Static)?;
    Some(first.specifier)
}

/// Whether Node takes a file for an ECMAScript module: by its extension, its package or its syntax.
pub(in crate::prepare) fn is_module(path: &Path, cache: &Path) -> bool {
    let scope = path.parent().map(PackageJson::package_scope);
    let scope = scope.and_then(|scope| scope.ok().flatten());
    let syntax = load(path, cache).is_ok_and(|source| source.facts.is_module);
    format_of(path, scope.as_ref(), syntax) == Format::Module
}

fn read(
    path: &Path,
    text: &str,
    typescript: bool,
) -> Result<(CachedModuleInfo, Option<String>), StripError> {
    if !typescript {
        let facts = parse_module_isolated(text);
        return Ok((CachedModuleInfo { facts, needs: None }, None));
    }
    match strip_text(path, text) {
        Ok((_, facts)) if facts.decorator.is_some() => {
            let needs = facts.decorator.map(|at| ("a decorator".to_owned(), at));
            Ok((CachedModuleInfo { facts, needs }, None))
        }
        Ok((code, facts)) => Ok((CachedModuleInfo { facts, needs: None }, Some(code))),
        Err(StripError {
            kind: StripErrorKind::NeedsTransform(what),
            line,
            column,
            ..
        }) => {
            let needs = Some((what, Position { line, column }));
            Ok((
                CachedModuleInfo {
                    facts: ModuleInfo::default(),
                    needs,
                },
                None,
            ))
        }
        Err(error) => Err(error),
    }
}

fn parse_module_isolated(text: &str) -> ModuleInfo {
    super::strip::run_isolated(text, |text| parse_module(&text))
        .flatten()
        .unwrap_or_default()
}

fn without_facts() -> Source {
    Source {
        facts: ModuleInfo::default(),
        code: None,
        needs: None,
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

fn cache_write_error(path: &Path, kept: &Path, error: &std::io::Error) -> StripError {
    unreadable(
        path,
        format!(
            "its stripped code can't be kept in {}: {error}",
            kept.display()
        ),
    )
}
