//! Type stripping: types are replaced by spaces, so that every line and column stays the same.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use swc_common::errors::{DiagnosticBuilder, DiagnosticId, Emitter, Handler};
use swc_common::sync::Lrc;
use swc_common::{BytePos, SourceMap};
use swc_ecma_parser::TsSyntax;
use swc_ts_fast_strip::{Mode, Options, operate};

use super::module_info::{ModuleInfo, parse_module};
use super::nesting::first_too_deep;
use super::position::{line_text, position_at};
use crate::prepare::package_json::PackageJson;

/// The stack size for the parser and the visitors of its tree, which recurse. It is enough for any
/// text within the limits of [`nesting`](super::nesting); only the used part is backed by memory.
const PARSER_STACK_SIZE: usize = 256 * 1024 * 1024;

/// Larger files are rejected: they contain data, and parsing takes seconds, which delays a start.
const MAX_FILE_SIZE: usize = 16 * 1024 * 1024;

/// The module format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// An ECMAScript module.
    Module,
    /// A CommonJS module.
    CommonJs,
}

/// A TypeScript file without its types. Serializes as `{"code", "format"}`, which is what the
/// bootstrap reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stripped {
    /// JavaScript; what is left has its original line and UTF-16 column.
    pub code: String,
    /// The module format: by the extension for `.mts` and `.cts`, else by the nearest
    /// `package.json`, else by the syntax.
    pub format: Format,
}

/// The kind of a [`StripError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StripErrorKind {
    /// The file has a syntax error, or cannot be read.
    Syntax,
    /// The file has syntax that needs more than type stripping, such as `an enum`.
    NeedsTransform(String),
}

/// Why a file cannot be stripped, and where. `Display` has the line with a marker below the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// The message.
    pub message: String,
    /// The kind of the error.
    pub kind: StripErrorKind,
    /// The text of the line; empty if there is none.
    pub source_line: String,
}

impl fmt::Display for StripError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            source_line,
            ..
        } = self;
        write!(f, "{}:{line}:{column}: {message}", file.display())?;
        if source_line.is_empty() {
            return Ok(());
        }
        // Tabs stay tabs, so that the marker is below the column.
        let before = source_line.chars().take(*column as usize - 1);
        let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "\n    {source_line}\n    {indent}^")
    }
}

impl std::error::Error for StripError {}

/// Reads a TypeScript file and strips its types.
///
/// # Errors
/// The file has a syntax error, cannot be read, or needs more than type stripping.
pub fn strip_file(path: &Path) -> Result<Stripped, StripError> {
    let unreadable = |message: String| StripError {
        file: path.to_path_buf(),
        line: 1,
        column: 1,
        message,
        kind: StripErrorKind::Syntax,
        source_line: String::new(),
    };
    let bytes = fs::read(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("is not UTF-8 text".to_owned()))?;
    let (code, info) = strip_text(path, &text)?;
    if let Some(at) = info.decorator {
        return Err(StripError {
            file: path.to_path_buf(),
            line: at.line,
            column: at.column,
            message: "a decorator needs more than type stripping".to_owned(),
            kind: StripErrorKind::NeedsTransform("a decorator".to_owned()),
            source_line: line_text(&text, at.line),
        });
    }
    // Node reports a package.json that cannot be read.
    let scope = path
        .parent()
        .and_then(|dir| PackageJson::package_scope(dir).ok().flatten());
    Ok(Stripped {
        code,
        format: format_of(path, scope.as_ref(), info.is_module),
    })
}

