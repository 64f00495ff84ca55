//! Parentheses around operands that start on a later line than their keyword.
//!
//! `return (\n  value\n)` loses its parentheses on the way. Without them no line break may follow
//! `return`, so that the value could not stay on its line.

use swc_common::{BytePos, DUMMY_SP, Spanned, util::take::Take};
use swc_ecma_ast::{Expr, ParenExpr, Program, ReturnStmt, ThrowStmt, YieldExpr};
use swc_ecma_visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

/// Adds the parentheses. `text` starts at `start`.
pub(super) fn keep_parentheses(program: &mut Program, text: &str, start: BytePos) {
    program.visit_mut_with(&mut Parentheses { text, start });
}

struct Parentheses<'a> {
    text: &'a str,
    start: BytePos,
}

impl Parentheses<'_> {
    fn wrap(&self, keyword: BytePos, operand: &mut Box<Expr>) {
        let offset = |at: BytePos| Some(at.0.checked_sub(self.start.0)? as usize);
        let between = offset(keyword)
            .zip(offset(operand.span_lo()))
            .and_then(|(from, to)| self.text.get(from..to));
        if between.is_some_and(|text| text.contains(['\n', '\r'])) {
            let parenthesized = ParenExpr {
                span: DUMMY_SP,
                expr: operand.take(),
            };
            **operand = Expr::Paren(parenthesized);
        }
    }
}

impl VisitMut for Parentheses<'_> {
    noop_visit_mut_type!();

    fn visit_mut_return_stmt(&mut self, statement: &mut ReturnStmt) {
        statement.visit_mut_children_with(self);
        if let Some(operand) = &mut statement.arg {
            self.wrap(statement.span.lo, operand);
        }
    }

    fn visit_mut_throw_stmt(&mut self, statement: &mut ThrowStmt) {
        statement.visit_mut_children_with(self);
        self.wrap(statement.span.lo, &mut statement.arg);
    }

    fn visit_mut_yield_expr(&mut self, expr: &mut YieldExpr) {
        expr.visit_mut_children_with(self);
        if let Some(operand) = &mut expr.arg {
            self.wrap(expr.span.lo, operand);
        }
    }
}
