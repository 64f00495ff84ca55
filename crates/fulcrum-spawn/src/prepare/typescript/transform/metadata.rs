//! What `emitDecoratorMetadata` makes of types, where swc differs from TypeScript.
//!
//! - A class may be the type of its own members; swc takes it for `Object`.
//! - `null` and `undefined` in a union don't count without `strictNullChecks`.
//! - A rest parameter has the type of its elements.
//! - An ES module must not import a name only for metadata: the name may be one of an interface, which
//!   no module exports. The module is imported as a namespace instead.

use rustc_hash::{FxHashMap, FxHashSet};
use swc_atoms::Atom;
use swc_common::{DUMMY_SP, util::take::Take};
use swc_ecma_ast::{
    CallExpr, Callee, Class, ClassDecl, ClassExpr, ExportAll, Expr, Id, Ident, IdentName,
    ImportDecl, ImportSpecifier, ImportStarAsSpecifier, MemberExpr, MemberProp, ModuleDecl,
    ModuleExportName, ModuleItem, Param, Pat, Program, Str, TsEntityName, TsKeywordTypeKind,
    TsType, TsTypeAnn, TsUnionOrIntersectionType,
};
use swc_ecma_utils::private_ident;
use swc_ecma_visit::{
    Visit, VisitMut, VisitMutWith, VisitWith, noop_visit_mut_type, noop_visit_type,
};

/// What a type that is the class around it is called while swc looks at it.
const OWN: &str = "__own_class__";

/// Prepares the types of the classes of a program for swc.
pub(super) fn prepare_types(program: &mut Program, strict_null_checks: bool) {
    program.visit_mut_with(&mut Types {
        strict_null_checks,
        class: None,
    });
}

/// Completes what [`prepare_types`] began.
pub(super) fn complete_types(program: &mut Program) {
    program.visit_mut_with(&mut OwnClasses);
}

struct Types {
    strict_null_checks: bool,
    class: Option<Atom>,
}

impl Types {
    fn in_class(&mut self, name: Option<Atom>, class: &mut Class) {
        let outer = std::mem::replace(&mut self.class, name);
        class.visit_mut_children_with(self);
        self.class = outer;
    }
}

impl VisitMut for Types {
    fn visit_mut_class_decl(&mut self, decl: &mut ClassDecl) {
        self.in_class(Some(decl.ident.sym.clone()), &mut decl.class);
    }

    fn visit_mut_class_expr(&mut self, expr: &mut ClassExpr) {
        let name = expr.ident.as_ref().map(|ident| ident.sym.clone());
        self.in_class(name, &mut expr.class);
    }

    fn visit_mut_param(&mut self, parameter: &mut Param) {
        if let Pat::Rest(rest) = &mut parameter.pat
            && let Some(annotation) = &mut rest.type_ann
        {
            element_type(annotation);
        }
        parameter.visit_mut_children_with(self);
    }

    fn visit_mut_ts_type(&mut self, ty: &mut TsType) {
        ty.visit_mut_children_with(self);
        match ty {
            TsType::TsTypeRef(reference) => {
                if let TsEntityName::Ident(name) = &mut reference.type_name
                    && self.class.as_ref() == Some(&name.sym)
                {
                    name.sym = format!("{OWN}{}", name.sym).into();
                }
            }
            TsType::TsUnionOrIntersectionType(TsUnionOrIntersectionType::TsUnionType(union))
                if !self.strict_null_checks =>
            {
                union.types.retain(|ty| !is_nullish(ty));
                if let [only] = union.types.as_slice() {
                    *ty = (**only).clone();
                }
            }
            _ => {}
        }
    }
}

fn is_nullish(ty: &TsType) -> bool {
    matches!(ty, TsType::TsKeywordType(keyword) if matches!(
        keyword.kind,
        TsKeywordTypeKind::TsNullKeyword | TsKeywordTypeKind::TsUndefinedKeyword
    ))
}

/// Replaces the type of a list by that of its elements.
fn element_type(annotation: &mut TsTypeAnn) {
    let element = match &*annotation.type_ann {
        TsType::TsArrayType(array) => Some(array.elem_type.clone()),
        TsType::TsTypeRef(reference) => {
            let is_array =
                matches!(&reference.type_name, TsEntityName::Ident(name) if name.sym == "Array");
            let params = reference.type_params.as_ref().filter(|_| is_array);
            params.and_then(|params| params.params.first().cloned())
        }
        _ => None,
    };
    if let Some(element) = element {
        annotation.type_ann = element;
    }
}

