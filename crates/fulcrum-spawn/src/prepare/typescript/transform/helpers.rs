//! Functions that transformed code calls, at its beginning.

use swc_common::{Mark, SyntaxContext};
use swc_ecma_ast::{Decl, Expr, Function, Ident, Lit, ModuleItem, Program, Stmt};
use swc_ecma_transforms_base::helpers::{HELPERS, inject_helpers};
use swc_ecma_visit::{VisitMut, VisitMutWith};

use super::snippet;

/// What `import * as a from 'a'` gives if the module is CommonJS. As esbuild does it: a getter for
/// each property, so that later changes of the module's exports are seen. The helper of swc copies the
/// values.
const NAMESPACE: &str = r#"function _interop_require_wildcard(exports) {
    if (exports && exports.__esModule) return exports;
    const namespace = {};
    Object.defineProperty(namespace, "default", { value: exports, enumerable: true });
    if (exports === null || typeof exports !== "object" && typeof exports !== "function") return namespace;
    for (const name of Object.getOwnPropertyNames(exports)) {
        if (name === "default") continue;
        const { enumerable } = Object.getOwnPropertyDescriptor(exports, name);
        Object.defineProperty(namespace, name, { get: () => exports[name], enumerable });
    }
    return namespace;
}"#;

/// The class from which a class inherits the metadata of its decorators. The helper of swc asks its
/// caller for it, which does not tell it.
const PARENT_CLASS: &str =
    "if (parentClass === undefined) parentClass = Object.getPrototypeOf(targetClass);";

/// Adds the helpers that the passes have asked for, and repairs those of swc.
pub(super) fn add_helpers(program: &mut Program, unresolved: Mark) {
    let before = length(program);
    program.mutate(inject_helpers(unresolved));
    let added = length(program) - before;
    if added == 0 {
        return;
    }
    let context = SyntaxContext::empty().apply_mark(HELPERS.with(|helpers| helpers.mark()));
    match program {
        Program::Script(script) => {
            let first = directives(script.body.iter().map(Some));
            for statement in &mut script.body[first..first + added] {
                repair(statement, context, unresolved);
            }
        }
        Program::Module(module) => {
            let first = directives(module.body.iter().map(ModuleItem::as_stmt));
            for item in &mut module.body[first..first + added] {
                if let ModuleItem::Stmt(statement) = item {
                    repair(statement, context, unresolved);
                }
            }
        }
    }
}

fn length(program: &Program) -> usize {
    match program {
        Program::Module(module) => module.body.len(),
        Program::Script(script) => script.body.len(),
    }
}

/// The number of directives at the beginning.
fn directives<'a>(statements: impl Iterator<Item = Option<&'a Stmt>>) -> usize {
    let is_directive = |statement: &Option<&Stmt>| {
        let expression = statement.and_then(Stmt::as_expr);
        expression.is_some_and(|statement| matches!(&*statement.expr, Expr::Lit(Lit::Str(_))))
    };
    statements.take_while(is_directive).count()
}

fn repair(statement: &mut Stmt, context: SyntaxContext, unresolved: Mark) {
    // The helpers of swc use some variables before they are declared, in an inner function, which then
    // count as others of the same name.
    statement.visit_mut_with(&mut SetContext(context));
    let Stmt::Decl(Decl::Fn(helper)) = statement else {
        return;
    };
    match &*helper.ident.sym {
        "_interop_require_wildcard" => {
            if let Some(function) = function(NAMESPACE, context, unresolved) {
                helper.function = function;
            }
        }
        "_apply_decs_2311" => {
            let parent = snippet::statement(PARENT_CLASS, context, unresolved);
            if let (Some(body), Some(parent)) = (&mut helper.function.body, parent) {
                body.stmts.insert(0, parent);
            }
        }
        _ => {}
    }
}

/// Parses the text of a function.
fn function(code: &str, context: SyntaxContext, unresolved: Mark) -> Option<Box<Function>> {
    match snippet::statement(code, context, unresolved)? {
        Stmt::Decl(Decl::Fn(decl)) => Some(decl.function),
        _ => None,
    }
}

struct SetContext(SyntaxContext);

impl VisitMut for SetContext {
    fn visit_mut_ident(&mut self, ident: &mut Ident) {
        ident.ctxt = self.0;
    }
}
