//! Types blanked out with spaces, so that every line and column stays where it was.

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

/// The parser and the walks over the tree recurse; this is room for any file that a person writes
/// and most that a program writes. Only what is used is ever backed by memory.
const PARSER_STACK_SIZE: usize = 256 * 1024 * 1024;

/// Larger files are refused: they are data, and parsing one would take seconds in front of a start.
const MAX_FILE_SIZE: usize = 16 * 1024 * 1024;

/// How Node has to take a file.
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
    /// JavaScript with all that is left at its old line and UTF-16 column.
    pub code: String,
    /// How Node has to take it: `.mts` and `.cts` say so themselves, `.ts` is what the nearest
    /// `package.json` says, else what its syntax shows.
    pub format: Format,
}

/// What is in the way of stripping a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StripErrorKind {
    /// It is no TypeScript, or can't be read.
    Syntax,
    /// It has something that blanking out can't do, such as `an enum`.
    NeedsTransform(String),
}

/// Why a file can't be stripped, and where. Displays with the line in question below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// What was found there.
    pub message: String,
    /// What kind of obstacle it is.
    pub kind: StripErrorKind,
    /// The text of that line; empty where there is none.
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
        // Tabs stay tabs, so that the mark stands below what it marks.
        let before = source_line.chars().take(*column as usize - 1);
        let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "\n    {source_line}\n    {indent}^")
    }
}

impl std::error::Error for StripError {}

/// Strips one file from the disk.
///
/// # Errors
/// Where it isn't TypeScript, can't be read, or needs more than stripping.
pub fn strip_file(path: &Path) -> Result<Stripped, StripError> {
    let unreadable = |what: String| StripError {
        file: path.to_path_buf(),
        line: 1,
        column: 1,
        message: what,
        kind: StripErrorKind::Syntax,
        source_line: String::new(),
    };
    let bytes = fs::read(path).map_err(|error| unreadable(format!("can't be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("is not UTF-8 text".to_owned()))?;
    let (code, facts) = strip_text(path, &text)?;
    if let Some(at) = facts.decorator {
        return Err(StripError {
            file: path.to_path_buf(),
            line: at.line,
            column: at.column,
            message: "a decorator needs more than type stripping".to_owned(),
            kind: StripErrorKind::NeedsTransform("a decorator".to_owned()),
            source_line: line_text(&text, at.line),
        });
    }
    // A package.json that can't be read stops Node itself, with its own words.
    let scope = path
        .parent()
        .and_then(|dir| PackageJson::package_scope(dir).ok().flatten());
    Ok(Stripped {
        code,
        format: format_of(path, scope.as_ref(), facts.is_module),
    })
}

/// How Node has to take a file, by its extension, else its package, else its syntax.
pub(super) fn format_of(path: &Path, scope: Option<&PackageJson>, is_module: bool) -> Format {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let said = scope.and_then(|package| package.r#type.as_str());
    match (extension, said) {
        ("mts" | "mjs", _) => Format::Module,
        ("cts" | "cjs", _) => Format::CommonJs,
        (_, Some("module")) => Format::Module,
        (_, Some("commonjs")) => Format::CommonJs,
        _ if is_module => Format::Module,
        _ => Format::CommonJs,
    }
}

/// Strips a text; `path` is for messages only. Gives the code and what it imports and exports.
pub(super) fn strip_text(path: &Path, text: &str) -> Result<(String, ModuleInfo), StripError> {
    // Node skips the mark too, so positions agree without it.
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
        let message = format!("is larger than {megabytes} MiB, which is not parsed");
        return Err(error(0, message, StripErrorKind::Syntax));
    }
    if let Some(offset) = first_too_deep(text) {
        let message = "is nested too deeply to be parsed".to_owned();
        return Err(error(offset, message, StripErrorKind::Syntax));
    }
    let findings = Arc::new(Mutex::new(Vec::new()));
    let stripped = on_deep_stack({
        let (text, findings) = (text.to_owned(), Arc::clone(&findings));
        move || {
            let code = run(text, findings)?;
            let facts = parse_module(&code);
            Some((code, facts))
        }
    });
    let mut findings =
        std::mem::take(&mut *findings.lock().unwrap_or_else(PoisonError::into_inner));
    match stripped {
        // What is left may be no JavaScript where the types were not TypeScript either; Node says
        // so when it gets there.
        Ok(Some((code, facts))) => Ok((code, facts.unwrap_or_default())),
        Ok(None) => {
            findings.sort_by_key(|finding: &ParserDiagnostic| finding.offset);
            let first = findings.into_iter().next().unwrap_or_default();
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

/// Runs a parse that may panic or recurse deeply; `None` if it crashed, or if the text is one that
/// [`strip_text`] would refuse.
pub(super) fn run_isolated<T: Send>(
    text: &str,
    work: impl FnOnce(String) -> T + Send,
) -> Option<T> {
    if text.len() > MAX_FILE_SIZE || first_too_deep(text).is_some() {
        return None;
    }
    on_deep_stack(|| work(text.to_owned())).ok()
}

struct ParserPanicked;

/// Runs on a thread with room for deep recursion. The parser may panic on some input: that ends
/// the thread only.
fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, ParserPanicked> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("strip".to_owned())
            .stack_size(PARSER_STACK_SIZE);
        thread
            .spawn_scoped(scope, work)
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

fn run(text: String, findings: Arc<Mutex<Vec<ParserDiagnostic>>>) -> Option<String> {
    let map: Lrc<SourceMap> = Lrc::default();
    let handler = Handler::with_emitter(false, false, Box::new(Collector { findings }));
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
    findings: Arc<Mutex<Vec<ParserDiagnostic>>>,
}

impl Emitter for Collector {
    fn emit(&mut self, diagnostic: &mut DiagnosticBuilder<'_>) {
        // The only file of its map begins at 1.
        let lo = diagnostic
            .span
            .primary_span()
            .map_or(BytePos(1), |span| span.lo);
        let unsupported = matches!(&diagnostic.code, Some(DiagnosticId::Error(code)) if code == "UnsupportedSyntax");
        let finding = ParserDiagnostic {
            offset: lo.0.saturating_sub(1) as usize,
            message: diagnostic.message(),
            unsupported,
        };
        self.findings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(finding);
    }
}

/// The stripper's words for what it can't strip, in ours.
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
