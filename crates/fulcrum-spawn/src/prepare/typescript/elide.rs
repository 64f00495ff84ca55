//! Imports and exports that are only types, blanked in place.
//!
//! As `tsc` and esbuild do it without `verbatimModuleSyntax`: an imported name that no value uses is
//! removed, and with its last name the whole `import` statement.

use rustc_hash::FxHashSet;
use swc_atoms::Atom;
use swc_common::{BytePos, Mark, Span, Spanned};
use swc_ecma_ast::{
    Decl, ExportDefaultExpr, ExportSpecifier, Expr, Id, Ident, ImportDecl, ImportSpecifier,
    ModuleDecl, ModuleExportName, ModuleItem, NamedExport, Program,
};
use swc_ecma_transforms_base::resolver;
use swc_ecma_visit::{Visit, VisitWith, noop_visit_type};

use super::source_lines::SourceLines;
use super::survey::{Survey, is_only_types};

/// The parts of a file that are only types.
#[derive(Debug, Default)]
pub(super) struct Elision {
    /// What to blank, in order.
    blanks: Vec<Blank>,
    /// The starts of the import statements that disappear.
    pub(super) imports: FxHashSet<BytePos>,
    /// The starts of the imported and exported names that disappear, and of `export default` of a
    /// type.
    pub(super) names: FxHashSet<BytePos>,
}

#[derive(Debug, Clone, Copy)]
struct Blank {
    span: Span,
    /// A whole statement: a `;` in its place keeps the lines around it apart.
    is_statement: bool,
}

/// Finds what to blank. The result is empty for `verbatimModuleSyntax`.
pub(super) fn find(program: &Program, survey: &Survey, verbatim: bool) -> Elision {
    let mut elision = Elision::default();
    let Program::Module(module) = program else {
        return elision;
    };
    if verbatim {
        return elision;
    }
    let usage = Usage::of(program, survey);
    let types = TypeNames::of(&module.body);
    for item in &module.body {
        match item {
            ModuleItem::ModuleDecl(ModuleDecl::Import(import)) if !import.type_only => {
                elision.import(import, &usage);
            }
            ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export))
                if !export.type_only && export.src.is_none() =>
            {
                elision.export(export, &types);
            }
            ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
                elision.export_default(export, &types);
            }
            ModuleItem::ModuleDecl(_) | ModuleItem::Stmt(_) => {}
        }
    }
    elision
}

impl Elision {
    fn import(&mut self, import: &ImportDecl, usage: &Usage) {
        let specifiers = &import.specifiers;
        let is_elided = |specifier: &ImportSpecifier| match specifier {
            ImportSpecifier::Named(named) => named.is_type_only || !usage.uses(&named.local),
            ImportSpecifier::Default(default) => !usage.uses(&default.local),
            ImportSpecifier::Namespace(namespace) => !usage.uses(&namespace.local),
        };
        let elided: Vec<&ImportSpecifier> = specifiers.iter().filter(|s| is_elided(s)).collect();
        if elided.is_empty() {
            return;
        }
        self.names.extend(elided.iter().map(|s| s.span_lo()));
        if elided.len() == specifiers.len() {
            self.imports.insert(import.span.lo);
            self.blanks.push(Blank {
                span: import.span,
                is_statement: true,
            });
            return;
        }
        self.blanks.extend(elided.iter().map(|specifier| Blank {
            span: specifier.span(),
            is_statement: false,
        }));
    }

    fn export(&mut self, export: &NamedExport, types: &TypeNames) {
        for specifier in &export.specifiers {
            let ExportSpecifier::Named(named) = specifier else {
                continue;
            };
            let ModuleExportName::Ident(local) = &named.orig else {
                continue;
            };
            if !named.is_type_only && types.is_only_type(&local.sym) {
                self.names.insert(named.span.lo);
                self.blanks.push(Blank {
                    span: named.span,
                    is_statement: false,
                });
            }
        }
    }

    fn export_default(&mut self, export: &ExportDefaultExpr, types: &TypeNames) {
        if let Expr::Ident(ident) = &*export.expr
            && types.is_only_type(&ident.sym)
        {
            self.names.insert(export.span.lo);
            self.blanks.push(Blank {
                span: export.span,
                is_statement: true,
            });
        }
    }

    /// Blanks the parts in the text that starts at `start`; what is left keeps its line and its
    /// UTF-16 column.
    pub(super) fn apply(&self, text: &str, start: BytePos) -> String {
        if self.blanks.is_empty() {
            return text.to_owned();
        }
        let mut output = String::with_capacity(text.len());
        let mut copied = 0;
        let lines = SourceLines::new(text);
        for blank in &self.blanks {
            let from = (blank.span.lo - start).0 as usize;
            let to = (blank.span.hi - start).0 as usize;
            let to = if blank.is_statement {
                to
            } else {
                after_comma(&lines, to)
            };
            let (from, to) = self.with_comma_before(text, blank, from, to);
            if from < copied {
                continue;
            }
            output.push_str(&text[copied..from]);
            push_blank(&mut output, &text[from..to], blank.is_statement);
            copied = to;
        }
        output.push_str(&text[copied..]);
        output
    }

    /// The range of a blank, with the comma before a namespace (`a, * as b`): it has none after it.
    fn with_comma_before(
        &self,
        text: &str,
        blank: &Blank,
        from: usize,
        to: usize,
    ) -> (usize, usize) {
        if blank.is_statement || !text[from..].starts_with('*') {
            return (from, to);
        }
        let comma = text[..from].rfind(',').unwrap_or(from);
        (comma, to)
    }
}

