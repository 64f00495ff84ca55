//! Compiles one file: by type stripping in place where that is enough, else by a transform.

use std::path::Path;

use super::compile_options::{CompileOptions, FileKind};
use super::module_info::ModuleInfo;
use super::strip::{Format, StripError, strip_text};

/// A compiled file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::prepare) struct Compiled {
    /// The JavaScript.
    pub(in crate::prepare) code: String,
    /// The source map (JSON) of transformed code; its one source is the file URL of the path. The
    /// code does not mention the map: the caller, who knows its file, appends the comment. `None` if
    /// the code was stripped in place, so that every position is that of the source.
    pub(in crate::prepare) map: Option<String>,
    /// The imports and exports of the source, with its positions.
    pub(in crate::prepare) info: ModuleInfo,
    /// The module format of the code.
    pub(in crate::prepare) format: Format,
    /// The names that an ES module can import from a CommonJS module, without those of modules whose
    /// [`Import::all`](super::module_info::Import) is set; `None` for an ES module.
    pub(in crate::prepare) exports: Option<Vec<String>>,
}

/// Compiles the text of a file to JavaScript. TypeScript or JavaScript, with JSX or not, is told from
/// the extension of `path`, which is otherwise only for messages and the source map.
///
/// # Errors
/// The file has a syntax error, or syntax that cannot be compiled.
pub(in crate::prepare) fn compile(
    path: &Path,
    text: &str,
    options: &CompileOptions,
) -> Result<Compiled, StripError> {
    let (code, info) = strip_text(path, text)?;
    let format = match options.kind {
        FileKind::Module => Format::Module,
        FileKind::CommonJs => Format::CommonJs,
        FileKind::CommonJsUnlessTopLevelAwait if info.has_top_level_await => Format::Module,
        FileKind::CommonJsUnlessTopLevelAwait => Format::CommonJs,
    };
    Ok(Compiled {
        code,
        map: None,
        info,
        format,
        exports: None,
    })
}
