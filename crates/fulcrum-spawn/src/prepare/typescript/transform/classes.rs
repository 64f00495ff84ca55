//! Parameter properties, and class fields that are assigned instead of defined
//! (`useDefineForClassFields: false`).
#![allow(
    clippy::vec_box,
    reason = "the functions of swc take boxed expressions"
)]

use rustc_hash::{FxHashMap, FxHashSet};
use swc_atoms::Atom;
use swc_common::DUMMY_SP;
use swc_common::util::take::Take;
use swc_ecma_ast::{
    AssignOp, BindingIdent, BlockStmt, Class, ClassMember, ClassProp, ComputedPropName,
    Constructor, Expr, Id, Ident, IdentName, MemberExpr, MemberProp, ModuleItem, Param,
    ParamOrTsParamProp, Pat, PrivateProp, Program, PropName, StaticBlock, Stmt, ThisExpr,
    TsParamProp, TsParamPropParam, VarDeclKind,
};
use swc_ecma_transforms_base::rename::rename;
use swc_ecma_utils::constructor::inject_after_super;
use swc_ecma_utils::{ExprFactory, default_constructor_with_span, private_ident};
use swc_ecma_visit::{VisitMut, VisitMutWith, VisitWith, noop_visit_mut_type};

use super::names::{Names, free_name};

/// Lowers the classes of a program. If `define_fields` is false, fields with a value are assigned in
/// the constructor or in a static block, and fields without one disappear.
pub(super) fn lower_classes(program: &mut Program, define_fields: bool) {
    program.visit_mut_with(&mut Classes {
        define_fields,
        keys: Vec::new(),
    });
}

/// A variable, and the key of a field whose value it is.
type Key = (Ident, Box<Expr>);

struct Classes {
    define_fields: bool,
    /// The keys to evaluate before the class at hand.
    keys: Vec<Key>,
}

impl VisitMut for Classes {
    noop_visit_mut_type!();

    fn visit_mut_module_items(&mut self, items: &mut Vec<ModuleItem>) {
        let outer = self.keys.take();
        let mut output = Vec::with_capacity(items.len());
        for mut item in items.take() {
            item.visit_mut_with(self);
            output.extend(
                self.keys
                    .drain(..)
                    .map(|key| ModuleItem::Stmt(evaluate(key))),
            );
            output.push(item);
        }
        *items = output;
        self.keys = outer;
    }

    fn visit_mut_stmts(&mut self, statements: &mut Vec<Stmt>) {
        let outer = self.keys.take();
        let mut output = Vec::with_capacity(statements.len());
        for mut statement in statements.take() {
            statement.visit_mut_with(self);
            output.extend(self.keys.drain(..).map(evaluate));
            output.push(statement);
        }
        *statements = output;
        self.keys = outer;
    }

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        let outer = self.keys.take();
        expr.visit_mut_children_with(self);
        let keys = std::mem::replace(&mut self.keys, outer);
        if !keys.is_empty() {
            *expr = with_keys(expr.take(), keys);
        }
    }

    fn visit_mut_class(&mut self, class: &mut Class) {
        class.visit_mut_children_with(self);
        let mut assignments = Vec::new();
        let mut properties = Vec::new();
        for member in &mut class.body {
            if let ClassMember::Constructor(constructor) = member
                && constructor.body.is_some()
            {
                lower_parameters(constructor, &mut assignments, &mut properties);
            }
        }
        let first_field = if self.define_fields {
            define_properties(class, properties);
            None
        } else {
            assign_fields(class, &mut assignments, &mut self.keys)
        };
        if !assignments.is_empty() {
            assign_in_constructor(class, assignments, first_field.unwrap_or(0));
        }
    }
}

