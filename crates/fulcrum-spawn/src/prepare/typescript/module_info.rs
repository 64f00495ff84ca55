//! The imports and exports of a file, by its syntax.

use serde::{Deserialize, Serialize};
use swc_common::{BytePos, FileName, SourceMap};
use swc_ecma_ast::{EsVersion, Program};
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, lexer::Lexer};

use super::import_visitor::collect;
use super::position::Position;

/// How a file is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ImportKind {
    /// `import … from`, `export … from`: evaluated before the file itself.
    Static,
    /// `import()`.
    Dynamic,
    /// `require()`, `require.resolve()`.
    Require,
}

/// One import of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Import {
    pub(super) specifier: String,
    #[serde(rename = "via")]
    pub(super) kind: ImportKind,
    pub(super) at: Position,
    /// The imported names with their positions; for static imports only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) names: Vec<(String, Position)>,
    /// Whether it is inside a function, so that loading the file does not load the import.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) lazy: bool,
    /// Whether all its names are exported again: `export * from`, `module.exports = require()`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) all: bool,
    /// Whether it is a file for a worker thread or process: `new Worker(…)`, `fork(…)`. A relative name
    /// may be one of the working directory then, so that a missing file is no error.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) spawned: bool,
}

/// What the scan needs of a file; cached next to its stripped code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModuleInfo {
    /// Whether it has syntax that only a module may have.
    pub(super) is_module: bool,
    pub(super) imports: Vec<Import>,
    /// The names of exported values.
    pub(super) exports: Vec<String>,
    /// Whether it exports all names of another file, so that `exports` is incomplete.
    pub(super) exports_all: bool,
    /// Whether it has `await` outside of functions, which a CommonJS module cannot have.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) has_top_level_await: bool,
    /// The first decorator; Node does not run decorators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) decorator: Option<Position>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// Parses JavaScript, or stripped TypeScript; `None` if it has a syntax error.
pub(super) fn parse_module(code: &str) -> Option<ModuleInfo> {
    let map = SourceMap::default();
    let file = map.new_source_file(FileName::Anon.into(), code.to_owned());
    let syntax = EsSyntax {
        decorators: true,
        decorators_before_export: true,
        import_attributes: true,
        allow_return_outside_function: true,
        explicit_resource_management: true,
        ..EsSyntax::default()
    };
    let lexer = Lexer::new(
        Syntax::Es(syntax),
        EsVersion::latest(),
        StringInput::from(&*file),
        None,
    );
    let program = Parser::new_from(lexer).parse_program().ok()?;
    Some(module_info(&program, &file.src, file.start_pos))
}

/// The imports and exports of a program, whose text starts at `start`.
fn module_info(program: &Program, text: &str, start: BytePos) -> ModuleInfo {
    collect(program, text, start, &|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specifiers(code: &str) -> Vec<String> {
        parse_module(code)
            .unwrap()
            .imports
            .into_iter()
            .map(|import| import.specifier)
            .collect()
    }

    #[test]
    fn every_kind_of_import_is_found() {
        let code = "import a, {b as c} from './a';\nimport './b';\nexport * from './c';\n\
                    export {d} from './d';\nconst e = await import('./e');\n\
                    const f = () => import(`./f`);\nrequire('./g'); import(`./${x}`);";
        assert_eq!(
            specifiers(code),
            ["./a", "./b", "./c", "./d", "./e", "./f", "./g"]
        );
        let info = parse_module(code).unwrap();
        assert!(info.is_module && info.exports_all);
        let names: Vec<_> = info.imports[0]
            .names
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["default", "b"]);
        assert_eq!(info.imports[1].at, Position { line: 2, column: 8 });
    }

    #[test]
    fn exports_have_their_exported_names() {
        let code = "export const {a, b: [c = 1], ...d} = x; export function e() {}\n\
                    export class F {} export default 1; export {g as h}; export * as i from 'i'";
        let exports = parse_module(code).unwrap().exports;
        assert_eq!(exports, ["a", "c", "d", "e", "F", "default", "h", "i"]);
    }

    #[test]
    fn only_module_syntax_makes_a_module() {
        for module in ["export {}", "import.meta.url", "await x", "import 'a'"] {
            assert!(parse_module(module).unwrap().is_module, "{module}");
        }
        for script in [
            "",
            "require('a')",
            "import('a')",
            "return 1",
            "async () => await x",
        ] {
            assert!(!parse_module(script).unwrap().is_module, "{script}");
        }
    }

    #[test]
    fn the_first_decorator_is_reported() {
        let info = parse_module("const a = 1;\n@d class B { @e c() {} }").unwrap();
        assert_eq!(info.decorator, Some(Position { line: 2, column: 1 }));
    }
}
