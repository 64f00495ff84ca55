//! `import.meta` in a module that is lowered to CommonJS.

use swc_common::sync::Lrc;
use swc_common::{DUMMY_SP, FileName, Mark, SourceMap, Span, SyntaxContext};
use swc_ecma_ast::{Expr, Ident, MetaPropKind, ModuleItem, Program, Stmt};
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, lexer::Lexer};
use swc_ecma_utils::{prepend_stmt, private_ident};
use swc_ecma_visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

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
pub(super) fn replace_import_meta(program: &mut Program, map: &Lrc<SourceMap>, unresolved: Mark) {
    let name = private_ident!("_import_meta");
    let mut visitor = ImportMeta {
        name: &name,
        found: false,
    };
    program.visit_mut_with(&mut visitor);
    if !visitor.found {
        return;
    }
    if let (Program::Module(module), Some(declaration)) =
        (program, declaration(map, &name, unresolved))
    {
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

fn declaration(map: &Lrc<SourceMap>, name: &Ident, unresolved: Mark) -> Option<Stmt> {
    let file = map.new_source_file(FileName::Anon.into(), DECLARATION);
    let lexer = Lexer::new(
        Syntax::Es(EsSyntax::default()),
        swc_ecma_ast::EsVersion::latest(),
        StringInput::from(&*file),
        None,
    );
    let mut script = Parser::new_from(lexer).parse_script().ok()?;
    script.visit_mut_with(&mut Generated { name, unresolved });
    script.body.pop()
}

/// Marks a generated statement: its names are globals but for its own, and it has no positions.
struct Generated<'a> {
    name: &'a Ident,
    unresolved: Mark,
}

impl VisitMut for Generated<'_> {
    fn visit_mut_ident(&mut self, ident: &mut Ident) {
        ident.ctxt = match &*ident.sym {
            "_import_meta" => self.name.ctxt,
            "require" | "module" | "__dirname" | "__filename" => {
                SyntaxContext::empty().apply_mark(self.unresolved)
            }
            _ => self.name.ctxt,
        };
    }

    fn visit_mut_span(&mut self, span: &mut Span) {
        *span = DUMMY_SP;
    }
}