/// Makes plain parameters of parameter properties, with an assignment for each.
fn lower_parameters(
    constructor: &mut Constructor,
    assignments: &mut Vec<Box<Expr>>,
    properties: &mut Vec<Ident>,
) {
    for parameter in &mut constructor.params {
        let ParamOrTsParamProp::TsParamProp(property) = parameter else {
            continue;
        };
        let TsParamProp {
            span, decorators, ..
        } = property;
        let pattern = match &property.param {
            TsParamPropParam::Ident(ident) => Pat::Ident(ident.clone()),
            TsParamPropParam::Assign(assign) => Pat::Assign(assign.clone()),
        };
        let (span, decorators) = (*span, decorators.take());
        if let Some(name) = name_of(&pattern) {
            let mut name = name.id.clone();
            name.optional = false;
            let mut assignment = assign_to_this(
                MemberProp::Ident(IdentName::new(name.sym.clone(), DUMMY_SP)),
                name.clone().into(),
            );
            assignment.set_span(span);
            assignments.push(assignment);
            properties.push(name);
        }
        *parameter = ParamOrTsParamProp::Param(Param {
            span,
            decorators,
            pat: pattern,
        });
    }
}

fn name_of(pattern: &Pat) -> Option<&BindingIdent> {
    match pattern {
        Pat::Ident(ident) => Some(ident),
        Pat::Assign(assign) => name_of(&assign.left),
        _ => None,
    }
}

/// Declares the fields of parameter properties, as TypeScript does it.
fn define_properties(class: &mut Class, properties: Vec<Ident>) {
    let fields = properties.into_iter().map(|name| {
        ClassMember::ClassProp(ClassProp {
            key: PropName::Ident(IdentName::new(name.sym, DUMMY_SP)),
            ..ClassProp::default()
        })
    });
    class.body.splice(0..0, fields);
}

/// `const key = …;`
fn evaluate((name, key): Key) -> Stmt {
    key.into_var_decl(VarDeclKind::Const, name.into()).into()
}

/// `((key) => class { … })(…)`: the keys of a class that is an expression are evaluated before it.
fn with_keys(class: Expr, keys: Vec<Key>) -> Expr {
    let (names, values): (Vec<Ident>, Vec<Box<Expr>>) = keys.into_iter().unzip();
    let parameters = names.into_iter().map(|name| Pat::Ident(name.into()));
    Box::new(class)
        .into_lazy_arrow(parameters.collect())
        .as_call(
            DUMMY_SP,
            values.into_iter().map(ExprFactory::as_arg).collect(),
        )
}

/// Moves the values of fields into assignments. Returns the index of the first instance field that
/// was moved. Keys that must be evaluated once, with the class, are added to `keys`.
fn assign_fields(
    class: &mut Class,
    assignments: &mut Vec<Box<Expr>>,
    keys: &mut Vec<Key>,
) -> Option<usize> {
    let has_public_value = class.body.iter().any(|member| {
        matches!(member, ClassMember::ClassProp(field)
            if !field.is_static && field.value.is_some() && is_code(field))
    });
    let mut first = None;
    let mut members = Vec::with_capacity(class.body.len());
    for member in class.body.take() {
        match member {
            ClassMember::ClassProp(mut field) if is_code(&field) => {
                name_key(&mut field, keys);
                let Some(assignment) = assignment_of(&field) else {
                    continue;
                };
                if field.is_static {
                    members.push(static_block(assignment, &field));
                } else {
                    first = first.or(Some(members.len()));
                    assignments.push(assignment);
                }
            }
            // In the order of the source: a later value may read an earlier field.
            ClassMember::PrivateProp(mut field)
                if has_public_value && !field.is_static && field.value.is_some() =>
            {
                first = first.or(Some(members.len()));
                assignments.extend(private_assignment(&mut field));
                members.push(ClassMember::PrivateProp(field));
            }
            member => members.push(member),
        }
    }
    class.body = members;
    first
}

fn is_code(field: &ClassProp) -> bool {
    !field.declare && !field.is_abstract
}

/// Replaces a key that must be evaluated once by a variable.
fn name_key(field: &mut ClassProp, keys: &mut Vec<Key>) {
    if let PropName::Computed(computed) = &mut field.key
        && !is_constant(&computed.expr)
    {
        let name = private_ident!("_key");
        let key = std::mem::replace(&mut computed.expr, Box::new(name.clone().into()));
        keys.push((name, key));
    }
}

