//! What a file imports and exports, told by its syntax.

use serde::{Deserialize, Serialize};
use swc_common::{BytePos, FileName, SourceMap, Span, Spanned};
use swc_ecma_ast::{
    CallExpr, Callee, Decorator, EsVersion, ExportAll, ExportDecl, ExportSpecifier, Expr,
    ImportDecl, ImportSpecifier, Lit, ModuleExportName, NamedExport, Pat, Program,
};
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, lexer::Lexer};
use swc_ecma_visit::{Visit, VisitWith};

use super::position::{Position, position_at};

/// How a file is pulled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ImportKind {
    /// `import … from`, `export … from`: the start depends on it.
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
    pub(super) via: ImportKind,
    pub(super) at: Position,
    /// The names taken from the other file, with their places; for static imports only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) names: Vec<(String, Position)>,
}

/// Everything about a file that the scan wants to know, kept beside its stripped code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModuleInfo {
    /// It has syntax that only a module may have.
    pub(super) is_module: bool,
    pub(super) imports: Vec<Import>,
    /// The names that it exports as values.
    pub(super) exports: Vec<String>,
    /// It passes on all names of another file, so `exports` isn't the whole list.
    pub(super) exports_all: bool,
    /// The first decorator, which no Node runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) decorator: Option<Position>,
}

/// The facts of JavaScript, which stripped TypeScript is; `None` if it can't be parsed.
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
    let mut reader = ModuleVisitor {
        text: &file.src,
        start: file.start_pos,
        facts: ModuleInfo {
            is_module: matches!(program, Program::Module(_)),
            ..ModuleInfo::default()
        },
    };
    program.visit_with(&mut reader);
    Some(reader.facts)
}

struct ModuleVisitor<'a> {
    text: &'a str,
    start: BytePos,
    facts: ModuleInfo,
}

impl ModuleVisitor<'_> {
    fn place(&self, span: Span) -> Position {
        position_at(self.text, span.lo.0.saturating_sub(self.start.0) as usize)
    }

    fn import(
        &mut self,
        specifier: &swc_ecma_ast::Str,
        via: ImportKind,
        names: Vec<(String, Position)>,
    ) {
        let at = self.place(specifier.span);
        let specifier = specifier.value.to_string_lossy().into_owned();
        self.facts.imports.push(Import {
            specifier,
            via,
            at,
            names,
        });
    }

    fn export(&mut self, name: impl Into<String>) {
        self.facts.exports.push(name.into());
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
            let place = self.place(specifier.span());
            match specifier {
                ImportSpecifier::Named(named) => {
                    let imported = named.imported.as_ref();
                    names.push((
                        imported.map_or_else(|| named.local.sym.to_string(), name_of),
                        place,
                    ));
                }
                ImportSpecifier::Default(_) => names.push(("default".to_owned(), place)),
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
                    let place = self.place(named.span);
                    names.push((name_of(&named.orig), place));
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
        self.facts.exports_all = true;
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
            // Types have been erased from what is read here.
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
        let via = match &call.callee {
            Callee::Import(_) => Some(ImportKind::Dynamic),
            Callee::Expr(callee) => match &**callee {
                Expr::Ident(ident) if ident.sym == "require" => Some(ImportKind::Require),
                _ => None,
            },
            Callee::Super(_) => None,
        };
        if let (Some(via), Some(argument)) = (via, call.args.first()) {
            match &*argument.expr {
                Expr::Lit(Lit::Str(specifier)) => self.import(specifier, via, Vec::new()),
                Expr::Tpl(template) if template.exprs.is_empty() => {
                    if let Some(cooked) = template.quasis.first().and_then(|q| q.cooked.as_ref()) {
                        let at = self.place(template.span);
                        let specifier = cooked.to_string_lossy().into_owned();
                        self.facts.imports.push(Import {
                            specifier,
                            via,
                            at,
                            names: Vec::new(),
                        });
                    }
                }
                _ => {}
            }
        }
        call.visit_children_with(self);
    }

    fn visit_decorator(&mut self, decorator: &Decorator) {
        let at = self.place(decorator.span);
        self.facts.decorator = Some(self.facts.decorator.map_or(at, |first| first.min(at)));
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
    fn every_way_to_import_is_seen() {
        let code = "import a, {b as c} from './a';\nimport './b';\nexport * from './c';\n\
                    export {d} from './d';\nconst e = await import('./e');\n\
                    const f = () => import(`./f`);\nrequire('./g'); import(`./${x}`);";
        assert_eq!(
            specifiers(code),
            ["./a", "./b", "./c", "./d", "./e", "./f", "./g"]
        );
        let facts = parse_module(code).unwrap();
        assert!(facts.is_module && facts.exports_all);
        let names: Vec<_> = facts.imports[0]
            .names
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["default", "b"]);
        assert_eq!(facts.imports[1].at, Position { line: 2, column: 8 });
    }

    #[test]
    fn exports_are_listed_by_their_outer_names() {
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
        let facts = parse_module("const a = 1;\n@d class B { @e c() {} }").unwrap();
        assert_eq!(facts.decorator, Some(Position { line: 2, column: 1 }));
    }
}
