//! Compiles one file: by type stripping in place where that is enough, else by a transform.

use std::path::Path;

use swc_common::GLOBALS;
use swc_common::errors::{HANDLER, Handler};
use swc_ecma_ast::{ModuleDecl, ModuleItem, Program};

use super::compile_options::{CompileOptions, Decorators, FileKind};
use super::elide::{self, Elision};
use super::exports::assigned_exports;
use super::import_visitor::collect;
use super::layout::lay_out;
use super::module_info::{Import, ImportKind, ModuleInfo};
use super::parse::{Language, ParsedFile, Problem, parse};
use super::position::Position;
use super::source_lines::SourceLines;
use super::source_map;
use super::strip::{Format, StripError, StripFailure, isolated, strip_in_place};
use super::survey::{Survey, is_only_types, survey};
use super::transform::{import_positions, transform};

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
    pub(super) info: ModuleInfo,
    /// The module format of the code.
    pub(in crate::prepare) format: Format,
    /// The names that an ES module can import from a CommonJS module, without those of modules whose
    /// [`Import::all`] is set; `None` for an ES module.
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
    isolated(path, text, |text| {
        GLOBALS.set(&swc_common::Globals::new(), || {
            // The passes report to a handler what they cannot do; it was found before.
            let sink = Box::new(std::io::sink());
            let handler = Handler::with_emitter_writer(sink, None);
            HANDLER.set(&handler, || compile_text(path, text, options))
        })
    })
}

fn compile_text(path: &Path, text: String, options: &CompileOptions) -> Result<Compiled, Problem> {
    let language = Language::of(path);
    let is_plain = language == Language::JAVASCRIPT;
    let file = match parse(path, text.clone(), options.kind == FileKind::Module) {
        Ok(file) => file,
        // Node may know syntax that the parser does not know, and it reports errors as well.
        Err(_) if is_plain => return Ok(unparsed(text, options)),
        Err(problem) => return Err(problem),
    };
    let survey = survey(&file.program);
    let format = format_of(options.kind, &survey);
    check(&file, &survey, options, format)?;
    let elision = if language.typescript {
        elide::find(&file.program, &survey, options.verbatim_module_syntax)
    } else {
        Elision::default()
    };
    if !needs_transform(&file, &survey, options, format, &elision) {
        if !language.typescript {
            return Ok(in_place(text, &file, &survey, format, &elision));
        }
        let elided = elision.apply(&text, file.file.start_pos);
        match strip_in_place(elided, options.kind == FileKind::Module) {
            Ok(code) => return Ok(in_place(code, &file, &survey, format, &elision)),
            Err(StripFailure::Syntax(problem)) => return Err(problem),
            Err(StripFailure::Unsupported) => {}
        }
    }
    transformed(path, &file, &survey, options, format)
}

/// JavaScript that cannot be parsed here.
fn unparsed(code: String, options: &CompileOptions) -> Compiled {
    let format = match options.kind {
        FileKind::Module => Format::Module,
        FileKind::CommonJs | FileKind::CommonJsUnlessTopLevelAwait => Format::CommonJs,
    };
    Compiled {
        code,
        map: None,
        info: ModuleInfo::default(),
        format,
        exports: None,
    }
}

fn format_of(kind: FileKind, survey: &Survey) -> Format {
    match kind {
        FileKind::Module => Format::Module,
        FileKind::CommonJs => Format::CommonJs,
        FileKind::CommonJsUnlessTopLevelAwait if survey.top_level_await.is_some() => Format::Module,
        FileKind::CommonJsUnlessTopLevelAwait => Format::CommonJs,
    }
}

/// Checks for syntax that cannot be compiled with these options.
fn check(
    file: &ParsedFile,
    survey: &Survey,
    options: &CompileOptions,
    format: Format,
) -> Result<(), Problem> {
    let problem = |at: swc_common::BytePos, message: &str| Problem {
        offset: file.offset(at).unwrap_or_default(),
        message: message.to_owned(),
    };
    if let (Format::CommonJs, Some(at)) = (format, survey.top_level_await) {
        let message = "top-level `await` needs an ES module, and this file is CommonJS: set \
                       \"type\": \"module\" in its package.json, give it the extension .mts, or put \
                       the code into an async function";
        return Err(problem(at, message));
    }
    if let (Format::Module, Some(at)) = (format, survey.export_assignment) {
        let message = "`export =` needs CommonJS, and this file is an ES module: write `export \
                       default`, or give it the extension .cts";
        return Err(problem(at, message));
    }
    if let (Decorators::Standard, Some(at)) = (options.decorators, survey.parameter_decorator) {
        let message = "a decorator of a parameter needs `\"experimentalDecorators\": true` in the \
                       compilerOptions of tsconfig.json";
        return Err(problem(at, message));
    }
    Ok(())
}

