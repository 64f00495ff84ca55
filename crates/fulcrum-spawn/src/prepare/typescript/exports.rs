//! The names that an ES module can import from a CommonJS module.
//!
//! Node finds them by a lexer, which fails on much valid code; here the syntax tree is at hand.

use swc_ecma_ast::{
    AssignTarget, CallExpr, Callee, Expr, Lit, MemberExpr, MemberProp, ModuleDecl, ModuleItem,
    ObjectLit, Program, Prop, PropName, PropOrSpread, SimpleAssignTarget, Stmt,
};

/// What the statements of a CommonJS module assign to its exports.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AssignedExports {
    pub(super) names: Vec<String>,
    /// The modules all of whose names are exported.
    pub(super) modules: Vec<String>,
}

/// Finds assignments to `exports` and `module.exports` in the statements of a program.
pub(super) fn assigned_exports(program: &Program) -> AssignedExports {
    let mut found = AssignedExports::default();
    match program {
        Program::Script(script) => script.body.iter().for_each(|s| found.statement(s)),
        Program::Module(module) => {
            for item in &module.body {
                match item {
                    ModuleItem::Stmt(statement) => found.statement(statement),
                    ModuleItem::ModuleDecl(ModuleDecl::TsExportAssignment(export)) => {
                        found.replace(&export.expr);
                    }
                    ModuleItem::ModuleDecl(_) => {}
                }
            }
        }
    }
    found
}

impl AssignedExports {
    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Expr(statement) => self.expression(&statement.expr),
            Stmt::Block(block) => block.stmts.iter().for_each(|s| self.statement(s)),
            Stmt::If(branch) => {
                self.statement(&branch.cons);
                branch.alt.iter().for_each(|s| self.statement(s));
            }
            Stmt::Try(block) => block.block.stmts.iter().for_each(|s| self.statement(s)),
            Stmt::Decl(decl) => {
                let decls = decl.as_var().map_or(&[][..], |var| &var.decls);
                decls
                    .iter()
                    .filter_map(|decl| decl.init.as_deref())
                    .for_each(|init| self.expression(init));
            }
            _ => {}
        }
    }

    fn expression(&mut self, expr: &Expr) {
        match expr {
            Expr::Paren(paren) => self.expression(&paren.expr),
            Expr::Seq(sequence) => sequence.exprs.iter().for_each(|e| self.expression(e)),
            // `0 && (module.exports = { … })`, as esbuild writes it for Node.
            Expr::Bin(binary) => self.expression(&binary.right),
            Expr::Assign(assign) => {
                if let AssignTarget::Simple(SimpleAssignTarget::Member(target)) = &assign.left {
                    if is_module_exports(target) {
                        self.replace(&assign.right);
                        return;
                    }
                    if is_exports(&target.obj) {
                        self.names.extend(name_of(&target.prop));
                    }
                }
                self.expression(&assign.right);
            }
            Expr::Call(call) => self.call(call),
            _ => {}
        }
    }

    /// `module.exports = …` replaces what was exported before.
    fn replace(&mut self, value: &Expr) {
        match value {
            Expr::Paren(paren) => self.replace(&paren.expr),
            Expr::Object(object) => {
                *self = Self::default();
                self.object(object);
            }
            Expr::Call(call) => {
                if let Some(module) = required(call) {
                    *self = Self::default();
                    self.modules.push(module);
                }
            }
            Expr::Assign(_) => self.expression(value),
            _ => {}
        }
    }

    fn object(&mut self, object: &ObjectLit) {
        for prop in &object.props {
            match prop {
                PropOrSpread::Spread(spread) => {
                    if let Expr::Call(call) = &*spread.expr {
                        self.modules.extend(required(call));
                    }
                }
                PropOrSpread::Prop(prop) => {
                    let key = match &**prop {
                        Prop::Shorthand(ident) => Some(ident.sym.to_string()),
                        Prop::KeyValue(pair) => key_name(&pair.key),
                        Prop::Getter(getter) => key_name(&getter.key),
                        Prop::Method(method) => key_name(&method.key),
                        Prop::Setter(_) | Prop::Assign(_) => None,
                    };
                    self.names.extend(key);
                }
            }
        }
    }

    /// `Object.defineProperty(exports, 'a', …)`, `__exportStar(require('a'), exports)`.
    fn call(&mut self, call: &CallExpr) {
        let Callee::Expr(callee) = &call.callee else {
            return;
        };
        let name = match &**callee {
            Expr::Member(member) => member.prop.as_ident().map(|name| &*name.sym),
            Expr::Ident(ident) => Some(&*ident.sym),
            _ => None,
        };
        match (name, call.args.as_slice()) {
            (Some("defineProperty"), [target, key, ..]) if is_exports(&target.expr) => {
                if let Expr::Lit(Lit::Str(name)) = &*key.expr {
                    let name = name.value.to_string_lossy().into_owned();
                    self.names.extend((name != "__esModule").then_some(name));
                }
            }
            (Some("__exportStar" | "__export"), [module, ..]) => {
                if let Expr::Call(call) = &*module.expr {
                    self.modules.extend(required(call));
                }
            }
            _ => {}
        }
    }
}

/// Whether an expression is `exports` or `module.exports`.
fn is_exports(expr: &Expr) -> bool {
    match expr {
        Expr::Ident(ident) => ident.sym == "exports",
        Expr::Member(member) => is_module_exports(member),
        _ => false,
    }
}

fn is_module_exports(member: &MemberExpr) -> bool {
    matches!(&*member.obj, Expr::Ident(ident) if ident.sym == "module")
        && name_of(&member.prop).as_deref() == Some("exports")
}

fn name_of(property: &MemberProp) -> Option<String> {
    match property {
        MemberProp::Ident(name) => Some(name.sym.to_string()),
        MemberProp::Computed(key) => match &*key.expr {
            Expr::Lit(Lit::Str(text)) => Some(text.value.to_string_lossy().into_owned()),
            _ => None,
        },
        MemberProp::PrivateName(_) => None,
    }
}

fn key_name(key: &PropName) -> Option<String> {
    match key {
        PropName::Ident(name) => Some(name.sym.to_string()),
        PropName::Str(text) => Some(text.value.to_string_lossy().into_owned()),
        PropName::Num(_) | PropName::BigInt(_) | PropName::Computed(_) => None,
    }
}

/// The module of a call of `require()`.
fn required(call: &CallExpr) -> Option<String> {
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    let is_require = matches!(&**callee, Expr::Ident(ident) if ident.sym == "require");
    match &*call.args.first()?.expr {
        Expr::Lit(Lit::Str(text)) if is_require => Some(text.value.to_string_lossy().into_owned()),
        _ => None,
    }
}
