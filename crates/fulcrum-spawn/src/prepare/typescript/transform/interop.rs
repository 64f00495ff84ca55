//! What `import * as a from 'a'` gives if the module is CommonJS.

use swc_common::{Mark, SyntaxContext};
use swc_ecma_ast::{Decl, ModuleItem, Program, Stmt};

use super::snippet;

const NAME: &str = "_interop_require_wildcard";

/// As esbuild does it: a getter for each property, so that later changes of the module's exports are
/// seen. The helper of swc copies the values.
const HELPER: &str = r#"function _interop_require_wildcard(exports) {
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

/// Replaces the helper in a program that has it.
pub(super) fn replace_helper(program: &mut Program, unresolved: Mark) {
    let Program::Module(module) = program else {
        return;
    };
    let own = SyntaxContext::empty().apply_mark(Mark::new());
    for item in &mut module.body {
        if let ModuleItem::Stmt(Stmt::Decl(Decl::Fn(helper))) = item
            && helper.ident.sym == NAME
            && helper.ident.span.is_dummy()
            && let Some(Stmt::Decl(Decl::Fn(ours))) = snippet::statement(HELPER, own, unresolved)
        {
            helper.function = ours.function;
        }
    }
    module.body.retain(|item| {
        !matches!(item, ModuleItem::Stmt(Stmt::Decl(Decl::Fn(helper)))
            if helper.ident.sym == "_getRequireWildcardCache" && helper.ident.span.is_dummy())
    });
}
