//! Names of generated variables that clash with nothing.
//!
//! The passes tell variables of the same name apart by marks, which are not in the code. swc's own
//! pass for this looks for the shortest change in every scope, which takes seconds for a file of
//! several megabytes. Here each generated variable gets a name that occurs nowhere else in the file.

use rustc_hash::{FxHashMap, FxHashSet};
use swc_atoms::Atom;
use swc_ecma_ast::{
    BindingIdent, ClassDecl, ClassExpr, Decl, ExportNamedSpecifier, FnDecl, FnExpr, Function, Id,
    Ident, ImportSpecifier, Pat, Program, Stmt,
};
use swc_ecma_transforms_base::rename::rename;
use swc_ecma_utils::find_pat_ids;
use swc_ecma_visit::{
    Visit, VisitMut, VisitMutWith, VisitWith, noop_visit_mut_type, noop_visit_type,
};

/// The variables of the source.
pub(super) struct SourceNames(FxHashSet<Id>);

impl SourceNames {
    /// Collects the variables of a program to which scopes have been resolved, but nothing added.
    pub(super) fn of(program: &Program) -> Self {
        let mut names = Names::default();
        program.visit_with(&mut names);
        Self(names.order.into_iter().collect())
    }

    /// Renames generated variables where they clash with others, and variables of the source where
    /// generated code refers to a global of the same name.
    pub(super) fn separate(&self, program: &mut Program) {
        let mut names = Names::default();
        program.visit_with(&mut names);
        let is_generated = |id: &&Id| !self.0.contains(*id);
        let globals: FxHashSet<&Atom> = names
            .order
            .iter()
            .filter(|id| is_generated(id) && !names.declared.contains(*id))
            .map(|(symbol, _)| symbol)
            .collect();
        let sources = names.order.iter().filter(|id| !is_generated(id));
        let mut taken: FxHashSet<Atom> = sources
            .map(|(symbol, _)| symbol.clone())
            .chain(globals.iter().map(|symbol| (*symbol).clone()))
            .collect();
        let mut renamed: FxHashMap<Id, Atom> = FxHashMap::default();
        for id in &names.order {
            if !names.declared.contains(id) {
                continue;
            }
            let clashes = if is_generated(&id) {
                !taken.insert(id.0.clone())
            } else {
                globals.contains(&id.0)
            };
            if clashes {
                renamed.insert(id.clone(), free_name(&id.0, &mut taken));
            }
        }
        if !renamed.is_empty() {
            program.visit_mut_with(&mut rename(&renamed));
        }
        program.visit_mut_with(&mut Parameters);
    }
}

/// A name that is not taken yet; it is then.
pub(super) fn free_name(symbol: &Atom, taken: &mut FxHashSet<Atom>) -> Atom {
    let mut number = 1;
    loop {
        let name = Atom::from(format!("{symbol}{number}"));
        if taken.insert(name.clone()) {
            return name;
        }
        number += 1;
    }
}

/// The names of a part of a program, in the order of their first occurrence.
#[derive(Default)]
pub(super) struct Names {
    pub(super) order: Vec<Id>,
    seen: FxHashSet<Id>,
    pub(super) declared: FxHashSet<Id>,
}

impl Names {
    fn declare(&mut self, ident: &Ident) {
        self.visit_ident(ident);
        self.declared.insert(ident.to_id());
    }
}

impl Visit for Names {
    noop_visit_type!();

    fn visit_ident(&mut self, ident: &Ident) {
        let id = ident.to_id();
        if self.seen.insert(id.clone()) {
            self.order.push(id);
        }
    }

    fn visit_binding_ident(&mut self, ident: &BindingIdent) {
        self.declare(&ident.id);
    }

    fn visit_import_specifier(&mut self, specifier: &ImportSpecifier) {
        self.declare(specifier.local());
    }

    /// The name for other modules is no variable.
    fn visit_export_named_specifier(&mut self, specifier: &ExportNamedSpecifier) {
        specifier.orig.visit_with(self);
    }

    fn visit_fn_decl(&mut self, decl: &FnDecl) {
        self.declare(&decl.ident);
        decl.function.visit_with(self);
    }

    fn visit_fn_expr(&mut self, expr: &FnExpr) {
        expr.ident.iter().for_each(|ident| self.declare(ident));
        expr.function.visit_with(self);
    }

    fn visit_class_decl(&mut self, decl: &ClassDecl) {
        self.declare(&decl.ident);
        decl.class.visit_with(self);
    }

    fn visit_class_expr(&mut self, expr: &ClassExpr) {
        expr.ident.iter().for_each(|ident| self.declare(ident));
        expr.class.visit_with(self);
    }
}

/// Parameters of the function that a namespace becomes: `namespace A { class A {} }` is a function
/// with a parameter `A` and a class `A`.
struct Parameters;

impl VisitMut for Parameters {
    noop_visit_mut_type!();

    fn visit_mut_function(&mut self, function: &mut Function) {
        function.visit_mut_children_with(self);
        let (Some(body), [parameter]) = (&function.body, function.params.as_slice()) else {
            return;
        };
        let Pat::Ident(parameter) = &parameter.pat else {
            return;
        };
        let id = parameter.id.to_id();
        let declared = body.stmts.iter().flat_map(declared_ids);
        let clashes = declared
            .into_iter()
            .any(|other| other.0 == id.0 && other.1 != id.1);
        if clashes {
            let mut names = Names::default();
            function.visit_with(&mut names);
            let mut taken = names.order.into_iter().map(|(symbol, _)| symbol).collect();
            let name = free_name(&id.0, &mut taken);
            let renamed = FxHashMap::from_iter([(id, name)]);
            function.visit_mut_with(&mut rename(&renamed));
        }
    }
}

fn declared_ids(statement: &Stmt) -> Vec<Id> {
    match statement {
        Stmt::Decl(Decl::Class(decl)) => vec![decl.ident.to_id()],
        Stmt::Decl(Decl::Fn(decl)) => vec![decl.ident.to_id()],
        Stmt::Decl(Decl::Var(decl)) => find_pat_ids(&decl.decls),
        Stmt::Decl(Decl::Using(decl)) => find_pat_ids(&decl.decls),
        _ => Vec::new(),
    }
}
