//! Statements of generated code that are written as text.

use swc_common::{DUMMY_SP, FileName, Mark, SourceMap, Span, SyntaxContext};
use swc_ecma_ast::{EsVersion, Ident, Stmt};
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, lexer::Lexer};
use swc_ecma_visit::{VisitMut, VisitMutWith};

/// The names of a CommonJS module, which statements refer to.
const GLOBALS: &[&str] = &["require", "module", "__dirname", "__filename"];

/// Parses one statement. Its names are its own, and it has no positions; `unresolved` marks the names
/// of a CommonJS module.
pub(super) fn statement(code: &str, own: SyntaxContext, unresolved: Mark) -> Option<Stmt> {
    let map = SourceMap::default();
    let file = map.new_source_file(FileName::Anon.into(), code.to_owned());
    let lexer = Lexer::new(
        Syntax::Es(EsSyntax::default()),
        EsVersion::latest(),
        StringInput::from(&*file),
        None,
    );
    let mut script = Parser::new_from(lexer).parse_script().ok()?;
    let globals = SyntaxContext::empty().apply_mark(unresolved);
    script.visit_mut_with(&mut Generated { own, globals });
    script.body.pop()
}

struct Generated {
    own: SyntaxContext,
    globals: SyntaxContext,
}

impl VisitMut for Generated {
    fn visit_mut_ident(&mut self, ident: &mut Ident) {
        let is_global = GLOBALS.contains(&&*ident.sym);
        ident.ctxt = if is_global { self.globals } else { self.own };
    }

    fn visit_mut_span(&mut self, span: &mut Span) {
        *span = DUMMY_SP;
    }
}
