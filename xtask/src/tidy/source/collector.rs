//! Parses a file and collects what [`Source`] holds.

use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, ExprCall, ImplItem, ImplItemFn, Item, ItemFn, ItemMod, ItemUse, Macro,
    Meta, Path, Signature, TraitItem, TraitItemFn, UseTree, Visibility,
};

use super::attributes;
use super::path::{PathKind, PathUse};
use super::rust_file::{Function, Source};
use super::tokens::{self, Named};

/// Parses a file; `path` is relative to the root.
///
/// # Errors
/// A file that is not valid Rust, with its line.
pub(in crate::tidy) fn parse(path: &str, text: &str) -> anyhow::Result<Source> {
    let file = syn::parse_file(text).map_err(|error| {
        let line = error.span().start().line;
        anyhow::anyhow!("{path}:{line}: {error}")
    })?;
    let mut collector = Collector {
        source: Source {
            path: path.to_owned(),
            lines: text.lines().count(),
            ..Source::default()
        },
        scope: Vec::new(),
        in_tests: false,
    };
    collector.visit_file(&file);
    Ok(collector.source)
}

struct Collector {
    source: Source,
    /// The inline modules around, outermost first.
    scope: Vec<String>,
    /// Under `#[cfg(test)]`.
    in_tests: bool,
}

impl Collector {
    /// Visits an item with `visit`, as test code if its attributes make it that.
    fn enter(&mut self, attributes: &[Attribute], span: Span, visit: impl FnOnce(&mut Self)) {
        let before = self.in_tests;
        if !before && attributes::is_test_only(attributes) {
            self.in_tests = true;
            self.source.test_lines += line_count(span);
        }
        visit(self);
        self.in_tests = before;
    }

    fn add_path(&mut self, segments: Vec<String>, line: usize, kind: PathKind) {
        if !self.in_tests {
            self.source.paths.push(PathUse {
                scope: self.scope.clone(),
                segments,
                line,
                kind,
            });
        }
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        for (named, line) in tokens::names(tokens) {
            match named {
                Named::Path(segments) => self.add_path(segments, line, PathKind::Inline),
                Named::Call(name) => self.add_path(vec![name], line, PathKind::Call),
                Named::Macro(name) => self.add_macro(name, line),
            }
        }
    }

    fn add_macro(&mut self, name: String, line: usize) {
        if !self.in_tests {
            self.source.macros.push((name, line));
        }
    }

