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

use super::import_visitor::parse_module;
use super::module_info::ModuleInfo;
use super::nesting::first_too_deep;
use super::parse::Problem;
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
    // What needs more than stripping is told by an inner result.
    let stripped = isolated(path, text, |text| match strip_types(text, None) {
        Ok(code) => {
            // The stripped code may have syntax errors; Node reports them.
            let info = parse_module(&code).unwrap_or_default();
            Ok(Ok((code, info)))
        }
        Err(diagnostic) if diagnostic.unsupported => Ok(Err(diagnostic)),
        Err(diagnostic) => Err(diagnostic.into()),
    })?;
    stripped.map_err(|diagnostic| {
        let what = syntax_name(&diagnostic.message);
        let problem = Problem {
            offset: diagnostic.offset,
            message: format!("{what} needs more than type stripping"),
        };
        StripError {
            kind: StripErrorKind::NeedsTransform(what),
            ..error_at(path, without_mark(text), problem)
        }
    })
}

/// Why a text cannot be stripped in place.
#[derive(Debug)]
pub(super) enum StripFailure {
    /// A syntax error.
    Syntax(Problem),
    /// Syntax that has code of its own.
    Unsupported,
}

/// Replaces the types of a text by spaces; `module` if it is known to be an ES module. To be called
/// in [`isolated`].
pub(super) fn strip_in_place(text: String, module: bool) -> Result<String, StripFailure> {
    strip_types(text, module.then_some(true)).map_err(|diagnostic| {
        if diagnostic.unsupported {
            StripFailure::Unsupported
        } else {
            StripFailure::Syntax(diagnostic.into())
        }
    })
}

/// Runs a parser or compiler on a text that may be too large, nest too deeply, or make it panic.
/// `path` is for messages only.
///
/// # Errors
/// What the compiler returned as an error, with its place.
pub(super) fn isolated<T: Send>(
    path: &Path,
    text: &str,
    compile: impl FnOnce(String) -> Result<T, Problem> + Send,
) -> Result<T, StripError> {
    let text = without_mark(text);
    let error =
        |offset: usize, message: String| Err(error_at(path, text, Problem { offset, message }));
    if text.len() > MAX_FILE_SIZE {
        let megabytes = MAX_FILE_SIZE / (1024 * 1024);
        return error(0, format!("is larger than {megabytes} MiB and not parsed"));
    }
    if let Some(offset) = first_too_deep(text) {
        return error(offset, "is nested too deeply to be parsed".to_owned());
    }
    match on_deep_stack(|| compile(text.to_owned())) {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(problem)) => Err(error_at(path, text, problem)),
        Err(ParserPanicked) => error(0, PARSER_FAILED.to_owned()),
    }
}

/// The message of an error that is ours, not one of the file.
const PARSER_FAILED: &str = "the TypeScript parser failed on this file";

/// The text without a byte order mark. Node skips it too, so positions are those without it.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn error_at(path: &Path, text: &str, problem: Problem) -> StripError {
    let at = position_at(text, problem.offset);
    StripError {
        file: path.to_path_buf(),
        line: at.line,
        column: at.column,
        message: problem.message,
        kind: StripErrorKind::Syntax,
        source_line: line_text(text, at.line),
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

impl From<ParserDiagnostic> for Problem {
    fn from(diagnostic: ParserDiagnostic) -> Self {
        Self {
            offset: diagnostic.offset,
            message: diagnostic.message,
        }
    }
}

/// Strips the types of a text; the first diagnostic if that fails.
fn strip_types(text: String, module: Option<bool>) -> Result<String, ParserDiagnostic> {
    let diagnostics = Arc::new(Mutex::new(Vec::new()));
    let collector = Collector {
        diagnostics: Arc::clone(&diagnostics),
    };
    let map: Lrc<SourceMap> = Lrc::default();
    let handler = Handler::with_emitter(false, false, Box::new(collector));
    let options = Options {
        module,
        parser: TsSyntax {
            decorators: true,
            ..TsSyntax::default()
        },
        mode: Mode::StripOnly,
        ..Options::default()
    };
    let stripped = operate(&map, &handler, text, options);
    let diagnostics =
        std::mem::take(&mut *diagnostics.lock().unwrap_or_else(PoisonError::into_inner));
    let first = diagnostics
        .into_iter()
        .min_by_key(|diagnostic: &ParserDiagnostic| diagnostic.offset);
    stripped
        .map(|output| output.code)
        .map_err(|_| first.unwrap_or_default())
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
