//! Exports that are read before they are there, in a module that is lowered to CommonJS.
//!
//! Two modules that import each other read exports of a module that has not run to its end. With
//! TypeScript's own output such an export is `undefined`, and programs rely on it: entities that refer
//! to each other do. The getters of swc would throw for a class or a constant.

use swc_common::DUMMY_SP;
use swc_ecma_ast::{
    BlockStmt, CallExpr, CatchClause, Expr, Function, ModuleItem, Program, ReturnStmt, Stmt,
    TryStmt,
};
use swc_ecma_visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

/// Makes the getters return `undefined` for what is not there yet.
pub(super) fn tolerate_early_reads(program: &mut Program) {
    let Program::Module(module) = program else {
        return;
    };
    for item in &mut module.body {
        if let ModuleItem::Stmt(Stmt::Expr(statement)) = item
            && let Expr::Call(call) = &mut *statement.expr
            && defines_exports(call)
        {
            call.args.visit_mut_with(&mut Getters);
        }
    }
}

/// `_export(exports, { get a() { … } })`, `Object.defineProperty(exports, "a", { get: … })`.
fn defines_exports(call: &CallExpr) -> bool {
    let target = call.args.first().map(|argument| &*argument.expr);
    call.span.is_dummy() && matches!(target, Some(Expr::Ident(name)) if name.sym == "exports")
}

struct Getters;

impl VisitMut for Getters {
    noop_visit_mut_type!();

    fn visit_mut_function(&mut self, function: &mut Function) {
        let Some(body) = &mut function.body else {
            return;
        };
        // A binding can only fail to be read because it is not initialized.
        let reads_binding = matches!(body.stmts.as_slice(),
            [Stmt::Return(ReturnStmt { arg: Some(value), .. })] if value.is_ident());
        if reads_binding {
            let read = std::mem::take(&mut body.stmts);
            body.stmts = vec![Stmt::Try(Box::new(TryStmt {
                span: DUMMY_SP,
                block: block(read),
                handler: Some(CatchClause {
                    span: DUMMY_SP,
                    param: None,
                    body: block(Vec::new()),
                }),
                finalizer: None,
            }))];
        }
    }
}

fn block(stmts: Vec<Stmt>) -> BlockStmt {
    BlockStmt {
        span: DUMMY_SP,
        stmts,
        ..BlockStmt::default()
    }
}
