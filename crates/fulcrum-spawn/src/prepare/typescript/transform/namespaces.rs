//! References between the blocks of a namespace that is declared more than once.
//!
//! `namespace A { export const x = 1 } namespace A { x }`: the second block refers to `A.x`, which
//! the lowering of namespaces does not know.

use rustc_hash::{FxHashMap, FxHashSet};
use swc_atoms::Atom;
use swc_common::util::take::Take;
use swc_ecma_ast::{
    AssignTarget, BindingIdent, ClassDecl, ClassExpr, Decl, ExportDecl, Expr, FnDecl, FnExpr, Id,
    Ident, IdentName, KeyValueProp, MemberExpr, MemberProp, ModuleDecl, ModuleItem, Program, Prop,
    PropName, SimpleAssignTarget, Stmt, TsEnumDecl, TsImportEqualsDecl, TsModuleBlock,
    TsModuleDecl, TsModuleName, TsNamespaceBody,
};
use swc_ecma_utils::find_pat_ids;
use swc_ecma_visit::{
    Visit, VisitMut, VisitMutWith, VisitWith, noop_visit_mut_type, noop_visit_type,
};

use super::super::survey::is_only_types;

/// The names that the blocks of each namespace export, by the path of the namespace.
type Exports = FxHashMap<String, FxHashSet<Atom>>;

/// Makes the references between blocks explicit.
pub(super) fn link_namespaces(program: &mut Program) {
    let mut blocks = Blocks::default();
    let dotted = walk(program, &mut |path, _, block| blocks.count(path, block));
    for (path, name) in dotted {
        *blocks.counts.entry(path.clone()).or_default() += 1;
        blocks.exports.entry(path).or_default().insert(name);
    }
    if blocks.counts.values().all(|count| *count < 2) {
        return;
    }
    walk(program, &mut |path, name, block| {
        if let Some(exports) = blocks.exports.get(path) {
            link_block(name, block, exports);
        }
    });
}

#[derive(Default)]
struct Blocks {
    counts: FxHashMap<String, usize>,
    exports: Exports,
}

impl Blocks {
    fn count(&mut self, path: &str, block: &TsModuleBlock) {
        *self.counts.entry(path.to_owned()).or_default() += 1;
        let names = self.exports.entry(path.to_owned()).or_default();
        for item in &block.body {
            if let ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) = item {
                names.extend(declared_names(export));
            }
        }
    }
}

/// Calls a function with each block of a namespace, inner blocks first: its path, its name, and the
/// block. Returns the namespaces that are exported by a dotted name (`namespace A.B`), with the path
/// of the outer one.
fn walk(
    program: &mut Program,
    visit: &mut dyn FnMut(&str, &Ident, &mut TsModuleBlock),
) -> Vec<(String, Atom)> {
    let mut walker = Walker {
        visit,
        path: String::new(),
        count: 0,
        dotted: Vec::new(),
    };
    program.visit_mut_with(&mut walker);
    walker.dotted
}

struct Walker<'a> {
    visit: &'a mut dyn FnMut(&str, &Ident, &mut TsModuleBlock),
    path: String,
    /// The number of blocks so far: a namespace that is not exported belongs to its block.
    count: usize,
    dotted: Vec<(String, Atom)>,
}

impl Walker<'_> {
    fn body(&mut self, name: &Ident, path: String, body: &mut TsNamespaceBody) {
        match body {
            TsNamespaceBody::TsModuleBlock(block) => {
                let outer = std::mem::replace(&mut self.path, path);
                block.visit_mut_children_with(self);
                (self.visit)(&self.path, name, block);
                self.path = outer;
            }
            TsNamespaceBody::TsNamespaceDecl(inner) => {
                self.dotted.push((path.clone(), inner.id.sym.clone()));
                let path = format!("{path}/{}", inner.id.sym);
                self.body(&inner.id, path, &mut inner.body);
            }
        }
    }
}

impl VisitMut for Walker<'_> {
    noop_visit_mut_type!();

    fn visit_mut_ts_module_decl(&mut self, module: &mut TsModuleDecl) {
        self.module(module, false);
    }

    fn visit_mut_export_decl(&mut self, export: &mut ExportDecl) {
        if let Decl::TsModule(module) = &mut export.decl {
            self.module(module, true);
        } else {
            export.visit_mut_children_with(self);
        }
    }
}

impl Walker<'_> {
    fn module(&mut self, module: &mut TsModuleDecl, is_exported: bool) {
        let TsModuleName::Ident(name) = &module.id else {
            return;
        };
        if module.declare || module.global {
            return;
        }
        self.count += 1;
        let (outer, (symbol, context)) = (&self.path, name.to_id());
        let path = if outer.is_empty() {
            format!("{symbol}#{}", context.as_u32())
        } else if is_exported {
            format!("{outer}/{symbol}")
        } else {
            format!("{outer}/{symbol}#{}", self.count)
        };
        let name = name.clone();
        if let Some(body) = &mut module.body {
            self.body(&name, path, body);
        }
    }
}

