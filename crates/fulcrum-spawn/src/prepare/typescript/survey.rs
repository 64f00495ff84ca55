//! What a file contains that decides how it is compiled.

use rustc_hash::FxHashSet;
use swc_atoms::Atom;
use swc_common::{BytePos, Spanned};
use swc_ecma_ast::{
    ArrowExpr, AutoAccessor, AwaitExpr, BindingIdent, Class, ClassDecl, ClassExpr, ClassMember,
    ClassProp, Constructor, Decl, Decorator, ExportAll, ExportDecl, FnDecl, FnExpr, ForOfStmt,
    Function, Ident, Import, ImportDecl, JSXElement, JSXFragment, MetaPropExpr, MetaPropKind,
    ModuleDecl, ModuleItem, NamedExport, Param, PrivateProp, Program, StaticBlock, TsEnumDecl,
    TsExportAssignment, TsImportEqualsDecl, TsModuleDecl, TsNamespaceBody, TsParamProp,
    TsTypeAssertion, UsingDecl,
};
use swc_ecma_visit::{Visit, VisitWith, noop_visit_type};

/// The findings about one file. Positions are those of the first of a kind.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Syntax of TypeScript that has code of its own: enums, namespaces with values, parameter
    /// properties, `import x = y`, `export =`, assertions in angle brackets.
    pub(super) typescript_code: Option<BytePos>,
    pub(super) export_assignment: Option<BytePos>,
    pub(super) decorator: Option<BytePos>,
    pub(super) parameter_decorator: Option<BytePos>,
    pub(super) accessor: Option<BytePos>,
    pub(super) using: Option<BytePos>,
    pub(super) jsx: Option<BytePos>,
    /// A class field that means something else if fields are assigned.
    pub(super) public_field: Option<BytePos>,
    /// `await` outside of functions.
    pub(super) top_level_await: Option<BytePos>,
    pub(super) import_meta: Option<BytePos>,
    pub(super) dynamic_import: Option<BytePos>,
    /// The names that occur as values.
    pub(super) values: FxHashSet<Atom>,
    /// The names that are declared by something else than an import.
    pub(super) bindings: FxHashSet<Atom>,
}

impl Survey {
    /// Whether a name occurs in the file.
    pub(super) fn mentions(&self, name: &str) -> bool {
        let name = Atom::from(name);
        self.values.contains(&name) || self.bindings.contains(&name)
    }
}

/// Surveys a file in one pass.
pub(super) fn survey(program: &Program) -> Survey {
    let mut visitor = Surveyor {
        survey: Survey::default(),
        depth: 0,
    };
    program.visit_with(&mut visitor);
    visitor.survey
}

/// Whether a declaration leaves nothing in the code.
pub(super) fn is_only_types(decl: &Decl) -> bool {
    match decl {
        Decl::TsInterface(_) | Decl::TsTypeAlias(_) => true,
        Decl::TsModule(module) => !has_values(module),
        Decl::TsEnum(decl) => decl.declare,
        Decl::Class(decl) => decl.declare,
        Decl::Fn(decl) => decl.declare || decl.function.body.is_none(),
        Decl::Var(decl) => decl.declare,
        Decl::Using(_) => false,
    }
}

/// Whether a namespace has code.
fn has_values(module: &TsModuleDecl) -> bool {
    !module.declare && !module.global && module.body.as_ref().is_some_and(body_has_values)
}

fn body_has_values(body: &TsNamespaceBody) -> bool {
    match body {
        TsNamespaceBody::TsNamespaceDecl(inner) => body_has_values(&inner.body),
        TsNamespaceBody::TsModuleBlock(block) => block.body.iter().any(|item| match item {
            ModuleItem::Stmt(swc_ecma_ast::Stmt::Decl(decl)) => !is_only_types(decl),
            ModuleItem::Stmt(swc_ecma_ast::Stmt::Empty(_)) => false,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => !is_only_types(&export.decl),
            ModuleItem::ModuleDecl(ModuleDecl::TsImportEquals(import)) => !import.is_type_only,
            ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) => !export.type_only,
            ModuleItem::Stmt(_) | ModuleItem::ModuleDecl(_) => true,
        }),
    }
}

