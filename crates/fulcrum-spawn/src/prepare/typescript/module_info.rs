//! The imports and exports of a file, by its syntax.

use serde::{Deserialize, Serialize};
use swc_common::{BytePos, FileName, SourceMap, Span, Spanned};
use swc_ecma_ast::{
    CallExpr, Callee, Decorator, EsVersion, ExportAll, ExportDecl, ExportSpecifier, Expr,
    ImportDecl, ImportSpecifier, Lit, ModuleExportName, NamedExport, Pat, Program,
};
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, lexer::Lexer};
use swc_ecma_visit::{Visit, VisitWith};

use super::position::{Position, position_at};

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
    let mut visitor = ModuleVisitor {
        text: &file.src,
        start: file.start_pos,
        info: ModuleInfo {
            is_module: matches!(program, Program::Module(_)),
            ..ModuleInfo::default()
        },
    };
    program.visit_with(&mut visitor);
    Some(visitor.info)
}

struct ModuleVisitor<'a> {
    text: &'a str,
    start: BytePos,
    info: ModuleInfo,
}

impl ModuleVisitor<'_> {
    fn position(&self, span: Span) -> Position {
        position_at(self.text, span.lo.0.saturating_sub(self.start.0) as usize)
    }

    fn import(
        &mut self,
        specifier: &swc_ecma_ast::Str,
        kind: ImportKind,
        names: Vec<(String, Position)>,
    ) {
        let at = self.position(specifier.span);
        let specifier = specifier.value.to_string_lossy().into_owned();
        self.info.imports.push(Import {
            specifier,
            kind,
            at,
            names,
            lazy: false,
            all: false,
            spawned: false,
        });
    }

    fn export(&mut self, name: impl Into<String>) {
        self.info.exports.push(name.into());
    }

    fn export_pattern(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Ident(ident) => self.export(ident.id.sym.as_str()),
            Pat::Array(array) => array
                .elems
                .iter()
                .flatten()
                .for_each(|p| self.export_pattern(p)),
            Pat::Rest(rest) => self.export_pattern(&rest.arg),
            Pat::Assign(assign) => self.export_pattern(&assign.left),
            Pat::Object(object) => {
                for prop in &object.props {
                    match prop {
                        swc_ecma_ast::ObjectPatProp::KeyValue(pair) => {
                            self.export_pattern(&pair.value);
                        }
                        swc_ecma_ast::ObjectPatProp::Assign(short) => {
                            self.export(short.key.id.sym.as_str());
                        }
                        swc_ecma_ast::ObjectPatProp::Rest(rest) => self.export_pattern(&rest.arg),
                    }
                }
            }
            Pat::Invalid(_) | Pat::Expr(_) => {}
        }
    }
}

fn name_of(name: &ModuleExportName) -> String {
    match name {
        ModuleExportName::Ident(ident) => ident.sym.to_string(),
        ModuleExportName::Str(text) => text.value.to_string_lossy().into_owned(),
    }
}

impl Visit for ModuleVisitor<'_> {
    fn visit_import_decl(&mut self, decl: &ImportDecl) {
        let mut names = Vec::new();
        for specifier in &decl.specifiers {
            let position = self.position(specifier.span());
            match specifier {
                ImportSpecifier::Named(named) => {
                    let imported = named.imported.as_ref();
                    names.push((
                        imported.map_or_else(|| named.local.sym.to_string(), name_of),
                        position,
                    ));
                }
                ImportSpecifier::Default(_) => names.push(("default".to_owned(), position)),
                ImportSpecifier::Namespace(_) => {}
            }
        }
        self.import(&decl.src, ImportKind::Static, names);
    }

    fn visit_named_export(&mut self, decl: &NamedExport) {
        let mut names = Vec::new();
        for specifier in &decl.specifiers {
            match specifier {
                ExportSpecifier::Named(named) => {
                    let position = self.position(named.span);
                    names.push((name_of(&named.orig), position));
                    self.export(name_of(named.exported.as_ref().unwrap_or(&named.orig)));
                }
                ExportSpecifier::Namespace(namespace) => self.export(name_of(&namespace.name)),
                ExportSpecifier::Default(default) => {
                    self.export(default.exported.sym.as_str());
                }
            }
        }
        if let Some(specifier) = &decl.src {
            self.import(specifier, ImportKind::Static, names);
        }
    }

    fn visit_export_all(&mut self, decl: &ExportAll) {
        self.info.exports_all = true;
        self.import(&decl.src, ImportKind::Static, Vec::new());
    }

    fn visit_export_decl(&mut self, decl: &ExportDecl) {
        match &decl.decl {
            swc_ecma_ast::Decl::Class(class) => self.export(class.ident.sym.as_str()),
            swc_ecma_ast::Decl::Fn(function) => self.export(function.ident.sym.as_str()),
            swc_ecma_ast::Decl::Var(var) => {
                var.decls.iter().for_each(|d| self.export_pattern(&d.name));
            }
            swc_ecma_ast::Decl::Using(using) => {
                using
                    .decls
                    .iter()
                    .for_each(|d| self.export_pattern(&d.name));
            }
            // The code has no types any more.
            swc_ecma_ast::Decl::TsInterface(_)
            | swc_ecma_ast::Decl::TsTypeAlias(_)
            | swc_ecma_ast::Decl::TsEnum(_)
            | swc_ecma_ast::Decl::TsModule(_) => {}
        }
        decl.visit_children_with(self);
    }

    fn visit_export_default_decl(&mut self, decl: &swc_ecma_ast::ExportDefaultDecl) {
        self.export("default");
        decl.visit_children_with(self);
    }

    fn visit_export_default_expr(&mut self, decl: &swc_ecma_ast::ExportDefaultExpr) {
        self.export("default");
        decl.visit_children_with(self);
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        let kind = match &call.callee {
            Callee::Import(_) => Some(ImportKind::Dynamic),
            Callee::Expr(callee) => match &**callee {
                Expr::Ident(ident) if ident.sym == "require" => Some(ImportKind::Require),
                _ => None,
            },
            Callee::Super(_) => None,
        };
        if let (Some(kind), Some(argument)) = (kind, call.args.first()) {
            match &*argument.expr {
                Expr::Lit(Lit::Str(specifier)) => self.import(specifier, kind, Vec::new()),
                Expr::Tpl(template) if template.exprs.is_empty() => {
                    if let Some(cooked) = template.quasis.first().and_then(|q| q.cooked.as_ref()) {
                        let at = self.position(template.span);
                        let specifier = cooked.to_string_lossy().into_owned();
                        self.info.imports.push(Import {
                            specifier,
                            kind,
                            at,
                            names: Vec::new(),
                            lazy: false,
                            all: false,
                            spawned: false,
                        });
                    }
                }
                _ => {}
            }
        }
        call.visit_children_with(self);
    }

    fn visit_decorator(&mut self, decorator: &Decorator) {
        let at = self.position(decorator.span);
        self.info.decorator = Some(self.info.decorator.map_or(at, |first| first.min(at)));
        decorator.visit_children_with(self);
    }
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
