//! Lowers `accessor` fields, which Node cannot run, to a private field with a getter and a setter.

use swc_atoms::Atom;
use swc_common::{DUMMY_SP, Span, util::take::Take};
use swc_ecma_ast::{
    AssignOp, AutoAccessor, ClassMember, ClassMethod, ComputedPropName, Expr, Function,
    FunctionBody, Ident, Key, MemberExpr, MemberProp, MethodKind, Pat, PrivateMethod, PrivateName,
    PrivateProp, Program, PropName, Stmt, ThisExpr, VarDecl, VarDeclKind, VarDeclarator,
};
use swc_ecma_utils::{ExprFactory, prepend_stmt, private_ident};
use swc_ecma_visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

/// Lowers the accessors of a program. Their decorators go to the getter, as TypeScript does it with
/// `experimentalDecorators`; those of the proposal must have been lowered before.
pub(super) fn lower_accessors(program: &mut Program) {
    let mut visitor = Accessors::default();
    program.visit_mut_with(&mut visitor);
    if visitor.keys.is_empty() {
        return;
    }
    let decl = VarDecl {
        kind: VarDeclKind::Var,
        decls: visitor.keys.into_iter().map(declare).collect(),
        ..VarDecl::default()
    };
    match program {
        Program::Module(module) => prepend_stmt(&mut module.body, decl.into()),
        Program::Script(script) => prepend_stmt(&mut script.body, decl.into()),
    }
}

fn declare(ident: Ident) -> VarDeclarator {
    VarDeclarator {
        span: DUMMY_SP,
        name: Pat::Ident(ident.into()),
        init: None,
        definite: false,
    }
}

#[derive(Default)]
struct Accessors {
    /// The number of accessors so far, for names that no other accessor has.
    count: usize,
    /// Variables for computed keys, which are evaluated once for the getter and the setter.
    keys: Vec<Ident>,
}

impl VisitMut for Accessors {
    noop_visit_mut_type!();

    fn visit_mut_class_members(&mut self, members: &mut Vec<ClassMember>) {
        members.visit_mut_children_with(self);
        let has_accessor = members
            .iter()
            .any(|member| matches!(member, ClassMember::AutoAccessor(a) if !a.is_abstract));
        if !has_accessor {
            return;
        }
        let mut lowered = Vec::with_capacity(members.len() + 2);
        for member in members.take() {
            match member {
                ClassMember::AutoAccessor(accessor) if !accessor.is_abstract => {
                    lowered.extend(self.lower(accessor));
                }
                member => lowered.push(member),
            }
        }
        *members = lowered;
    }
}

impl Accessors {
    fn lower(&mut self, accessor: AutoAccessor) -> [ClassMember; 3] {
        self.count += 1;
        let span = accessor.span;
        let storage = PrivateName {
            span: DUMMY_SP,
            name: Atom::from(format!(
                "{}_accessor_storage_{}",
                readable_name(&accessor.key),
                self.count
            )),
        };
        let (getter_key, setter_key) = self.keys(accessor.key);
        let value = private_ident!("value");
        let getter = Function {
            span: DUMMY_SP,
            decorators: accessor.decorators,
            return_type: accessor.type_ann,
            body: Some(body(stored(&storage).into_return_stmt().into())),
            ..Function::default()
        };
        let assignment = value
            .clone()
            .make_assign_to(AssignOp::Assign, stored(&storage).into());
        let setter = Function {
            span: DUMMY_SP,
            params: vec![Pat::Ident(value.into()).into()],
            body: Some(body(assignment.into_stmt())),
            ..Function::default()
        };
        let field = PrivateProp {
            span,
            key: storage,
            value: accessor.value,
            is_static: accessor.is_static,
            ..PrivateProp::default()
        };
        [
            ClassMember::PrivateProp(field),
            method(
                getter_key,
                getter,
                MethodKind::Getter,
                accessor.is_static,
                span,
            ),
            method(
                setter_key,
                setter,
                MethodKind::Setter,
                accessor.is_static,
                span,
            ),
        ]
    }

    /// The keys of the getter and the setter.
    fn keys(&mut self, key: Key) -> (Key, Key) {
        let Key::Public(PropName::Computed(computed)) = key else {
            return (key.clone(), key);
        };
        let variable = private_ident!("_key");
        self.keys.push(variable.clone());
        let evaluated = computed
            .expr
            .make_assign_to(AssignOp::Assign, variable.clone().into());
        let computed_key = |expr: Expr| {
            Key::Public(PropName::Computed(ComputedPropName {
                span: computed.span,
                expr: Box::new(expr),
            }))
        };
        (computed_key(evaluated), computed_key(variable.into()))
    }
}

/// `this.#storage`.
fn stored(storage: &PrivateName) -> MemberExpr {
    MemberExpr {
        span: DUMMY_SP,
        obj: Box::new(ThisExpr { span: DUMMY_SP }.into()),
        prop: MemberProp::PrivateName(storage.clone()),
    }
}

fn body(statement: Stmt) -> FunctionBody {
    FunctionBody {
        span: DUMMY_SP,
        stmts: vec![statement],
    }
}

fn method(
    key: Key,
    function: Function,
    kind: MethodKind,
    is_static: bool,
    span: Span,
) -> ClassMember {
    let function = Box::new(function);
    match key {
        Key::Public(key) => ClassMember::Method(ClassMethod {
            span,
            key,
            function,
            kind,
            is_static,
            ..ClassMethod::default()
        }),
        Key::Private(key) => ClassMember::PrivateMethod(PrivateMethod {
            span,
            key,
            function,
            kind,
            is_static,
            ..PrivateMethod::default()
        }),
    }
}

fn readable_name(key: &Key) -> String {
    match key {
        Key::Private(name) => name.name.to_string(),
        Key::Public(PropName::Ident(name)) => name.sym.to_string(),
        Key::Public(_) => String::new(),
    }
}