/// The offset after the comma that follows `at`, if one does.
fn after_comma(lines: &SourceLines<'_>, at: usize) -> usize {
    let next = lines.next_token(at);
    if lines.text_from(next).starts_with(',') {
        next + 1
    } else {
        at
    }
}

/// Appends spaces in place of a text. Line ends stay, and a character of two UTF-16 units becomes two
/// spaces.
fn push_blank(output: &mut String, text: &str, is_statement: bool) {
    let mut semicolon = is_statement;
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => output.push(character),
            _ if semicolon => {
                output.push(';');
                semicolon = false;
            }
            _ => output.extend(std::iter::repeat_n(' ', character.len_utf16())),
        }
    }
}

/// Which imported names are used as values.
struct Usage<'a> {
    survey: &'a Survey,
    /// The used bindings, where names alone don't tell them.
    ids: Option<FxHashSet<Id>>,
    top_level: Mark,
}

impl<'a> Usage<'a> {
    fn of(program: &Program, survey: &'a Survey) -> Self {
        let is_ambiguous = imported_names(program)
            .any(|name| survey.values.contains(name) && survey.bindings.contains(name));
        let (unresolved, top_level) = (Mark::new(), Mark::new());
        let ids = is_ambiguous.then(|| {
            let mut program = program.clone();
            program.mutate(resolver(unresolved, top_level, true));
            let mut visitor = UsedIds::default();
            program.visit_with(&mut visitor);
            visitor.0
        });
        Self {
            survey,
            ids,
            top_level,
        }
    }

    fn uses(&self, local: &Ident) -> bool {
        if !self.survey.values.contains(&local.sym) {
            return false;
        }
        self.ids.as_ref().is_none_or(|ids| {
            let context = swc_common::SyntaxContext::empty().apply_mark(self.top_level);
            ids.contains(&(local.sym.clone(), context))
        })
    }
}

fn imported_names(program: &Program) -> impl Iterator<Item = &Atom> {
    let items = program.as_module().map_or(&[][..], |module| &module.body);
    items
        .iter()
        .filter_map(|item| item.as_module_decl()?.as_import())
        .flat_map(|import| &import.specifiers)
        .map(|specifier| &specifier.local().sym)
}

/// The bindings that are used as values.
#[derive(Default)]
struct UsedIds(FxHashSet<Id>);

impl Visit for UsedIds {
    noop_visit_type!();

    fn visit_ident(&mut self, ident: &Ident) {
        self.0.insert(ident.to_id());
    }

    fn visit_import_decl(&mut self, _: &ImportDecl) {}

    fn visit_decl(&mut self, decl: &Decl) {
        if !is_only_types(decl) {
            decl.visit_children_with(self);
        }
    }

    fn visit_named_export(&mut self, export: &NamedExport) {
        if !export.type_only && export.src.is_none() {
            export.visit_children_with(self);
        }
    }

    fn visit_export_specifier(&mut self, specifier: &ExportSpecifier) {
        let is_type = matches!(specifier, ExportSpecifier::Named(named) if named.is_type_only);
        if !is_type {
            specifier.visit_children_with(self);
        }
    }
}

/// The names that a module declares as types, and those it declares as values.
#[derive(Default)]
struct TypeNames {
    types: FxHashSet<Atom>,
    values: FxHashSet<Atom>,
}

impl TypeNames {
    fn of(items: &[ModuleItem]) -> Self {
        let mut names = Self::default();
        for item in items {
            match item {
                ModuleItem::Stmt(swc_ecma_ast::Stmt::Decl(decl)) => names.declare(decl),
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => {
                    names.declare(&export.decl);
                }
                ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => {
                    for specifier in &import.specifiers {
                        let is_type = import.type_only
                            || matches!(specifier, ImportSpecifier::Named(named) if named.is_type_only);
                        if is_type {
                            names.types.insert(specifier.local().sym.clone());
                        }
                    }
                }
                ModuleItem::ModuleDecl(_) | ModuleItem::Stmt(_) => {}
            }
        }
        names
    }

    fn declare(&mut self, decl: &Decl) {
        match decl {
            Decl::TsInterface(decl) => {
                self.types.insert(decl.id.sym.clone());
            }
            Decl::TsTypeAlias(decl) => {
                self.types.insert(decl.id.sym.clone());
            }
            Decl::TsModule(module) => {
                if let swc_ecma_ast::TsModuleName::Ident(ident) = &module.id {
                    let names = if is_only_types(decl) {
                        &mut self.types
                    } else {
                        &mut self.values
                    };
                    names.insert(ident.sym.clone());
                }
            }
            Decl::Class(decl) => {
                self.values.insert(decl.ident.sym.clone());
            }
            Decl::Fn(decl) => {
                self.values.insert(decl.ident.sym.clone());
            }
            Decl::TsEnum(decl) => {
                self.values.insert(decl.id.sym.clone());
            }
            Decl::Var(decl) => self.declare_variables(&decl.decls),
            Decl::Using(decl) => self.declare_variables(&decl.decls),
        }
    }

    fn declare_variables(&mut self, decls: &[swc_ecma_ast::VarDeclarator]) {
        let ids: Vec<Id> = swc_ecma_utils::find_pat_ids(&decls.to_vec());
        self.values.extend(ids.into_iter().map(|(name, _)| name));
    }

    fn is_only_type(&self, name: &Atom) -> bool {
        self.types.contains(name) && !self.values.contains(name)
    }
}
