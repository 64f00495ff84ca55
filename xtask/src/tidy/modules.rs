//! The modules of a crate, and which file imports which.
//!
//! A path leads to the file of the last module that it names, so a re-export counts as an import
//! of the module that re-exports. A `mod` declaration is no import. A `use` of a module itself
//! imports nothing until a path goes through it, unless it is a re-export.

use std::collections::{BTreeMap, HashMap};

use super::source::{PathKind, PathUse, Source};

/// The files of one crate, by module.
pub(super) struct Modules<'a> {
    /// Name of the package.
    pub(super) package: &'a str,
    pub(super) files: Vec<ModuleFile<'a>>,
    by_path: BTreeMap<Vec<String>, usize>,
}

/// A file and the module that it is.
pub(super) struct ModuleFile<'a> {
    pub(super) source: &'a Source,
    /// Below the crate's root: `["state", "domain"]`; empty for the root.
    pub(super) module: Vec<String>,
}

/// One file's first import of another; both are indices into [`Modules::files`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) line: usize,
}

/// What a path leads to.
enum Target {
    /// The file of a module; `parent` is that of the module around.
    Module { file: usize, parent: usize },
    /// The file that has the item or passes it on.
    Item { file: usize },
    /// Another crate's item, from the crate on, or nothing known.
    External(Vec<String>),
}

impl<'a> Modules<'a> {
    /// Follows the `mod` declarations from the crate's root file on.
    pub(super) fn new(
        package: &'a str,
        root: &str,
        sources: &'a BTreeMap<String, Source>,
    ) -> Modules<'a> {
        let mut modules = Modules {
            package,
            files: Vec::new(),
            by_path: BTreeMap::new(),
        };
        let mut next: Vec<(&Source, Vec<String>)> = Vec::new();
        next.extend(sources.get(root).map(|source| (source, Vec::new())));
        while let Some((source, module)) = next.pop() {
            let index = modules.files.len();
            modules.by_path.insert(module.clone(), index);
            for inline in &source.inline_modules {
                modules.by_path.insert(joined(&module, inline), index);
            }
            let directory = child_directory(&source.path, module.is_empty());
            for child in &source.child_files {
                let stem = format!("{directory}{}", child.join("/"));
                let file = [format!("{stem}.rs"), format!("{stem}/mod.rs")]
                    .into_iter()
                    .find_map(|path| sources.get(&path));
                next.extend(file.map(|file| (file, joined(&module, child))));
            }
            modules.files.push(ModuleFile { source, module });
        }
        modules
    }

    /// Which file imports which, each pair once.
    pub(super) fn imports(&self) -> Vec<Import> {
        let mut lines: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (from, file) in self.files.iter().enumerate() {
            let aliases = aliases(file.source);
            for path in &file.source.paths {
                let Some(to) = self.imported(file, path, &aliases) else {
                    continue;
                };
                if to != from {
                    let line = lines.entry((from, to)).or_insert(path.line);
                    *line = path.line.min(*line);
                }
            }
        }
        lines
            .into_iter()
            .map(|((from, to), line)| Import { from, to, line })
            .collect()
    }

    /// Every path to another crate, from the crate's name on, with file and line.
    pub(super) fn external_paths(&self) -> Vec<(&'a Source, Vec<String>, usize)> {
        let mut found = Vec::new();
        for file in &self.files {
            let aliases = aliases(file.source);
            for path in &file.source.paths {
                if let Target::External(segments) = self.resolve(file, path, &aliases) {
                    found.push((file.source, segments, path.line));
                }
            }
        }
        found
    }

    fn imported(
        &self,
        file: &ModuleFile<'_>,
        path: &PathUse,
        aliases: &HashMap<&str, &PathUse>,
    ) -> Option<usize> {
        match (&path.kind, self.resolve(file, path, aliases)) {
            (_, Target::External(_)) => None,
            // The import of the name was counted where it stands.
            (PathKind::Call, Target::Item { .. }) => None,
            (PathKind::Import { public: false, .. }, Target::Module { .. }) => None,
            (PathKind::Import { .. } | PathKind::Glob, Target::Module { file, .. }) => Some(file),
            // A module is no value: it is the function of the same name beside it.
            (PathKind::Call | PathKind::Inline, Target::Module { parent, .. }) => Some(parent),
            (_, Target::Item { file }) => Some(file),
        }
    }

    fn resolve(
        &self,
        file: &ModuleFile<'_>,
        path: &PathUse,
        aliases: &HashMap<&str, &PathUse>,
    ) -> Target {
        let mut scope = &path.scope;
        let mut segments = path.segments.clone();
        // An alias leads to a path that may begin with another one; a circle of them is broken off.
        for _ in 0..8 {
            let mut module = joined(&file.module, scope);
            let (first, rest) = match segments.split_first() {
                Some((first, rest)) => (first.as_str(), rest),
                None => break,
            };
            match first {
                "" => return Target::External(rest.to_vec()),
                "crate" => return self.locate(&[], rest),
                "self" => return self.locate(&module, rest),
                "super" => {
                    let climbs = segments.iter().take_while(|name| *name == "super").count();
                    module.truncate(module.len().saturating_sub(climbs));
                    return self.locate(&module, &segments[climbs..]);
                }
                _ => {}
            }
            let is_plain_call = path.kind == PathKind::Call;
            let child = joined(&module, std::slice::from_ref(&segments[0]));
            if !is_plain_call && self.by_path.contains_key(&child) {
                return self.locate(&module, &segments);
            }
            let is_itself = matches!(&path.kind, PathKind::Import { name, .. } if name == first);
            match aliases.get(first) {
                Some(alias) if !is_itself => {
                    scope = &alias.scope;
                    segments = joined(&alias.segments, rest);
                }
                _ => break,
            }
        }
        Target::External(segments)
    }

    /// Walks from a module down a path, as far as it names modules.
    fn locate(&self, module: &[String], path: &[String]) -> Target {
        let mut module = module.to_vec();
        let mut file = self.by_path.get(&module).copied().unwrap_or_default();
        let mut parent = file;
        for (at, name) in path.iter().enumerate() {
            module.push(name.clone());
            match self.by_path.get(&module) {
                Some(child) => (parent, file) = (file, *child),
                None => {
                    debug_assert!(at < path.len(), "an item is left");
                    return Target::Item { file };
                }
            }
        }
        Target::Module { file, parent }
    }
}