/// Whether stripping is not enough.
fn needs_transform(
    file: &ParsedFile,
    survey: &Survey,
    options: &CompileOptions,
    format: Format,
    elision: &Elision,
) -> bool {
    let assigns_fields = file.language.typescript && !options.define_fields;
    let is_commonjs = format == Format::CommonJs;
    // What `import()` gives depends on whether it is lowered.
    let imports = file.language.typescript && survey.dynamic_import.is_some();
    survey.typescript_code.is_some()
        || survey.decorator.is_some()
        || survey.accessor.is_some()
        || survey.jsx.is_some()
        || (options.lower_using && survey.using.is_some())
        || (assigns_fields && survey.public_field.is_some())
        || (is_commonjs && imports)
        || (is_commonjs && has_module_syntax(&file.program, survey, elision))
}

/// Whether a program has syntax that only an ES module can run, once its types are gone.
fn has_module_syntax(program: &Program, survey: &Survey, elision: &Elision) -> bool {
    let items = program
        .as_module()
        .map_or(&[][..], |module| module.body.as_slice());
    survey.import_meta.is_some()
        || items.iter().any(|item| match item {
            ModuleItem::Stmt(_) => false,
            ModuleItem::ModuleDecl(decl) => match decl {
                ModuleDecl::Import(import) => {
                    !import.type_only && !elision.imports.contains(&import.span.lo)
                }
                ModuleDecl::ExportDecl(export) => !is_only_types(&export.decl),
                ModuleDecl::ExportNamed(export) => !export.type_only,
                ModuleDecl::ExportDefaultDecl(export) => !export.decl.is_ts_interface_decl(),
                ModuleDecl::ExportDefaultExpr(export) => !elision.names.contains(&export.span.lo),
                ModuleDecl::ExportAll(export) => !export.type_only,
                ModuleDecl::TsImportEquals(import) => !import.is_type_only,
                ModuleDecl::TsExportAssignment(_) => true,
                ModuleDecl::TsNamespaceExport(_) => false,
            },
        })
}

/// The result for code that keeps the positions of its source.
fn in_place(
    code: String,
    file: &ParsedFile,
    survey: &Survey,
    format: Format,
    elision: &Elision,
) -> Compiled {
    let is_kept = |at| !elision.imports.contains(&at) && !elision.names.contains(&at);
    let mut info = collect(&file.program, &file.file.src, file.file.start_pos, &is_kept);
    info.has_top_level_await = survey.top_level_await.is_some();
    let exports = (format == Format::CommonJs).then(|| {
        let assigned = assigned_exports(&file.program);
        mark_reexports(&mut info, &assigned.modules);
        unique(assigned.names)
    });
    Compiled {
        code,
        map: None,
        info,
        format,
        exports,
    }
}

fn transformed(
    path: &Path,
    file: &ParsedFile,
    survey: &Survey,
    options: &CompileOptions,
    format: Format,
) -> Result<Compiled, Problem> {
    let output = transform(file, survey, options, format).map_err(|error| Problem {
        offset: 0,
        message: format!("no code can be generated: {error}"),
    })?;
    let lines = SourceLines::new(&file.file.src);
    let laid_out = lay_out(&output.generated, &lines, &|at| file.offset(at));

    let imports = import_positions(&file.program, format);
    let is_kept = |at| output.kept.contains(&at) || !imports.contains(&at);
    let start = file.file.start_pos;
    let mut info = collect(&file.program, &file.file.src, start, &is_kept);
    let module = collect(&output.module, &file.file.src, start, &|_| true);
    info.has_top_level_await = survey.top_level_await.is_some();
    info.exports = module.exports;
    info.exports_all = module.exports_all;
    let added = output.added_imports.into_iter().map(|specifier| Import {
        specifier,
        kind: ImportKind::Static,
        at: Position { line: 1, column: 1 },
        names: Vec::new(),
        lazy: false,
        all: false,
        spawned: false,
    });
    info.imports.extend(added);
    let exports = (format == Format::CommonJs).then(|| {
        let assigned = assigned_exports(&output.module);
        mark_reexports(&mut info, &assigned.modules);
        unique(info.exports.iter().cloned().chain(assigned.names))
    });
    Ok(Compiled {
        code: laid_out.code,
        map: Some(source_map::write(path, &laid_out.mappings)),
        info,
        format,
        exports,
    })
}

/// Marks the imports by `require()` all of whose names are exported.
fn mark_reexports(info: &mut ModuleInfo, modules: &[String]) {
    for import in &mut info.imports {
        if import.kind == ImportKind::Require && modules.contains(&import.specifier) {
            import.all = true;
        }
    }
}

fn unique(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = rustc_hash::FxHashSet::default();
    names
        .into_iter()
        .filter(|name| seen.insert(name.clone()))
        .collect()
}

#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod tests;
