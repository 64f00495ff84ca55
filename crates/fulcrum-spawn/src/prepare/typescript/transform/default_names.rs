//! The names of anonymous default exports, in a module that is lowered to CommonJS.
//!
//! `export default () => 1` has the name `default`; as a variable it would get the variable's name.

use swc_common::{DUMMY_SP, Span, util::take::Take};
use swc_ecma_ast::{
    DefaultDecl, ExportDefaultExpr, ExportNamedSpecifier, ExportSpecifier, Expr, FnDecl, Ident,
    IdentName, KeyValueProp, MemberExpr, MemberProp, ModuleDecl, ModuleExportName, ModuleItem,
    NamedExport, ObjectLit, Program, Prop, PropName, PropOrSpread, Stmt,
};
use swc_ecma_utils::{ExprFactory, member_expr, prepend_stmt, private_ident, quote_str};

/// Gives anonymous default exports their name.
pub(super) fn name_default_exports(program: &mut Program) {
    let Program::Module(module) = program else {
        return;
    };
    let mut hoisted = None;
    for item in &mut module.body {
        let ModuleItem::ModuleDecl(decl) = item else {
            continue;
        };
        match decl {
            ModuleDecl::ExportDefaultExpr(export) if is_anonymous(&export.expr) => {
                export.expr = named(export.expr.take());
            }
            ModuleDecl::ExportDefaultDecl(export) => {
                let span = export.span;
                match &mut export.decl {
                    DefaultDecl::Class(class) if class.ident.is_none() => {
                        let class = Box::new(Expr::Class(class.take()));
                        *decl = default_export(span, named(class));
                    }
                    DefaultDecl::Fn(function) if function.ident.is_none() => {
                        let name = private_ident!("_default");
                        hoisted = Some(name.clone());
                        *item = ModuleItem::Stmt(Stmt::Decl(
                            FnDecl {
                                ident: name,
                                declare: false,
                                function: function.function.take(),
                            }
                            .into(),
                        ));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    if let Some(name) = hoisted {
        module.body.push(export_as_default(name.clone()));
        prepend_stmt(&mut module.body, ModuleItem::Stmt(name_function(name)));
    }
}

fn is_anonymous(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => is_anonymous(&paren.expr),
        Expr::Arrow(_) => true,
        Expr::Fn(function) => function.ident.is_none(),
        Expr::Class(class) => class.ident.is_none(),
        _ => false,
    }
}

fn default_export(span: Span, expr: Box<Expr>) -> ModuleDecl {
    ModuleDecl::ExportDefaultExpr(ExportDefaultExpr { span, expr })
}

/// `{ default: expr }.default`: the value of a property gets its name.
fn named(expr: Box<Expr>) -> Box<Expr> {
    let property = Prop::KeyValue(KeyValueProp {
        key: PropName::Ident(IdentName::new("default".into(), DUMMY_SP)),
        value: expr,
    });
    let object = ObjectLit {
        span: DUMMY_SP,
        props: vec![PropOrSpread::Prop(Box::new(property))],
    };
    Box::new(
        MemberExpr {
            span: DUMMY_SP,
            obj: Box::new(object.into()),
            prop: MemberProp::Ident(IdentName::new("default".into(), DUMMY_SP)),
        }
        .into(),
    )
}

fn export_as_default(name: Ident) -> ModuleItem {
    let specifier = ExportNamedSpecifier {
        span: DUMMY_SP,
        orig: ModuleExportName::Ident(name),
        exported: Some(ModuleExportName::Ident(Ident::new_no_ctxt(
            "default".into(),
            DUMMY_SP,
        ))),
        is_type_only: false,
    };
    ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(NamedExport {
        specifiers: vec![ExportSpecifier::Named(specifier)],
        ..NamedExport::dummy()
    }))
}

/// `Object.defineProperty(name, "name", { value: "default", configurable: true })`: the function
/// stays a declaration, since it may be called before the module has run.
fn name_function(name: Ident) -> Stmt {
    let property = |key: &str, value: Expr| {
        PropOrSpread::Prop(Box::new(Prop::KeyValue(KeyValueProp {
            key: PropName::Ident(IdentName::new(key.into(), DUMMY_SP)),
            value: Box::new(value),
        })))
    };
    let descriptor = ObjectLit {
        span: DUMMY_SP,
        props: vec![
            property("value", quote_str!("default").into()),
            property("configurable", true.into()),
        ],
    };
    member_expr!(Default::default(), DUMMY_SP, Object.defineProperty)
        .as_call(
            DUMMY_SP,
            vec![
                name.as_arg(),
                quote_str!("name").as_arg(),
                descriptor.as_arg(),
            ],
        )
        .into_stmt()
}