struct Surveyor {
    survey: Survey,
    /// The number of functions around.
    depth: usize,
}

impl Surveyor {
    fn in_function(&mut self, visit: impl FnOnce(&mut Self)) {
        self.depth += 1;
        visit(self);
        self.depth -= 1;
    }

    fn found_await(&mut self, at: BytePos) {
        if self.depth == 0 {
            note(&mut self.survey.top_level_await, at);
        }
    }

    fn parameter_decorators(&mut self, decorators: &[Decorator]) {
        if let Some(first) = decorators.first() {
            note(&mut self.survey.parameter_decorator, first.span.lo);
        }
    }

    fn bind(&mut self, ident: &Ident) {
        self.survey.bindings.insert(ident.sym.clone());
    }
}

/// Keeps the first position.
fn note(slot: &mut Option<BytePos>, at: BytePos) {
    if slot.is_none_or(|first| at < first) {
        *slot = Some(at);
    }
}

impl Visit for Surveyor {
    noop_visit_type!();

    fn visit_ident(&mut self, ident: &Ident) {
        self.survey.values.insert(ident.sym.clone());
    }

    fn visit_binding_ident(&mut self, ident: &BindingIdent) {
        self.bind(&ident.id);
    }

    fn visit_decl(&mut self, decl: &Decl) {
        if !is_only_types(decl) {
            decl.visit_children_with(self);
        }
    }

    fn visit_fn_decl(&mut self, decl: &FnDecl) {
        self.bind(&decl.ident);
        decl.function.visit_with(self);
    }

    fn visit_fn_expr(&mut self, expr: &FnExpr) {
        expr.ident.iter().for_each(|ident| self.bind(ident));
        expr.function.visit_with(self);
    }

    fn visit_class_decl(&mut self, decl: &ClassDecl) {
        self.bind(&decl.ident);
        decl.class.visit_with(self);
    }