    fn add_imports(&mut self, tree: &UseTree, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let (ident, name) = match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                return self.add_imports(&tree.tree, &path);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_imports(tree, prefix);
                }
                return;
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.span.start().line;
                return self.add_path(path, line, PathKind::Glob);
            }
            UseTree::Name(tree) => (&tree.ident, &tree.ident),
            UseTree::Rename(tree) => (&tree.ident, &tree.rename),
        };
        let is_self = ident == "self" && !prefix.is_empty();
        if !is_self {
            path.push(ident.to_string());
        }
        let name = match is_self && name == "self" {
            true => path.last().cloned().unwrap_or_default(),
            false => name.to_string(),
        };
        // Whether it is public is decided by the item around, in `visit_item_use`.
        let kind = PathKind::Import {
            name,
            public: false,
        };
        self.add_path(path, ident.span().start().line, kind);
    }

    fn add_function(&mut self, signature: &Signature, block: &Block, attributes: &[Attribute]) {
        let first = signature.fn_token.span.start().line;
        let last = block.brace_token.span.close().end().line;
        self.source.functions.push(Function {
            name: signature.ident.to_string(),
            line: first,
            lines: last - first + 1,
            is_test: self.in_tests || attributes::is_test(attributes),
        });
    }

    fn count_if_public(&mut self, visibility: &Visibility) {
        if !self.in_tests && matches!(visibility, Visibility::Public(_)) {
            self.source.public_items += 1;
        }
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast Item) {
        self.enter(attributes::of_item(item), item.span(), |collector| {
            match item {
                Item::Const(item) => collector.count_if_public(&item.vis),
                Item::Enum(item) => collector.count_if_public(&item.vis),
                Item::Fn(item) => collector.count_if_public(&item.vis),
                Item::Static(item) => collector.count_if_public(&item.vis),
                Item::Struct(item) => collector.count_if_public(&item.vis),
                Item::Trait(item) => collector.count_if_public(&item.vis),
                Item::Type(item) => collector.count_if_public(&item.vis),
                Item::Union(item) => collector.count_if_public(&item.vis),
                _ => {}
            }
            visit::visit_item(collector, item);
        });
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        self.enter(attributes::of_impl_item(item), item.span(), |collector| {
            match item {
                ImplItem::Const(item) => collector.count_if_public(&item.vis),
                ImplItem::Fn(item) => collector.count_if_public(&item.vis),
                _ => {}
            }
            visit::visit_impl_item(collector, item);
        });
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        self.enter(attributes::of_trait_item(item), item.span(), |collector| {
            visit::visit_trait_item(collector, item);
        });
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let mut path = self.scope.clone();
        path.push(module.ident.to_string());
        if !self.in_tests {
            match &module.content {
                Some(_) => self.source.inline_modules.push(path.clone()),
                None => self.source.child_files.push(path.clone()),
            }
        }
        let outer = std::mem::replace(&mut self.scope, path);
        visit::visit_item_mod(self, module);
        self.scope = outer;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let first = self.source.paths.len();
        let prefix: &[String] = match item.leading_colon {
            // `::name` is always a crate; the empty segment keeps it from being anything else.
            Some(_) => &[String::new()],
            None => &[],
        };
        self.add_imports(&item.tree, prefix);
        if !matches!(item.vis, Visibility::Inherited) {
            for path in &mut self.source.paths[first..] {
                if let PathKind::Import { public, .. } = &mut path.kind {
                    *public = true;
                }
            }
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add_function(&function.sig, &function.block, &function.attrs);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add_function(&function.sig, &function.block, &function.attrs);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.add_function(&function.sig, block, &function.attrs);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.segments.len() > 1 {
            let segments = segments(path);
            self.add_path(segments, first_line(path), PathKind::Inline);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(function) = call.func.as_ref()
            && let Some(name) = function.path.get_ident()
        {
            let line = name.span().start().line;
            self.add_path(vec![name.to_string()], line, PathKind::Call);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        if let Some(last) = call.path.segments.last() {
            self.add_macro(last.ident.to_string(), last.ident.span().start().line);
        }
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        match &attribute.meta {
            Meta::List(list) => {
                let line = first_line(&list.path);
                for literal in tokens::literals(list.tokens.clone()) {
                    if let Some(segments) = tokens::path_in_literal(&literal) {
                        self.add_path(segments, line, PathKind::Inline);
                    }
                }
                self.add_tokens(list.tokens.clone());
            }
            Meta::Path(_) | Meta::NameValue(_) => {}
        }
    }

    /// `pub(in crate::a)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn segments(path: &Path) -> Vec<String> {
    let names = path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string());
    match path.leading_colon {
        Some(_) => std::iter::once(String::new()).chain(names).collect(),
        None => names.collect(),
    }
}

fn first_line(path: &Path) -> usize {
    path.segments
        .first()
        .map_or(1, |segment| segment.ident.span().start().line)
}

fn line_count(span: Span) -> usize {
    span.end().line - span.start().line + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
//! Adds.
use std::io::{self, Read as _};
pub(crate) use crate::a::B;
pub mod child;
#[cfg(test)]
mod tests;

/// Sums.
pub fn sum(x: u8) -> u8 {
    println!(\"{}\", crate::b::c(x));
    d(x)
}

#[cfg(test)]
mod checks {
    use crate::e::F;
    #[test]
    fn adds() {
        super::sum(1);
    }
}
";

    #[test]
    fn sizes_and_functions_are_counted_apart_from_tests() {
        let source = parse("a.rs", FILE).unwrap();
        assert_eq!(source.lines, 21);
        assert_eq!(source.test_lines, 2 + 8);
        assert_eq!(source.public_items, 1);
        let functions: Vec<_> = source
            .functions
            .iter()
            .map(|f| (f.name.as_str(), f.line, f.lines, f.is_test))
            .collect();
        assert_eq!(functions, [("sum", 9, 4, false), ("adds", 18, 3, true)]);
    }

    #[test]
    fn paths_of_tests_are_left_out_and_those_in_macros_are_not() {
        let source = parse("a.rs", FILE).unwrap();
        assert_eq!(source.child_files, [["child"]]);
        assert_eq!(source.macros, [("println".to_owned(), 10)]);
        let paths: Vec<_> = source
            .paths
            .iter()
            .map(|path| (path.segments.join("::"), path.line))
            .collect();
        let expected = [
            ("std::io", 2),
            ("std::io::Read", 2),
            ("crate::a::B", 3),
            ("crate::b::c", 10),
            ("d", 11),
        ];
        let expected = expected.map(|(path, line)| (path.to_owned(), line));
        assert_eq!(paths, expected);
        let public = PathKind::Import {
            name: "B".to_owned(),
            public: true,
        };
        assert_eq!(source.paths[2].kind, public);
    }

    #[test]
    fn a_file_that_is_not_rust_is_an_error_with_its_line() {
        let error = parse("a.rs", "//! A.\nfn (\n").unwrap_err().to_string();
        assert!(error.starts_with("a.rs:2: "), "{error}");
    }
}
