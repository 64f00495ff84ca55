//! Where a method can be inserted into the class of a domain.

use std::path::Path;

use swc_common::Spanned;
use swc_ecma_ast::{
    Class, ClassMember, Decl, DefaultDecl, Expr, ModuleDecl, ModuleItem, Program, PropName, Stmt,
};

use super::parse::{ParsedFile, parse};
use super::strip::run_isolated;

/// The body of a domain's class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassBody {
    /// The byte offset behind the last member and its comments, or behind the opening brace.
    pub end: usize,
    /// What the members are indented by.
    pub indent: String,
    /// The names of the methods and properties.
    pub members: Vec<String>,
}

/// Finds the class of a domain in the text of its entry: the default export, or else the only class
/// with a base class. `None` if there is none, or if the text has a syntax error.
#[must_use]
pub fn find_domain_class(path: &Path, text: &str) -> Option<ClassBody> {
    run_isolated(text, |text| {
        let parsed = parse(path, text, true).ok()?;
        let class = domain_class(&parsed.program)?;
        body(&parsed, class)
    })
    .flatten()
}

fn domain_class(program: &Program) -> Option<&Class> {
    let Program::Module(module) = program else {
        return None;
    };
    let mut named: Vec<(&str, &Class)> = Vec::new();
    let mut default = None;
    for item in &module.body {
        match item {
            ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => {
                if let DefaultDecl::Class(class) = &export.decl {
                    return Some(&class.class);
                }
            }
            ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => match &*export.expr {
                Expr::Ident(name) => default = Some(name.sym.as_str()),
                Expr::Class(class) => return Some(&class.class),
                _ => {}
            },
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => {
                named.extend(class_declaration(&export.decl));
            }
            ModuleItem::Stmt(Stmt::Decl(declaration)) => {
                named.extend(class_declaration(declaration));
            }
            _ => {}
        }
    }
    if let Some(default) = default {
        return named
            .iter()
            .find(|(name, _)| *name == default)
            .map(|(_, class)| *class);
    }
    let mut derived = named
        .iter()
        .filter(|(_, class)| class.super_class.is_some());
    match (derived.next(), derived.next()) {
        (Some((_, only)), None) => Some(only),
        _ => None,
    }
}

fn class_declaration(declaration: &Decl) -> Option<(&str, &Class)> {
    match declaration {
        Decl::Class(class) => Some((class.ident.sym.as_str(), &class.class)),
        _ => None,
    }
}

fn body(parsed: &ParsedFile, class: &Class) -> Option<ClassBody> {
    let text: &str = &parsed.file.src;
    // Behind the closing brace.
    let close = parsed.offset(class.span.hi)?.checked_sub(1)?;
    let end = text.get(..close)?.trim_end().len();
    let first = class.body.first();
    let indent = first
        .and_then(|member| indent_at(text, parsed.offset(member.span().lo)?))
        .unwrap_or("  ");
    Some(ClassBody {
        end,
        indent: indent.to_owned(),
        members: class.body.iter().filter_map(member_name).collect(),
    })
}

/// The white space before the first word of a line, if that is at `offset`.
fn indent_at(text: &str, offset: usize) -> Option<&str> {
    let before = text.get(..offset)?;
    let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    let is_indent = !line.is_empty() && line.chars().all(|c| c == ' ' || c == '\t');
    is_indent.then_some(line)
}

fn member_name(member: &ClassMember) -> Option<String> {
    let key = match member {
        ClassMember::Method(method) => &method.key,
        ClassMember::ClassProp(property) => &property.key,
        _ => return None,
    };
    match key {
        PropName::Ident(name) => Some(name.sym.to_string()),
        PropName::Str(name) => name.value.as_str().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str, text: &str) -> Option<ClassBody> {
        find_domain_class(Path::new(name), text)
    }

    #[test]
    fn the_end_of_the_class_is_found_in_spite_of_braces_elsewhere() {
        let text = "\
import { DomainBase } from '@fulcrum/domain';
class Helper extends Array {}
export default class Users extends DomainBase {
\t#names: string[] = [];
\tasync userCreateHandler({ name }: { name: string }) {
\t\treturn { text: `}}${name}{{`, match: /[}]/.test(name) };
\t}
\t// the last word }
}
export const after = {};
";
        let body = find("domain.ts", text).expect("a class");
        assert!(
            text[..body.end].ends_with("// the last word }"),
            "{}",
            body.end
        );
        assert_eq!(body.indent, "\t");
        assert_eq!(body.members, ["userCreateHandler"]);
    }

    #[test]
    fn a_class_that_is_exported_by_its_name_or_is_the_only_one_is_found() {
        let exported =
            "class A extends B { a() {} }\nclass C extends B { c() {} }\nexport default A;\n";
        assert_eq!(find("domain.js", exported).expect("A").members, ["a"]);
        let started = "class A extends B { a = () => 1 }\nnew A().start();\n";
        assert_eq!(find("domain.js", started).expect("A").members, ["a"]);
        let empty = "export default class A extends B {}";
        let body = find("domain.js", empty).expect("A");
        assert_eq!((&empty[body.end..], body.indent.as_str()), ("}", "  "));
    }

    #[test]
    fn what_has_no_such_class_has_no_body() {
        for text in [
            "",
            "export const a = 1;",
            "class A extends B {}\nclass C extends B {}",
            "export default class A extends B {",
        ] {
            assert_eq!(find("domain.js", text), None, "{text}");
        }
    }
}
