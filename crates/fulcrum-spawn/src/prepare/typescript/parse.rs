//! Parses TypeScript and JavaScript, with JSX or not.

use std::path::Path;

use swc_common::comments::{Comments, SingleThreadedComments};
use swc_common::sync::Lrc;
use swc_common::{BytePos, FileName, SourceFile, SourceMap, Spanned};
use swc_ecma_ast::{EsVersion, Program};
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, TsSyntax, lexer::Lexer};

/// The language of a file, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Language {
    pub(super) typescript: bool,
    pub(super) jsx: bool,
}

impl Language {
    /// JavaScript without JSX.
    pub(super) const JAVASCRIPT: Self = Self {
        typescript: false,
        jsx: false,
    };

    pub(super) fn of(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let extension = extension.unwrap_or_default();
        Self {
            typescript: matches!(extension, "ts" | "mts" | "cts" | "tsx"),
            jsx: matches!(extension, "tsx" | "jsx"),
        }
    }

    fn syntax(self) -> Syntax {
        if self.typescript {
            return Syntax::Typescript(TsSyntax {
                tsx: self.jsx,
                decorators: true,
                ..TsSyntax::default()
            });
        }
        Syntax::Es(EsSyntax {
            jsx: self.jsx,
            decorators: true,
            decorators_before_export: true,
            import_attributes: true,
            allow_return_outside_function: true,
            auto_accessors: true,
            explicit_resource_management: true,
            ..EsSyntax::default()
        })
    }
}

/// A parsed text.
pub(super) struct ParsedFile {
    pub(super) program: Program,
    pub(super) language: Language,
    pub(super) map: Lrc<SourceMap>,
    pub(super) file: Lrc<SourceFile>,
    /// The comments of a file with JSX, which may contain directives.
    pub(super) comments: Option<SingleThreadedComments>,
}

impl ParsedFile {
    /// The byte offset of a position in the text; `None` if it is not one of the text.
    pub(super) fn offset(&self, at: BytePos) -> Option<usize> {
        let is_inside = self.file.start_pos <= at && at <= self.file.end_pos;
        is_inside.then(|| (at - self.file.start_pos).0 as usize)
    }
}

/// A syntax error, or syntax that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The byte offset in the text.
    pub(super) offset: usize,
    pub(super) message: String,
}

/// Parses a text; `module` if it is known to be an ES module.
///
/// # Errors
/// The first syntax error.
pub(super) fn parse(path: &Path, text: String, module: bool) -> Result<ParsedFile, Problem> {
    let language = Language::of(path);
    let map: Lrc<SourceMap> = Lrc::default();
    let file = map.new_source_file(FileName::Real(path.to_path_buf()).into(), text);
    let comments = language.jsx.then(SingleThreadedComments::default);
    let lexer = Lexer::new(
        language.syntax(),
        EsVersion::latest(),
        StringInput::from(&*file),
        comments.as_ref().map(|comments| comments as &dyn Comments),
    );
    let mut parser = Parser::new_from(lexer);
    let program = if module {
        parser.parse_module().map(Program::Module)
    } else {
        parser.parse_program()
    };
    let (program, fatal) = match program {
        Ok(program) => (Some(program), None),
        Err(error) => (None, Some(error)),
    };
    // The parser recovers from most errors, even from a missing end of a block.
    let errors = fatal.into_iter().chain(parser.take_errors());
    let first = errors.min_by_key(|error| error.span().lo);
    match (program, first) {
        (Some(program), None) => Ok(ParsedFile {
            program,
            language,
            map,
            file,
            comments,
        }),
        (_, Some(error)) => Err(Problem {
            offset: error.span().lo.0.saturating_sub(file.start_pos.0) as usize,
            message: error.into_kind().msg().into_owned(),
        }),
        (None, None) => Err(Problem {
            offset: 0,
            message: "syntax error".to_owned(),
        }),
    }
}
