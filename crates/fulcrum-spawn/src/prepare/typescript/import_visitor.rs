//! Collects the imports and exports of a program: JavaScript or TypeScript.

use swc_common::{BytePos, FileName, SourceMap, Span, Spanned};
use swc_ecma_ast::{
    ArrowExpr, CallExpr, Callee, ClassProp, Constructor, Decl, Decorator, EsVersion, ExportAll,
    ExportDecl, ExportSpecifier, Expr, Function, ImportDecl, ImportSpecifier, Lit, MemberExpr,
    ModuleDecl, ModuleExportName, ModuleItem, NamedExport, NewExpr, Pat, Program, Str,
    TsImportEqualsDecl, TsModuleRef,
};
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, lexer::Lexer};
use swc_ecma_visit::{Visit, VisitWith, noop_visit_type};

use super::module_info::{Import, ImportKind, ModuleInfo};
use super::position::{LineIndex, Position};
use super::spawned;
use super::survey::is_only_types;

/// Collects the imports and exports of a program, whose text starts at `start`. `is_kept` tells
/// whether the import or export statement, or the name in one, that starts at a position is code: it
/// is not if it was only for types.
pub(super) fn collect(
    program: &Program,
    text: &str,
    start: BytePos,
    is_kept: &dyn Fn(BytePos) -> bool,
) -> ModuleInfo {
    let mut visitor = ImportVisitor {
        lines: LineIndex::new(text),
        start,
        is_kept,
        depth: 0,
        info: ModuleInfo {
            is_module: matches!(program, Program::Module(_)),
            ..ModuleInfo::default()
        },
    };
    program.visit_with(&mut visitor);
    visitor.info
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
    Some(collect(&program, &file.src, file.start_pos, &|_| true))
}

struct ImportVisitor<'a> {
    lines: LineIndex<'a>,
    start: BytePos,
    is_kept: &'a dyn Fn(BytePos) -> bool,
    /// The number of functions around.
    depth: usize,
    info: ModuleInfo,
}

impl ImportVisitor<'_> {
    fn position(&self, span: Span) -> Position {
        let offset = span.lo.0.saturating_sub(self.start.0);
        self.lines.position(offset as usize)
    }

    fn import(&mut self, specifier: String, span: Span, kind: ImportKind) -> &mut Import {
        let at = self.position(span);
        self.info.imports.push(Import {
            specifier,
            kind,
            at,
            names: Vec::new(),
            lazy: kind != ImportKind::Static && self.depth > 0,
            all: false,
            spawned: false,
        });
        self.info
            .imports
            .last_mut()
            .expect("an import was just added")
    }

    fn static_import(&mut self, source: &Str, names: Vec<(String, Position)>) -> &mut Import {
        let specifier = source.value.to_string_lossy().into_owned();
        let import = self.import(specifier, source.span, ImportKind::Static);
        import.names = names;
        import
    }

    /// A file that a worker thread or a process of its own runs.
    fn spawned(&mut self, file: Option<(String, Span)>) {
        if let Some((specifier, span)) = file {
            let import = self.import(specifier, span, ImportKind::Dynamic);
            import.lazy = true;
            import.spawned = true;
        }
    }

    fn in_function(&mut self, visit: impl FnOnce(&mut Self)) {
        self.depth += 1;
        visit(self);
        self.depth -= 1;
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

    fn export_decl(&mut self, decl: &Decl) {
        match decl {
            Decl::Class(class) => self.export(class.ident.sym.as_str()),
            Decl::Fn(function) => self.export(function.ident.sym.as_str()),
            Decl::Var(var) => var.decls.iter().for_each(|d| self.export_pattern(&d.name)),
            Decl::Using(using) => using
                .decls
                .iter()
                .for_each(|d| self.export_pattern(&d.name)),
            Decl::TsEnum(decl) => self.export(decl.id.sym.as_str()),
            Decl::TsModule(module) => {
                if let swc_ecma_ast::TsModuleName::Ident(ident) = &module.id {
                    self.export(ident.sym.as_str());
                }
            }
            Decl::TsInterface(_) | Decl::TsTypeAlias(_) => {}
        }
    }
}

fn name_of(name: &ModuleExportName) -> String {
    match name {
        ModuleExportName::Ident(ident) => ident.sym.to_string(),
        ModuleExportName::Str(text) => text.value.to_string_lossy().into_owned(),
    }
}

/// The text of a string literal, or of a template without expressions.
fn literal(expr: &Expr) -> Option<(String, Span)> {
    match expr {
        Expr::Lit(Lit::Str(text)) => Some((text.value.to_string_lossy().into_owned(), text.span)),
        Expr::Tpl(template) if template.exprs.is_empty() => {
            let cooked = template.quasis.first()?.cooked.as_ref()?;
            Some((cooked.to_string_lossy().into_owned(), template.span))
        }
        _ => None,
    }
}

/// Whether a call is one of `require()` or `require.resolve()`.
fn is_require(callee: &Expr) -> bool {
    match callee {
        Expr::Ident(ident) => ident.sym == "require",
        Expr::Member(MemberExpr { obj, prop, .. }) => {
            matches!(&**obj, Expr::Ident(ident) if ident.sym == "require")
                && prop.as_ident().is_some_and(|name| name.sym == "resolve")
        }
        _ => false,
    }
}