struct OwnClasses;

impl VisitMut for OwnClasses {
    fn visit_mut_ident(&mut self, ident: &mut Ident) {
        if let Some(name) = ident.sym.strip_prefix(OWN) {
            ident.sym = name.into();
        }
    }
}

/// Imports the modules of names that only metadata uses as namespaces.
pub(super) fn import_namespaces(program: &mut Program) {
    let Program::Module(module) = program else {
        return;
    };
    let mut usage = Usage::default();
    module.visit_with(&mut usage);
    let mut members: FxHashMap<Id, (Ident, Atom)> = FxHashMap::default();
    let mut output = Vec::with_capacity(module.body.len());
    for mut item in module.body.take() {
        let mut namespace = None;
        if let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = &mut item {
            namespace = split_import(import, &usage, &mut members);
            if namespace.is_some() && import.specifiers.is_empty() {
                output.extend(namespace.take());
                continue;
            }
        }
        output.push(item);
        output.extend(namespace);
    }
    module.body = output;
    if !members.is_empty() {
        module.visit_mut_with(&mut Members(members));
    }
}

/// Takes the names that only metadata uses out of an import; the import of their namespace.
fn split_import(
    import: &mut ImportDecl,
    usage: &Usage,
    members: &mut FxHashMap<Id, (Ident, Atom)>,
) -> Option<ModuleItem> {
    if import.type_only {
        return None;
    }
    let namespace = private_ident!(format!("_{}", readable_name(&import.src)));
    let before = members.len();
    import.specifiers.retain(|specifier| {
        let imported: Atom = match specifier {
            ImportSpecifier::Named(named) => match &named.imported {
                Some(ModuleExportName::Ident(name)) => name.sym.clone(),
                Some(ModuleExportName::Str(_)) => return true,
                None => named.local.sym.clone(),
            },
            ImportSpecifier::Default(_) => "default".into(),
            ImportSpecifier::Namespace(_) => return true,
        };
        let id = specifier.local().to_id();
        let is_only_metadata = usage.metadata.contains(&id) && !usage.values.contains(&id);
        if is_only_metadata {
            members.insert(id, (namespace.clone(), imported));
        }
        !is_only_metadata
    });
    (members.len() > before).then(|| {
        ModuleItem::ModuleDecl(ModuleDecl::Import(ImportDecl {
            // That of the source, so that it counts as an import of the source.
            span: import.span,
            specifiers: vec![ImportSpecifier::Namespace(ImportStarAsSpecifier {
                span: DUMMY_SP,
                local: namespace,
            })],
            ..import.clone()
        }))
    })
}

fn readable_name(source: &Str) -> String {
    let source = source.value.to_string_lossy();
    let name = source.rsplit('/').next().unwrap_or_default();
    let letters = name.chars().take_while(|c| c.is_ascii_alphanumeric());
    letters.collect()
}

/// The names that values use, and those that metadata uses.
#[derive(Default)]
struct Usage {
    values: FxHashSet<Id>,
    metadata: FxHashSet<Id>,
    in_metadata: bool,
}

impl Visit for Usage {
    noop_visit_type!();

    fn visit_call_expr(&mut self, call: &CallExpr) {
        let outer = self.in_metadata;
        self.in_metadata |= is_metadata(call);
        call.visit_children_with(self);
        self.in_metadata = outer;
    }

    fn visit_ident(&mut self, ident: &Ident) {
        let ids = if self.in_metadata {
            &mut self.metadata
        } else {
            &mut self.values
        };
        ids.insert(ident.to_id());
    }

    fn visit_import_decl(&mut self, _: &ImportDecl) {}

    fn visit_export_all(&mut self, _: &ExportAll) {}
}

/// `_ts_metadata("design:…", …)`.
fn is_metadata(call: &CallExpr) -> bool {
    matches!(&call.callee, Callee::Expr(callee)
        if matches!(&**callee, Expr::Ident(name) if name.sym == "_ts_metadata"))
}

struct Members(FxHashMap<Id, (Ident, Atom)>);

impl VisitMut for Members {
    noop_visit_mut_type!();

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        if let Expr::Ident(ident) = expr
            && let Some((namespace, name)) = self.0.get(&ident.to_id())
        {
            *expr = Expr::Member(MemberExpr {
                span: DUMMY_SP,
                obj: Box::new(namespace.clone().into()),
                prop: MemberProp::Ident(IdentName::new(name.clone(), DUMMY_SP)),
            });
            return;
        }
        expr.visit_mut_children_with(self);
    }
}