    fn visit_class_expr(&mut self, expr: &ClassExpr) {
        expr.ident.iter().for_each(|ident| self.bind(ident));
        expr.class.visit_with(self);
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

    fn visit_class(&mut self, class: &Class) {
        class.decorators.visit_with(self);
        class.super_class.visit_with(self);
        for member in &class.body {
            let is_overload = match member {
                ClassMember::Method(method) => method.function.body.is_none(),
                ClassMember::PrivateMethod(method) => method.function.body.is_none(),
                ClassMember::Constructor(constructor) => constructor.body.is_none(),
                _ => false,
            };
            if !is_overload {
                member.visit_with(self);
            }
        }
    }

    fn visit_constructor(&mut self, constructor: &Constructor) {
        self.in_function(|visitor| constructor.visit_children_with(visitor));
    }

    fn visit_static_block(&mut self, block: &StaticBlock) {
        self.in_function(|visitor| block.visit_children_with(visitor));
    }

    fn visit_class_prop(&mut self, field: &ClassProp) {
        if field.declare || field.is_abstract {
            return;
        }
        note(&mut self.survey.public_field, field.span.lo);
        field.decorators.visit_with(self);
        field.key.visit_with(self);
        self.in_function(|visitor| field.value.visit_with(visitor));
    }

    fn visit_private_prop(&mut self, field: &PrivateProp) {
        field.decorators.visit_with(self);
        self.in_function(|visitor| field.value.visit_with(visitor));
    }

    fn visit_auto_accessor(&mut self, accessor: &AutoAccessor) {
        if accessor.is_abstract {
            return;
        }
        note(&mut self.survey.accessor, accessor.span.lo);
        accessor.decorators.visit_with(self);
        accessor.key.visit_with(self);
        self.in_function(|visitor| accessor.value.visit_with(visitor));
    }

    fn visit_decorator(&mut self, decorator: &Decorator) {
        note(&mut self.survey.decorator, decorator.span.lo);
        decorator.visit_children_with(self);
    }

    fn visit_await_expr(&mut self, expr: &AwaitExpr) {
        self.found_await(expr.span.lo);
        expr.visit_children_with(self);
    }

    fn visit_for_of_stmt(&mut self, statement: &ForOfStmt) {
        if statement.is_await {
            self.found_await(statement.span.lo);
        }
        statement.visit_children_with(self);
    }

    fn visit_using_decl(&mut self, decl: &UsingDecl) {
        note(&mut self.survey.using, decl.span.lo);
        if decl.is_await {
            self.found_await(decl.span.lo);
        }
        decl.visit_children_with(self);
    }

    fn visit_import(&mut self, import: &Import) {
        note(&mut self.survey.dynamic_import, import.span.lo);
    }

    fn visit_meta_prop_expr(&mut self, expr: &MetaPropExpr) {
        if expr.kind == MetaPropKind::ImportMeta {
            note(&mut self.survey.import_meta, expr.span.lo);
        }
    }

    fn visit_jsx_element(&mut self, element: &JSXElement) {
        note(&mut self.survey.jsx, element.span.lo);
        element.visit_children_with(self);
    }

    fn visit_jsx_fragment(&mut self, fragment: &JSXFragment) {
        note(&mut self.survey.jsx, fragment.span.lo);
        fragment.visit_children_with(self);
    }

    fn visit_import_decl(&mut self, _: &ImportDecl) {}

    fn visit_export_all(&mut self, _: &ExportAll) {}

    fn visit_named_export(&mut self, export: &NamedExport) {
        if export.src.is_some() || export.type_only {
            return;
        }
        for specifier in &export.specifiers {
            match specifier {
                swc_ecma_ast::ExportSpecifier::Named(named) if named.is_type_only => {}
                specifier => specifier.visit_with(self),
            }
        }
    }

    fn visit_export_decl(&mut self, export: &ExportDecl) {
        self.visit_decl(&export.decl);
    }

    fn visit_ts_enum_decl(&mut self, decl: &TsEnumDecl) {
        note(&mut self.survey.typescript_code, decl.span.lo);
        self.bind(&decl.id);
        decl.members.visit_with(self);
    }

    fn visit_ts_module_decl(&mut self, module: &TsModuleDecl) {
        note(&mut self.survey.typescript_code, module.span.lo);
        if let swc_ecma_ast::TsModuleName::Ident(ident) = &module.id {
            self.bind(ident);
        }
        self.in_function(|visitor| module.body.visit_with(visitor));
    }

    fn visit_param(&mut self, parameter: &Param) {
        self.parameter_decorators(&parameter.decorators);
        parameter.visit_children_with(self);
    }

    fn visit_ts_param_prop(&mut self, property: &TsParamProp) {
        self.parameter_decorators(&property.decorators);
        note(&mut self.survey.typescript_code, property.span.lo);
        property.visit_children_with(self);
    }

    fn visit_ts_import_equals_decl(&mut self, import: &TsImportEqualsDecl) {
        if import.is_type_only {
            return;
        }
        note(&mut self.survey.typescript_code, import.span.lo);
        self.bind(&import.id);
        if let swc_ecma_ast::TsModuleRef::TsEntityName(name) = &import.module_ref {
            let mut name = name;
            while let swc_ecma_ast::TsEntityName::TsQualifiedName(qualified) = name {
                name = &qualified.left;
            }
            if let swc_ecma_ast::TsEntityName::Ident(ident) = name {
                self.survey.values.insert(ident.sym.clone());
            }
        }
    }

    fn visit_ts_export_assignment(&mut self, export: &TsExportAssignment) {
        note(&mut self.survey.typescript_code, export.span.lo);
        note(&mut self.survey.export_assignment, export.span.lo);
        export.visit_children_with(self);
    }

    fn visit_ts_type_assertion(&mut self, assertion: &TsTypeAssertion) {
        note(&mut self.survey.typescript_code, assertion.span_lo());
        assertion.visit_children_with(self);
    }
}
