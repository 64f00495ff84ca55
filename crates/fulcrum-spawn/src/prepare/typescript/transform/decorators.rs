//! Prepares classes for the lowering of legacy decorators (`experimentalDecorators`).
//!
//! - The expression of a decorator is put in parentheses, since the lowering forgets the positions of
//!   the outermost expression.
//! - A class that a decorator may replace refers to itself by an alias in its body, as TypeScript does
//!   it: so `new A()` in a method of `A` creates what the decorator returned.

use swc_common::{DUMMY_SP, util::take::Take};
use swc_ecma_ast::{
    AssignExpr, AssignOp, BlockStmt, Callee, Class, ClassDecl, ClassMember, Decl, Decorator,
    DefaultDecl, Expr, Ident, ModuleDecl, ModuleItem, ParenExpr, Pat, Program, SimpleAssignTarget,
    StaticBlock, Stmt, ThisExpr, VarDecl, VarDeclKind, VarDeclarator,
};
use swc_ecma_utils::{ExprFactory, private_ident};
use swc_ecma_visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

/// Classes with an alias.
pub(super) struct Aliases(Vec<(Ident, Ident)>);

/// Prepares the decorators of a program; [`Aliases::complete`] completes them after the lowering.
pub(super) fn prepare(program: &mut Program) -> Aliases {
    program.visit_mut_with(&mut KeepPositions);
    let mut visitor = AliasClasses::default();
    program.visit_mut_with(&mut visitor);
    Aliases(visitor.aliases)
}

impl Aliases {
    /// Completes the lowering: assigns what the decorators returned to the aliases too, and decorates
    /// instance members before static ones, as TypeScript does.
    pub(super) fn complete(self, program: &mut Program) {
        program.visit_mut_with(&mut OrderMembers);
        if !self.0.is_empty() {
            program.visit_mut_with(&mut AssignAliases(self.0));
        }
    }
}

struct OrderMembers;

impl VisitMut for OrderMembers {
    noop_visit_mut_type!();

    fn visit_mut_module_items(&mut self, items: &mut Vec<ModuleItem>) {
        items.visit_mut_children_with(self);
        order(items, |item| match item {
            ModuleItem::Stmt(statement) => decorates_static(statement),
            ModuleItem::ModuleDecl(_) => None,
        });
    }

    fn visit_mut_stmts(&mut self, statements: &mut Vec<Stmt>) {
        statements.visit_mut_children_with(self);
        order(statements, decorates_static);
    }
}

/// Sorts each run of statements that decorate members.
fn order<T>(statements: &mut [T], is_static: impl Fn(&T) -> Option<bool>) {
    for run in statements.chunk_by_mut(|a, b| is_static(a).is_some() && is_static(b).is_some()) {
        run.sort_by_key(|statement| is_static(statement));
    }
}

/// Whether a statement decorates a static member; `None` if it decorates none.
fn decorates_static(statement: &Stmt) -> Option<bool> {
    let Expr::Call(call) = &*statement.as_expr()?.expr else {
        return None;
    };
    let [_, target, _, _] = call.args.as_slice() else {
        return None;
    };
    let name = call.callee.as_expr()?.as_ident()?;
    (name.sym == "_ts_decorate").then(|| target.expr.is_ident())
}

struct KeepPositions;

impl VisitMut for KeepPositions {
    noop_visit_mut_type!();

    fn visit_mut_decorator(&mut self, decorator: &mut Decorator) {
        decorator.visit_mut_children_with(self);
        // The lowering looks for private names in members, so those stay as they are.
        if !decorator.expr.is_member() {
            let parenthesized = ParenExpr {
                span: DUMMY_SP,
                expr: decorator.expr.take(),
            };
            *decorator.expr = Expr::Paren(parenthesized);
        }
    }
}

#[derive(Default)]
struct AliasClasses {
    aliases: Vec<(Ident, Ident)>,
}

impl AliasClasses {
    /// Gives a class an alias if it has decorators and refers to itself; returns the alias.
    fn alias(&mut self, name: &Ident, class: &mut Class) -> Option<Ident> {
        if class.decorators.is_empty() {
            return None;
        }
        let alias = private_ident!(format!("{}_1", name.sym));
        let mut references = References {
            name,
            alias: &alias,
            found: false,
        };
        class.body.visit_mut_with(&mut references);
        if !references.found {
            return None;
        }
        let this = Expr::This(ThisExpr { span: DUMMY_SP });
        let assignment = this.make_assign_to(AssignOp::Assign, alias.clone().into());
        let block = StaticBlock {
            span: DUMMY_SP,
            body: BlockStmt {
                stmts: vec![assignment.into_stmt()],
                ..BlockStmt::default()
            },
        };
        class.body.insert(0, ClassMember::StaticBlock(block));
        self.aliases.push((name.clone(), alias.clone()));
        Some(alias)
    }
}

