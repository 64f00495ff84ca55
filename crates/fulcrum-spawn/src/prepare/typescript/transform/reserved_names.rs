//! Names that a CommonJS module has already, as parameters of the function around it.

use rustc_hash::{FxHashMap, FxHashSet};
use swc_atoms::Atom;
use swc_common::{Mark, SyntaxContext};
use swc_ecma_ast::{
    BindingIdent, ClassDecl, FnDecl, Id, Ident, ImportSpecifier, Program, TsEnumDecl,
};
use swc_ecma_transforms_base::rename::rename;
use swc_ecma_visit::{Visit, VisitWith, noop_visit_type};

use super::super::survey::Survey;

const RESERVED: &[&str] = &["exports", "require", "module", "__filename", "__dirname"];

/// Renames the declarations at the top level of a module that would clash once it is CommonJS, such
/// as `const require = createRequire(import.meta.url)`.
pub(super) fn rename_reserved(program: &mut Program, survey: &Survey, top_level: Mark) {
    if !RESERVED.iter().any(|name| survey.mentions(name)) {
        return;
    }
    let mut visitor = Declarations {
        context: SyntaxContext::empty().apply_mark(top_level),
        found: FxHashSet::default(),
    };
    program.visit_with(&mut visitor);
    let names: FxHashMap<Id, Atom> = visitor
        .found
        .into_iter()
        .map(|id| {
            let mut name = format!("_{}", id.0);
            while survey.mentions(&name) {
                name.insert(0, '_');
            }
            (id, Atom::from(name))
        })
        .collect();
    if !names.is_empty() {
        program.mutate(rename(&names));
    }
}

struct Declarations {
    context: SyntaxContext,
    found: FxHashSet<Id>,
}

impl Declarations {
    fn declare(&mut self, ident: &Ident) {
        if ident.ctxt == self.context && RESERVED.contains(&&*ident.sym) {
            self.found.insert(ident.to_id());
        }
    }
}

impl Visit for Declarations {
    noop_visit_type!();

    fn visit_binding_ident(&mut self, ident: &BindingIdent) {
        self.declare(&ident.id);
    }

    fn visit_fn_decl(&mut self, decl: &FnDecl) {
        self.declare(&decl.ident);
        decl.function.visit_with(self);
    }

    fn visit_class_decl(&mut self, decl: &ClassDecl) {
        self.declare(&decl.ident);
        decl.class.visit_with(self);
    }

    fn visit_ts_enum_decl(&mut self, decl: &TsEnumDecl) {
        self.declare(&decl.id);
    }

    fn visit_import_specifier(&mut self, specifier: &ImportSpecifier) {
        self.declare(specifier.local());
    }
}
