//! `import()` in a file that is lowered to CommonJS.
//!
//! TypeScript makes a `require()` of it, whose result for a lowered module has the module's names and
//! its own `default`. Here it stays an `import()`, so that it loads ES modules as well; for a lowered
//! module Node gives an object whose `default` is all of the exports.

use swc_common::{DUMMY_SP, Mark};
use swc_ecma_ast::{
    CallExpr, Callee, Expr, IdentName, ImportPhase, MemberExpr, MemberProp, ModuleItem, Program,
};
use swc_ecma_utils::{ExprFactory, prepend_stmt, private_ident};
use swc_ecma_visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

use super::snippet;

const HELPER: &str = r#"function _interop_import(namespace) {
    const exports = namespace.default;
    return exports && typeof exports === "object" && exports.__esModule ? exports : namespace;
}"#;

/// Makes `import(a)` into `import(a).then(_interop_import)`.
pub(super) fn unwrap_lowered_modules(program: &mut Program, unresolved: Mark) {
    let helper = private_ident!("_interop_import");
    let mut visitor = DynamicImports {
        helper: helper.clone().into(),
        found: false,
    };
    program.visit_mut_with(&mut visitor);
    if !visitor.found {
        return;
    }
    if let Some(statement) = snippet::statement(HELPER, helper.ctxt, unresolved) {
        match program {
            Program::Module(module) => {
                prepend_stmt(&mut module.body, ModuleItem::Stmt(statement));
            }
            Program::Script(script) => prepend_stmt(&mut script.body, statement),
        }
    }
}

struct DynamicImports {
    helper: Expr,
    found: bool,
}

impl VisitMut for DynamicImports {
    noop_visit_mut_type!();

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        expr.visit_mut_children_with(self);
        let Expr::Call(CallExpr {
            span,
            callee: Callee::Import(import),
            ..
        }) = expr
        else {
            return;
        };
        if import.phase != ImportPhase::Evaluation {
            return;
        }
        self.found = true;
        let span = *span;
        let then = MemberExpr {
            span: DUMMY_SP,
            obj: Box::new(std::mem::take(expr)),
            prop: MemberProp::Ident(IdentName::new("then".into(), DUMMY_SP)),
        };
        *expr = then.as_call(span, vec![self.helper.clone().as_arg()]);
    }
}