/// Imports by the name that they make known; those of all scopes of the file together.
fn aliases(source: &Source) -> HashMap<&str, &PathUse> {
    source
        .paths
        .iter()
        .filter_map(|path| match &path.kind {
            PathKind::Import { name, .. } => Some((name.as_str(), path)),
            _ => None,
        })
        .collect()
}

fn joined(first: &[String], second: &[String]) -> Vec<String> {
    [first, second].concat()
}

/// Where the files of a file's child modules are, with `/` at the end.
fn child_directory(path: &str, is_root: bool) -> String {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name.strip_suffix(".rs") {
        Some(stem) if !is_root && stem != "mod" => format!("{directory}/{stem}/"),
        _ => format!("{directory}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn sources(files: &[(&str, &str)]) -> BTreeMap<String, Source> {
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), source::parse(path, text).unwrap()))
            .collect()
    }

    /// The imports among files as `from:line to`.
    fn imports(files: &[(&str, &str)]) -> Vec<String> {
        let sources = sources(files);
        let modules = Modules::new("x", "src/lib.rs", &sources);
        let name = |index: usize| modules.files[index].source.path.trim_start_matches("src/");
        let mut found: Vec<_> = modules
            .imports()
            .iter()
            .map(|import| format!("{}:{} {}", name(import.from), import.line, name(import.to)))
            .collect();
        found.sort();
        found
    }

    #[test]
    fn a_path_leads_to_the_last_module_that_it_names() {
        let found = imports(&[
            ("src/lib.rs", "mod a;\nmod b;\n"),
            (
                "src/a.rs",
                "use crate::b::c::Item;\nfn f() { super::b::g(); }\n",
            ),
            ("src/b/mod.rs", "mod c;\n"),
            ("src/b/c.rs", "use std::fs;\n"),
        ]);
        assert_eq!(found, ["a.rs:1 b/c.rs", "a.rs:2 b/mod.rs"]);
    }

    #[test]
    fn a_parent_that_declares_and_re_exports_is_imported_by_no_child() {
        let parent = ("src/lib.rs", "mod a;\nmod b;\npub use a::A;\n");
        let siblings = imports(&[parent, ("src/a.rs", "use super::b::B;\n"), ("src/b.rs", "")]);
        assert_eq!(siblings, ["a.rs:1 b.rs", "lib.rs:3 a.rs"]);
        let through = imports(&[parent, ("src/a.rs", ""), ("src/b.rs", "use super::A;\n")]);
        assert_eq!(through, ["b.rs:1 lib.rs", "lib.rs:3 a.rs"]);
    }

    #[test]
    fn a_module_that_is_only_named_is_not_imported_but_what_is_reached_through_it() {
        let files = |body: &'static str| {
            imports(&[
                ("src/lib.rs", "mod a;\nmod b;\n"),
                ("src/a.rs", body),
                ("src/b/mod.rs", "pub mod c;\npub fn c() {}\n"),
                ("src/b/c.rs", ""),
            ])
        };
        assert_eq!(files("use crate::b;\n"), [""; 0]);
        assert_eq!(
            files("use crate::b;\nfn f() { b::c::g() }\n"),
            ["a.rs:2 b/c.rs"]
        );
        assert_eq!(
            files("use crate::b;\nfn f() { b::g() }\n"),
            ["a.rs:2 b/mod.rs"]
        );
        assert_eq!(
            files("use crate::b::c;\nfn f() { c() }\n"),
            ["a.rs:2 b/mod.rs"]
        );
        assert_eq!(files("pub use crate::b::c;\n"), ["a.rs:1 b/c.rs"]);
    }

    #[test]
    fn paths_to_other_crates_are_complete() {
        let sources = sources(&[(
            "src/lib.rs",
            "use std::io;\nuse tokio::{signal as s};\nfn f() { io::stdout(); s::ctrl_c(); }\n",
        )]);
        let modules = Modules::new("x", "src/lib.rs", &sources);
        let found: Vec<_> = modules
            .external_paths()
            .into_iter()
            .map(|(_, path, _)| path.join("::"))
            .collect();
        let expected = [
            "std::io",
            "tokio::signal",
            "std::io::stdout",
            "tokio::signal::ctrl_c",
        ];
        assert_eq!(found, expected);
    }
}