fn declare(alias: Ident) -> Stmt {
    let decl = VarDecl {
        kind: VarDeclKind::Let,
        decls: vec![VarDeclarator {
            span: DUMMY_SP,
            name: Pat::Ident(alias.into()),
            init: None,
            definite: false,
        }],
        ..VarDecl::default()
    };
    decl.into()
}

impl VisitMut for AliasClasses {
    noop_visit_mut_type!();

    fn visit_mut_module_items(&mut self, items: &mut Vec<ModuleItem>) {
        items.visit_mut_children_with(self);
        let mut output = Vec::with_capacity(items.len());
        for mut item in items.take() {
            let class = match &mut item {
                ModuleItem::Stmt(Stmt::Decl(Decl::Class(decl))) => Some(parts(decl)),
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => {
                    export.decl.as_mut_class().map(parts)
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => {
                    match &mut export.decl {
                        DefaultDecl::Class(class) => class
                            .ident
                            .as_ref()
                            .map(|ident| (ident.clone(), &mut *class.class)),
                        _ => None,
                    }
                }
                _ => None,
            };
            let alias = class.and_then(|(name, class)| self.alias(&name, class));
            output.extend(alias.map(|alias| ModuleItem::Stmt(declare(alias))));
            output.push(item);
        }
        *items = output;
    }

    fn visit_mut_stmts(&mut self, statements: &mut Vec<Stmt>) {
        statements.visit_mut_children_with(self);
        let mut output = Vec::with_capacity(statements.len());
        for mut statement in statements.take() {
            if let Stmt::Decl(Decl::Class(decl)) = &mut statement {
                let (name, class) = parts(decl);
                output.extend(self.alias(&name, class).map(declare));
            }
            output.push(statement);
        }
        *statements = output;
    }
}

fn parts(decl: &mut ClassDecl) -> (Ident, &mut Class) {
    (decl.ident.clone(), &mut decl.class)
}

/// Replaces the references to a class by its alias.
struct References<'a> {
    name: &'a Ident,
    alias: &'a Ident,
    found: bool,
}

impl VisitMut for References<'_> {
    noop_visit_mut_type!();

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        if let Expr::Ident(ident) = expr
            && ident.to_id() == self.name.to_id()
        {
            self.found = true;
            let span = ident.span;
            *ident = self.alias.clone();
            ident.span = span;
            return;
        }
        expr.visit_mut_children_with(self);
    }

    fn visit_mut_prop(&mut self, prop: &mut swc_ecma_ast::Prop) {
        if let swc_ecma_ast::Prop::Shorthand(ident) = prop
            && ident.to_id() == self.name.to_id()
        {
            self.found = true;
            let mut value = self.alias.clone();
            value.span = ident.span;
            *prop = swc_ecma_ast::Prop::KeyValue(swc_ecma_ast::KeyValueProp {
                key: swc_ecma_ast::PropName::Ident(ident.clone().into()),
                value: Box::new(value.into()),
            });
            return;
        }
        prop.visit_mut_children_with(self);
    }

    /// Decorators of members are evaluated after the class and may refer to it by its name.
    fn visit_mut_decorator(&mut self, _: &mut Decorator) {}
}

/// Makes `A = decorate(…)` into `A = A_1 = decorate(…)`.
struct AssignAliases(Vec<(Ident, Ident)>);

impl VisitMut for AssignAliases {
    noop_visit_mut_type!();

    fn visit_mut_assign_expr(&mut self, assign: &mut AssignExpr) {
        assign.visit_mut_children_with(self);
        let is_synthetic = assign.span.is_dummy() && assign.op == AssignOp::Assign;
        let Some(SimpleAssignTarget::Ident(target)) = assign.left.as_simple() else {
            return;
        };
        let alias = self
            .0
            .iter()
            .find(|(name, _)| name.to_id() == target.id.to_id());
        if let Some((_, alias)) = alias
            && is_synthetic
            && is_decorate_call(&assign.right)
        {
            let inner = assign
                .right
                .take()
                .make_assign_to(AssignOp::Assign, alias.clone().into());
            *assign.right = inner;
        }
    }
}

fn is_decorate_call(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call)
        if matches!(&call.callee, Callee::Expr(callee)
            if matches!(&**callee, Expr::Ident(name) if name.sym == "_ts_decorate")))
}
