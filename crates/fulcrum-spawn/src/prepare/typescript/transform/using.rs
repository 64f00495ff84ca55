//! Prepares `using` at the top level of a module for its lowering.
//!
//! The lowering moves the statements into a `try` block, where exports can't be. So exports with code
//! become a declaration in the block and an export after it.

use swc_common::{DUMMY_SP, util::take::Take};
use swc_ecma_ast::{
    Decl, ExportNamedSpecifier, ExportSpecifier, Id, Ident, ModuleDecl, ModuleExportName,
    ModuleItem, NamedExport, Program, Stmt, VarDeclKind,
};
use swc_ecma_utils::{ExprFactory, find_pat_ids, private_ident};

/// Splits the exports of a module that has `using` at its top level.
pub(super) fn split_exports(program: &mut Program) {
    let Program::Module(module) = program else {
        return;
    };
    let has_using = module
        .body
        .iter()
        .any(|item| matches!(item, ModuleItem::Stmt(Stmt::Decl(Decl::Using(_)))));
    if !has_using {
        return;
    }
    let mut output = Vec::with_capacity(module.body.len() + 4);
    let mut exports = Vec::new();
    for item in module.body.take() {
        match item {
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) if export.decl.is_var() => {
                if let Decl::Var(decl) = &export.decl {
                    let ids: Vec<Id> = find_pat_ids(&decl.decls);
                    exports.extend(ids.into_iter().map(|id| specifier(id.into(), None)));
                }
                output.push(ModuleItem::Stmt(Stmt::Decl(export.decl)));
            }
            ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
                let name = private_ident!("_default");
                exports.push(specifier(name.clone(), Some("default")));
                let mut decl = export.expr.into_var_decl(VarDeclKind::Const, name.into());
                decl.span = export.span;
                output.push(ModuleItem::Stmt(decl.into()));
            }
            item => output.push(item),
        }
    }
    if !exports.is_empty() {
        output.push(ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(
            NamedExport {
                specifiers: exports,
                ..NamedExport::dummy()
            },
        )));
    }
    module.body = output;
}

fn specifier(local: Ident, exported: Option<&str>) -> ExportSpecifier {
    ExportSpecifier::Named(ExportNamedSpecifier {
        span: DUMMY_SP,
        orig: ModuleExportName::Ident(local),
        exported: exported
            .map(|name| ModuleExportName::Ident(Ident::new_no_ctxt(name.into(), DUMMY_SP))),
        is_type_only: false,
    })
}