/// The values that an export declares.
fn declared_names(export: &ExportDecl) -> Vec<Atom> {
    if is_only_types(&export.decl) {
        return Vec::new();
    }
    let names = |ids: Vec<Id>| ids.into_iter().map(|(name, _)| name).collect();
    match &export.decl {
        Decl::Class(decl) => vec![decl.ident.sym.clone()],
        Decl::Fn(decl) => vec![decl.ident.sym.clone()],
        Decl::Var(decl) => names(find_pat_ids(&decl.decls)),
        Decl::Using(decl) => names(find_pat_ids(&decl.decls)),
        Decl::TsEnum(decl) => vec![decl.id.sym.clone()],
        Decl::TsModule(module) => match &module.id {
            TsModuleName::Ident(name) => vec![name.sym.clone()],
            TsModuleName::Str(_) => Vec::new(),
        },
        Decl::TsInterface(_) | Decl::TsTypeAlias(_) => Vec::new(),
    }
}

/// Replaces references in a block to what other blocks of its namespace export.
fn link_block(namespace: &Ident, block: &mut TsModuleBlock, exports: &FxHashSet<Atom>) {
    let mut declared = Declared::default();
    block.visit_with(&mut declared);
    block.visit_mut_with(&mut Links {
        namespace,
        exports,
        declared: &declared.0,
    });
}

/// The bindings that are declared somewhere in a block.
#[derive(Default)]
struct Declared(FxHashSet<Id>);

impl Visit for Declared {
    noop_visit_type!();

    fn visit_binding_ident(&mut self, ident: &BindingIdent) {
        self.0.insert(ident.to_id());
    }

    fn visit_fn_decl(&mut self, decl: &FnDecl) {
        self.0.insert(decl.ident.to_id());
        decl.function.visit_with(self);
    }

    fn visit_fn_expr(&mut self, expr: &FnExpr) {
        self.0.extend(expr.ident.as_ref().map(Ident::to_id));
        expr.function.visit_with(self);
    }

    fn visit_class_decl(&mut self, decl: &ClassDecl) {
        self.0.insert(decl.ident.to_id());
        decl.class.visit_with(self);
    }

    fn visit_class_expr(&mut self, expr: &ClassExpr) {
        self.0.extend(expr.ident.as_ref().map(Ident::to_id));
        expr.class.visit_with(self);
    }

    fn visit_ts_enum_decl(&mut self, decl: &TsEnumDecl) {
        self.0.insert(decl.id.to_id());
    }

    fn visit_ts_import_equals_decl(&mut self, decl: &TsImportEqualsDecl) {
        self.0.insert(decl.id.to_id());
    }

    fn visit_ts_module_decl(&mut self, module: &TsModuleDecl) {
        if let TsModuleName::Ident(name) = &module.id {
            self.0.insert(name.to_id());
        }
        module.body.visit_with(self);
    }

    fn visit_stmt(&mut self, statement: &Stmt) {
        statement.visit_children_with(self);
    }
}

struct Links<'a> {
    namespace: &'a Ident,
    exports: &'a FxHashSet<Atom>,
    declared: &'a FxHashSet<Id>,
}

impl Links<'_> {
    /// The member of the namespace that a name refers to.
    fn member(&self, ident: &Ident) -> Option<MemberExpr> {
        let is_linked =
            self.exports.contains(&ident.sym) && !self.declared.contains(&ident.to_id());
        is_linked.then(|| {
            let mut namespace = self.namespace.clone();
            namespace.span = ident.span;
            MemberExpr {
                span: ident.span,
                obj: Box::new(namespace.into()),
                prop: MemberProp::Ident(IdentName::new(ident.sym.clone(), ident.span)),
            }
        })
    }
}

impl VisitMut for Links<'_> {
    noop_visit_mut_type!();

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Ident(ident) => {
                if let Some(member) = self.member(ident) {
                    *expr = member.into();
                }
            }
            expr => expr.visit_mut_children_with(self),
        }
    }

    fn visit_mut_assign_target(&mut self, target: &mut AssignTarget) {
        if let AssignTarget::Simple(SimpleAssignTarget::Ident(ident)) = target
            && let Some(member) = self.member(&ident.id)
        {
            *target = AssignTarget::Simple(SimpleAssignTarget::Member(member));
            return;
        }
        target.visit_mut_children_with(self);
    }

    fn visit_mut_prop(&mut self, prop: &mut Prop) {
        if let Prop::Shorthand(ident) = prop
            && let Some(member) = self.member(ident)
        {
            *prop = Prop::KeyValue(KeyValueProp {
                key: PropName::Ident(ident.take().into()),
                value: Box::new(member.into()),
            });
            return;
        }
        prop.visit_mut_children_with(self);
    }
}
