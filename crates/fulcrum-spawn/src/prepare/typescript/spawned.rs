//! Files that a program names for a worker thread or for a process of its own.
//!
//! They are found by their form: `new URL('./w.ts', import.meta.url)`, `path.join(__dirname, 'w.ts')`,
//! `` `${__dirname}/w.ts` `` anywhere, and a plain string as the argument of `new Worker()` and
//! `fork()`.

use swc_common::{Span, Spanned};
use swc_ecma_ast::{
    BinaryOp, CallExpr, Callee, Expr, ExprOrSpread, Lit, MemberExpr, MetaPropKind, NewExpr,
};

/// The endings of files that Node can run.
const EXTENSIONS: &[&str] = &[".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"];

/// The file that the argument of a function that takes a file names. The forms that are found
/// anywhere are left to the other functions.
pub(super) fn argument(expr: &Expr) -> Option<(String, Span)> {
    let name = match expr {
        Expr::Lit(Lit::Str(text)) => text.value.to_string_lossy().into_owned(),
        Expr::Tpl(_) | Expr::Bin(_) => beside_directory(expr)?,
        _ => return None,
    };
    has_extension(&name).then(|| (name, expr.span()))
}

fn has_extension(name: &str) -> bool {
    EXTENSIONS.iter().any(|extension| name.ends_with(extension))
}

/// `new URL('./a', import.meta.url)`.
pub(super) fn url(new: &NewExpr) -> Option<(String, Span)> {
    let is_url = matches!(&*new.callee, Expr::Ident(ident) if ident.sym == "URL");
    let [path, base] = new.args.as_deref()? else {
        return None;
    };
    let Expr::Lit(Lit::Str(text)) = &*path.expr else {
        return None;
    };
    let is_own = matches!(&*base.expr, Expr::Member(member)
        if is_import_meta(&member.obj) && is_property(member, &["url"]));
    let name = text.value.to_string_lossy();
    let is_absolute = name.starts_with('/') || name.contains("://");
    (is_url && is_own && !is_absolute && has_extension(&name)).then(|| (relative(&name), text.span))
}

/// `path.join(__dirname, 'a')`, `resolve(import.meta.dirname, '..', 'a')`.
pub(super) fn joined_path(call: &CallExpr) -> Option<(String, Span)> {
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    let is_join = match &**callee {
        Expr::Ident(ident) => ident.sym == "join" || ident.sym == "resolve",
        Expr::Member(member) => is_property(member, &["join", "resolve"]),
        _ => false,
    };
    let (first, rest) = call.args.split_first()?;
    if !is_join || rest.is_empty() || !is_directory(&first.expr) {
        return None;
    }
    let parts: Option<Vec<String>> = rest.iter().map(text_of).collect();
    let parts = parts?;
    if parts.iter().skip(1).any(|part| part.starts_with('/')) {
        return None;
    }
    let path = parts.join("/");
    has_extension(&path).then_some((relative(&path), rest.last()?.expr.span()))
}

/// `` `${__dirname}/a` ``, `__dirname + '/a'`.
fn beside_directory(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Tpl(template) => {
            let [directory] = template.exprs.as_slice() else {
                return None;
            };
            let [before, after] = template.quasis.as_slice() else {
                return None;
            };
            let path = after.cooked.as_ref()?.to_string_lossy();
            let is_path = before.raw.is_empty() && is_directory(directory);
            (is_path && path.starts_with('/')).then(|| format!(".{path}"))
        }
        Expr::Bin(binary) if binary.op == BinaryOp::Add && is_directory(&binary.left) => {
            let Expr::Lit(Lit::Str(text)) = &*binary.right else {
                return None;
            };
            let path = text.value.to_string_lossy();
            path.starts_with('/').then(|| format!(".{path}"))
        }
        _ => None,
    }
}

fn text_of(argument: &ExprOrSpread) -> Option<String> {
    match &*argument.expr {
        Expr::Lit(Lit::Str(text)) if argument.spread.is_none() => {
            Some(text.value.to_string_lossy().into_owned())
        }
        _ => None,
    }
}

/// Whether an expression is the directory of the file.
fn is_directory(expr: &Expr) -> bool {
    match expr {
        Expr::Ident(ident) => ident.sym == "__dirname",
        Expr::Member(member) => is_import_meta(&member.obj) && is_property(member, &["dirname"]),
        _ => false,
    }
}

fn is_import_meta(expr: &Expr) -> bool {
    matches!(expr, Expr::MetaProp(meta) if meta.kind == MetaPropKind::ImportMeta)
}

fn is_property(member: &MemberExpr, names: &[&str]) -> bool {
    let property = member.prop.as_ident();
    property.is_some_and(|property| names.contains(&&*property.sym))
}

/// A path as an import specifier.
fn relative(path: &str) -> String {
    let path = path.trim_start_matches('/');
    if path.starts_with("./") || path.starts_with("../") {
        path.to_owned()
    } else {
        format!("./{path}")
    }
}