/// Whether a key may be evaluated again: a literal, or a name such as `Symbol.iterator`.
fn is_constant(key: &Expr) -> bool {
    match key {
        Expr::Lit(_) | Expr::Ident(_) => true,
        Expr::Member(member) => member.prop.is_ident() && is_constant(&member.obj),
        _ => false,
    }
}

fn assignment_of(field: &ClassProp) -> Option<Box<Expr>> {
    let value = field.value.clone()?;
    let property = match field.key.clone() {
        PropName::Ident(name) => MemberProp::Ident(name),
        PropName::Computed(key) => MemberProp::Computed(key),
        PropName::Str(text) => computed(Expr::Lit(text.into())),
        PropName::Num(number) => computed(Expr::Lit(number.into())),
        PropName::BigInt(number) => computed(Expr::Lit(number.into())),
    };
    let mut assignment = assign_to_this(property, value);
    assignment.set_span(field.span);
    Some(assignment)
}

fn computed(expr: Expr) -> MemberProp {
    MemberProp::Computed(ComputedPropName {
        span: DUMMY_SP,
        expr: Box::new(expr),
    })
}

fn private_assignment(field: &mut PrivateProp) -> Option<Box<Expr>> {
    let value = field.value.take()?;
    let mut assignment = assign_to_this(MemberProp::PrivateName(field.key.clone()), value);
    assignment.set_span(field.span);
    Some(assignment)
}

/// `this.property = value`.
fn assign_to_this(property: MemberProp, value: Box<Expr>) -> Box<Expr> {
    let target = MemberExpr {
        span: DUMMY_SP,
        obj: Box::new(ThisExpr { span: DUMMY_SP }.into()),
        prop: property,
    };
    Box::new(value.make_assign_to(AssignOp::Assign, target.into()))
}

fn static_block(assignment: Box<Expr>, field: &ClassProp) -> ClassMember {
    ClassMember::StaticBlock(StaticBlock {
        span: field.span,
        body: BlockStmt {
            span: DUMMY_SP,
            stmts: vec![assignment.into_stmt()],
            ..BlockStmt::default()
        },
    })
}

/// Adds assignments to the constructor, after `super()`; a missing constructor is inserted at `index`.
fn assign_in_constructor(class: &mut Class, assignments: Vec<Box<Expr>>, index: usize) {
    let existing = class.body.iter_mut().find_map(|member| match member {
        ClassMember::Constructor(constructor) if constructor.body.is_some() => Some(constructor),
        _ => None,
    });
    if let Some(constructor) = existing {
        let mut assignments = assignments;
        separate_names(constructor, &mut assignments);
        inject_after_super(constructor, assignments);
        return;
    }
    let mut constructor = default_constructor_with_span(class.super_class.is_some(), DUMMY_SP);
    inject_after_super(&mut constructor, assignments);
    class
        .body
        .insert(index, ClassMember::Constructor(constructor));
}

/// Renames variables of a constructor that would hide others to which the assignments refer.
fn separate_names(constructor: &mut Constructor, assignments: &mut Vec<Box<Expr>>) {
    let (mut own, mut used) = (Names::default(), Names::default());
    constructor.visit_with(&mut own);
    assignments.visit_with(&mut used);
    let mut taken: FxHashSet<Atom> = own
        .order
        .iter()
        .chain(&used.order)
        .map(|(symbol, _)| symbol.clone())
        .collect();
    let mut renamed: FxHashMap<Id, Atom> = FxHashMap::default();
    for id in &own.declared {
        let hides = used
            .order
            .iter()
            .any(|other| other.0 == id.0 && other.1 != id.1);
        if hides {
            renamed.insert(id.clone(), free_name(&id.0, &mut taken));
        }
    }
    if !renamed.is_empty() {
        constructor.visit_mut_with(&mut rename(&renamed));
        assignments.visit_mut_with(&mut rename(&renamed));
    }
}