impl Visit for ImportVisitor<'_> {
    noop_visit_type!();

    fn visit_decl(&mut self, decl: &Decl) {
        if !is_only_types(decl) {
            decl.visit_children_with(self);
        }
    }

    fn visit_module_item(&mut self, item: &ModuleItem) {
        if let ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) = item
            && !(self.is_kept)(export.span.lo)
        {
            return;
        }
        item.visit_children_with(self);
    }

    fn visit_import_decl(&mut self, decl: &ImportDecl) {
        if decl.type_only || !(self.is_kept)(decl.span.lo) {
            return;
        }
        let mut names = Vec::new();
        for specifier in &decl.specifiers {
            let span = specifier.span();
            if !(self.is_kept)(span.lo) {
                continue;
            }
            match specifier {
                ImportSpecifier::Named(named) if !named.is_type_only => {
                    let imported = named.imported.as_ref();
                    let name = imported.map_or_else(|| named.local.sym.to_string(), name_of);
                    names.push((name, self.position(span)));
                }
                ImportSpecifier::Default(_) => {
                    names.push(("default".to_owned(), self.position(span)));
                }
                ImportSpecifier::Named(_) | ImportSpecifier::Namespace(_) => {}
            }
        }
        self.static_import(&decl.src, names);
    }

    fn visit_named_export(&mut self, decl: &NamedExport) {
        if decl.type_only {
            return;
        }
        let mut names = Vec::new();
        for specifier in &decl.specifiers {
            if !(self.is_kept)(specifier.span_lo()) {
                continue;
            }
            match specifier {
                ExportSpecifier::Named(named) if named.is_type_only => {}
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
            self.static_import(specifier, names);
        }
    }

    fn visit_export_all(&mut self, decl: &ExportAll) {
        if !decl.type_only {
            self.info.exports_all = true;
            self.static_import(&decl.src, Vec::new()).all = true;
        }
    }

    fn visit_export_decl(&mut self, decl: &ExportDecl) {
        if !is_only_types(&decl.decl) {
            self.export_decl(&decl.decl);
            decl.visit_children_with(self);
        }
    }

    fn visit_export_default_decl(&mut self, decl: &swc_ecma_ast::ExportDefaultDecl) {
        if !decl.decl.is_ts_interface_decl() {
            self.export("default");
            decl.visit_children_with(self);
        }
    }

    fn visit_export_default_expr(&mut self, decl: &swc_ecma_ast::ExportDefaultExpr) {
        self.export("default");
        decl.visit_children_with(self);
    }

    fn visit_ts_import_equals_decl(&mut self, decl: &TsImportEqualsDecl) {
        if decl.is_type_only || !(self.is_kept)(decl.span.lo) {
            return;
        }
        if decl.is_export {
            self.export(decl.id.sym.as_str());
        }
        if let TsModuleRef::TsExternalModuleRef(module) = &decl.module_ref {
            let specifier = module.expr.value.to_string_lossy().into_owned();
            self.import(specifier, module.expr.span, ImportKind::Require);
        }
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        let kind = match &call.callee {
            Callee::Import(_) => Some(ImportKind::Dynamic),
            Callee::Expr(callee) if is_require(callee) => Some(ImportKind::Require),
            Callee::Expr(_) | Callee::Super(_) => None,
        };
        if let (Some(kind), Some(argument)) = (kind, call.args.first())
            && let Some((specifier, span)) = literal(&argument.expr)
        {
            self.import(specifier, span, kind);
        }
        if let Callee::Expr(callee) = &call.callee
            && let Some(argument) = call.args.first()
            && is_named(callee, "fork")
        {
            self.spawned(spawned::argument(&argument.expr));
        }
        self.spawned(spawned::joined_path(call));
        call.visit_children_with(self);
    }

    fn visit_new_expr(&mut self, new: &NewExpr) {
        if let Some(argument) = new.args.as_ref().and_then(|args| args.first())
            && is_named(&new.callee, "Worker")
        {
            self.spawned(spawned::argument(&argument.expr));
        }
        self.spawned(spawned::url(new));
        new.visit_children_with(self);
    }

    fn visit_decorator(&mut self, decorator: &Decorator) {
        let at = self.position(decorator.span);
        self.info.decorator = Some(self.info.decorator.map_or(at, |first| first.min(at)));
        decorator.visit_children_with(self);
    }

    fn visit_function(&mut self, function: &Function) {
        function.decorators.visit_with(self);
        self.in_function(|visitor| {
            function.params.visit_with(visitor);
            function.body.visit_with(visitor);
        });
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        self.in_function(|visitor| arrow.visit_children_with(visitor));
    }

    fn visit_constructor(&mut self, constructor: &Constructor) {
        self.in_function(|visitor| constructor.visit_children_with(visitor));
    }

    fn visit_class_prop(&mut self, field: &ClassProp) {
        field.decorators.visit_with(self);
        field.key.visit_with(self);
        if field.is_static {
            field.value.visit_with(self);
        } else {
            self.in_function(|visitor| field.value.visit_with(visitor));
        }
    }
}

/// Whether a function or class has this name, or is a member of this name.
fn is_named(callee: &Expr, name: &str) -> bool {
    match callee {
        Expr::Ident(ident) => ident.sym == name,
        Expr::Member(member) => member.prop.as_ident().is_some_and(|prop| prop.sym == name),
        _ => false,
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
