//! `import.meta` in a module that is lowered to CommonJS.

use swc_common::Mark;
use swc_ecma_ast::{Expr, Ident, MetaPropKind, ModuleItem, Program};
use swc_ecma_utils::{prepend_stmt, private_ident};
use swc_ecma_visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

use super::snippet;

/// What Node offers in a module, made of what it offers in CommonJS.
const DECLARATION: &str = r#"const _import_meta = {
    __proto__: null,
    dirname: __dirname,
    filename: __filename,
    main: require.main === module,
    url: require("node:url").pathToFileURL(__filename).href,
    resolve(name) {
        if (name.startsWith("file:") || name.startsWith("node:")) return name;
        const found = require.resolve(name);
        return found.startsWith("/") ? require("node:url").pathToFileURL(found).href : `node:${found}`;
    }
};"#;

/// Replaces `import.meta` by an object with the properties that Node's has.
pub(super) fn replace_import_meta(program: &mut Program, unresolved: Mark) {
    let name = private_ident!("_import_meta");
    let mut visitor = ImportMeta {
        name: &name,
        found: false,
    };
    program.visit_mut_with(&mut visitor);
    if !visitor.found {
        return;
    }
    let declaration = snippet::statement(DECLARATION, name.ctxt, unresolved);
    if let (Program::Module(module), Some(declaration)) = (program, declaration) {
        prepend_stmt(&mut module.body, ModuleItem::Stmt(declaration));
    }
}

struct ImportMeta<'a> {
    name: &'a Ident,
    found: bool,
}

impl VisitMut for ImportMeta<'_> {
    noop_visit_mut_type!();

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::MetaProp(meta) if meta.kind == MetaPropKind::ImportMeta => {
                self.found = true;
                let mut name = self.name.clone();
                name.span = meta.span;
                *expr = name.into();
            }
            expr => expr.visit_mut_children_with(self),
        }
    }
}