/// The module format of a file, by its extension, else its package, else its syntax.
pub(super) fn format_of(path: &Path, scope: Option<&PackageJson>, is_module: bool) -> Format {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let package_type = scope.and_then(|package| package.r#type.as_str());
    match (extension, package_type) {
        ("mts" | "mjs", _) => Format::Module,
        ("cts" | "cjs", _) => Format::CommonJs,
        (_, Some("module")) => Format::Module,
        (_, Some("commonjs")) => Format::CommonJs,
        _ if is_module => Format::Module,
        _ => Format::CommonJs,
    }
}

/// Strips a text; `path` is for messages only. Returns the code with its imports and exports.
pub(super) fn strip_text(path: &Path, text: &str) -> Result<(String, ModuleInfo), StripError> {
    // Node skips the byte order mark too, so positions are those without it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let error = |offset: usize, message: String, kind| {
        let at = position_at(text, offset);
        StripError {
            file: path.to_path_buf(),
            line: at.line,
            column: at.column,
            message,
            kind,
            source_line: line_text(text, at.line),
        }
    };
    if text.len() > MAX_FILE_SIZE {
        let megabytes = MAX_FILE_SIZE / (1024 * 1024);
        let message = format!("is larger than {megabytes} MiB and not parsed");
        return Err(error(0, message, StripErrorKind::Syntax));
    }
    if let Some(offset) = first_too_deep(text) {
        let message = "is nested too deeply to be parsed".to_owned();
        return Err(error(offset, message, StripErrorKind::Syntax));
    }
    let diagnostics = Arc::new(Mutex::new(Vec::new()));
    let stripped = on_deep_stack({
        let (text, diagnostics) = (text.to_owned(), Arc::clone(&diagnostics));
        move || {
            let code = strip_types(text, diagnostics)?;
            let info = parse_module(&code);
            Some((code, info))
        }
    });
    let mut diagnostics =
        std::mem::take(&mut *diagnostics.lock().unwrap_or_else(PoisonError::into_inner));
    match stripped {
        // The stripped code may have syntax errors; Node reports them.
        Ok(Some((code, info))) => Ok((code, info.unwrap_or_default())),
        Ok(None) => {
            diagnostics.sort_by_key(|diagnostic: &ParserDiagnostic| diagnostic.offset);
            let first = diagnostics.into_iter().next().unwrap_or_default();
            let kind = if first.unsupported {
                StripErrorKind::NeedsTransform(syntax_name(&first.message))
            } else {
                StripErrorKind::Syntax
            };
            let message = match &kind {
                StripErrorKind::NeedsTransform(what) => {
                    format!("{what} needs more than type stripping")
                }
                StripErrorKind::Syntax => first.message,
            };
            Err(error(first.offset, message, kind))
        }
        Err(ParserPanicked) => {
            let message = "the TypeScript parser failed on this file".to_owned();
            Err(error(0, message, StripErrorKind::Syntax))
        }
    }
}

/// Runs a parser that may panic or recurse deeply; `None` if it panicked, or if the text is too large
/// or nests too deeply.
pub(super) fn run_isolated<T: Send>(
    text: &str,
    parse: impl FnOnce(String) -> T + Send,
) -> Option<T> {
    if text.len() > MAX_FILE_SIZE || first_too_deep(text).is_some() {
        return None;
    }
    on_deep_stack(|| parse(text.to_owned())).ok()
}

struct ParserPanicked;

/// Runs a parser on a thread with a large stack. A panic of the parser ends only that thread.
fn on_deep_stack<T: Send>(parse: impl FnOnce() -> T + Send) -> Result<T, ParserPanicked> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("strip".to_owned())
            .stack_size(PARSER_STACK_SIZE);
        thread
            .spawn_scoped(scope, parse)
            .map_err(|_| ParserPanicked)?
            .join()
            .map_err(|_| ParserPanicked)
    })
}

#[derive(Debug)]
struct ParserDiagnostic {
    offset: usize,
    message: String,
    unsupported: bool,
}

impl Default for ParserDiagnostic {
    fn default() -> Self {
        Self {
            offset: 0,
            message: "syntax error".to_owned(),
            unsupported: false,
        }
    }
}

fn strip_types(text: String, diagnostics: Arc<Mutex<Vec<ParserDiagnostic>>>) -> Option<String> {
    let map: Lrc<SourceMap> = Lrc::default();
    let handler = Handler::with_emitter(false, false, Box::new(Collector { diagnostics }));
    let options = Options {
        parser: TsSyntax {
            decorators: true,
            ..TsSyntax::default()
        },
        mode: Mode::StripOnly,
        ..Options::default()
    };
    operate(&map, &handler, text, options)
        .ok()
        .map(|output| output.code)
}

struct Collector {
    diagnostics: Arc<Mutex<Vec<ParserDiagnostic>>>,
}

impl Emitter for Collector {
    fn emit(&mut self, diagnostic: &mut DiagnosticBuilder<'_>) {
        // The first file of a source map starts at position 1.
        let lo = diagnostic
            .span
            .primary_span()
            .map_or(BytePos(1), |span| span.lo);
        let unsupported = matches!(&diagnostic.code, Some(DiagnosticId::Error(code)) if code == "UnsupportedSyntax");
        let parser_diagnostic = ParserDiagnostic {
            offset: lo.0.saturating_sub(1) as usize,
            message: diagnostic.message(),
            unsupported,
        };
        self.diagnostics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(parser_diagnostic);
    }
}

/// The name of the syntax that the stripper's message is about.
fn syntax_name(message: &str) -> String {
    const NAMES: &[(&str, &str)] = &[
        ("enum", "an enum"),
        ("namespace", "a namespace"),
        ("module", "a namespace"),
        ("import equals", "an `import … = …`"),
        ("export assignment", "an `export = …`"),
        ("parameter property", "a parameter property"),
        ("angle-bracket", "a type assertion in angle brackets"),
        ("unary or await", "a type assertion beside `**`"),
    ];
    let known = NAMES.iter().find(|(word, _)| message.contains(word));
    known.map_or_else(
        || format!("this syntax ({message})"),
        |(_, name)| (*name).to_owned(),
    )
}
