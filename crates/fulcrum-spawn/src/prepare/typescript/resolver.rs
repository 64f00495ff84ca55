//! Resolves imports: as Node does, and where Node finds nothing, or a `tsconfig.json` says so, as
//! TypeScript does.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use oxc_resolver::{ResolveError, ResolveOptions, Resolver};

use super::tsconfig::{Tsconfig, normalize};

/// What decides how all imports of a domain are resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::prepare) struct NodeResolution {
    /// `--conditions`, besides those that Node has itself.
    pub(in crate::prepare) conditions: Vec<String>,
    /// `--preserve-symlinks`.
    pub(in crate::prepare) preserve_symlinks: bool,
    /// Whether Node can `require` an ECMAScript module, and so has the condition `module-sync`.
    pub(in crate::prepare) requires_modules: bool,
}

/// The algorithm that resolves a specifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::prepare) enum Via {
    /// That of `import` and `import()`.
    Import,
    /// That of `require`, also for the static imports of a file that becomes CommonJS.
    Require,
}

/// What a specifier means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A file (real path) that does not belong to an installed package, and that Node finds itself.
    NodeFile(PathBuf),
    /// A file (real path) that does not belong to an installed package.
    File(PathBuf),
    /// A file of an installed package that Node would not find, or not in this place.
    Package(PathBuf),
    /// Node resolves it: a built-in module, an installed package, a URL.
    Node,
    /// There is no such file; Node reports it.
    Missing,
}

impl Target {
    /// The file of the table; `None` for what is left to Node.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::NodeFile(path) | Self::Package(path) => Some(path),
            Self::Node | Self::Missing => None,
        }
    }
}

/// The file that imports.
#[derive(Debug, Clone, Copy)]
pub(super) struct Importer<'a> {
    pub(super) path: &'a Path,
    /// TypeScript, or JSX, which is no less compiled. JavaScript means what it means to Node, as far
    /// as Node finds it.
    pub(super) is_compiled: bool,
    pub(super) tsconfig: Option<&'a Tsconfig>,
}

/// One way of looking files up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Lookup {
    /// Node's.
    Node,
    /// TypeScript before JavaScript: `./x.js` is `x.ts`, if that exists.
    TypeScript,
    /// JavaScript before TypeScript.
    JavaScript,
}

/// A way of looking files up, with the conditions of a configuration.
type Variant = (Lookup, Via, Vec<String>);

/// Resolves the imports of files. Remembers what it has seen of the file system, so it is made anew for
/// each scan.
pub(super) struct ImportResolver {
    base: Resolver,
    resolution: NodeResolution,
    variants: Mutex<HashMap<Variant, Arc<Resolver>>>,
    packages: Mutex<HashMap<(PathBuf, String, Via), bool>>,
}

impl ImportResolver {
    pub(super) fn new(resolution: &NodeResolution) -> Self {
        let options = ResolveOptions {
            symlinks: !resolution.preserve_symlinks,
            // It is an environment variable of this process, not of the domain's.
            node_path: false,
            ..ResolveOptions::default()
        };
        Self {
            base: Resolver::new(options),
            resolution: resolution.clone(),
            variants: Mutex::default(),
            packages: Mutex::default(),
        }
    }

    /// The resolver whose knowledge of the file system is shared.
    pub(super) fn base(&self) -> &Resolver {
        &self.base
    }

    /// Resolves a specifier of a file.
    pub(super) fn resolve(&self, from: Importer<'_>, specifier: &str, via: Via) -> Target {
        let Some(dir) = from.path.parent() else {
            return Target::Missing;
        };
        let specifier = match via {
            Via::Import => without_query(specifier),
            Via::Require => specifier,
        };
        if specifier.is_empty() || has_other_scheme(specifier) {
            return Target::Node;
        }
        let is_path = is_path(specifier);
        if !is_path && self.is_builtin(specifier) {
            return Target::Node;
        }
        let changes = |config: &&Tsconfig| !is_path && config.changes_resolution();
        let is_plain = !from.is_compiled || from.tsconfig.filter(changes).is_none();
        if is_plain && !is_path && self.is_installed(dir, specifier, via) {
            return Target::Node;
        }
        if !from.is_compiled
            && let Some(found) = self.look_up(Lookup::Node, dir, specifier, via, &[])
        {
            return if is_installed(&found) {
                Target::Node
            } else {
                Target::NodeFile(found)
            };
        }
        self.resolve_like_typescript(from, dir, specifier, via)
    }

    fn resolve_like_typescript(
        &self,
        from: Importer<'_>,
        dir: &Path,
        specifier: &str,
        via: Via,
    ) -> Target {
        let lookup = if from.is_compiled {
            Lookup::TypeScript
        } else {
            Lookup::JavaScript
        };
        let conditions = from.tsconfig.map(Tsconfig::conditions).unwrap_or_default();
        let find = |specifier: &str| self.look_up(lookup, dir, specifier, via, conditions);
        let find_path = |path: &PathBuf| find(path.to_str()?);
        let is_path = is_path(specifier);
        let alias = || {
            let aliases = from.tsconfig.filter(|config| config.has_aliases())?;
            let candidates = aliases.alias_candidates(specifier);
            candidates.iter().find_map(find_path)
        };
        let in_other_root = || {
            let roots = from.tsconfig.map(Tsconfig::root_dirs).unwrap_or_default();
            let candidates = root_candidates(roots, &normalize(&dir.join(specifier)));
            candidates.iter().find_map(find_path)
        };
        let found = if specifier.starts_with('#') {
            find(specifier)
        } else if is_path {
            find(specifier)
                .or_else(|| find(&percent_decoded(specifier, via)?))
                .or_else(in_other_root)
        } else {
            alias().or_else(|| find(specifier))
        };
        let Some(found) = found else {
            return Target::Missing;
        };
        if !is_installed(&found) {
            return Target::File(found);
        }
        let by_node = self.look_up(Lookup::Node, dir, specifier, via, &[]);
        if by_node.as_deref() == Some(&found) {
            return Target::Node;
        }
        // Installed packages are run as they are, so their files are those that Node finds.
        let with_conditions = self.look_up(Lookup::Node, dir, specifier, via, conditions);
        match with_conditions.filter(|_| alias().is_none()) {
            Some(path) if by_node.as_ref() == Some(&path) => Target::Node,
            Some(path) => target(path),
            None => Target::Package(found),
        }
    }

    /// Whether Node finds a bare specifier in an installed package.
    fn is_installed(&self, dir: &Path, specifier: &str, via: Via) -> bool {
        let key = (dir.to_owned(), specifier.to_owned(), via);
        let known = self.packages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&key) {
            return *known;
        }
        drop(known);
        let found = self.look_up(Lookup::Node, dir, specifier, via, &[]);
        let result = found.is_some_and(|path| is_installed(&path));
        let mut known = self.packages.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, result);
        result
    }

    fn is_builtin(&self, specifier: &str) -> bool {
        if specifier.starts_with("node:") {
            return true;
        }
        // Names of packages are looked up often, and those of built-in modules have none of these.
        let is_name = specifier
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b"_/0123456789".contains(&b));
        let from_root = || {
            let builtin = self.variant(Lookup::Node, Via::Import, &[]);
            builtin.resolve("/", specifier)
        };
        is_name && matches!(from_root(), Err(ResolveError::Builtin { .. }))
    }

    fn look_up(
        &self,
        lookup: Lookup,
        dir: &Path,
        specifier: &str,
        via: Via,
        conditions: &[String],
    ) -> Option<PathBuf> {
        let resolver = self.variant(lookup, via, conditions);
        let found = resolver.resolve(dir, specifier).ok()?;
        let path = found.into_path_buf();
        // Keys of the table and lines of reports are text.
        path.to_str().is_some().then_some(path)
    }

    fn variant(&self, lookup: Lookup, via: Via, conditions: &[String]) -> Arc<Resolver> {
        let mut variants = self.variants.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (lookup, via, conditions.to_vec());
        let make = || {
            Arc::new(
                self.base
                    .clone_with_options(self.options(lookup, via, conditions)),
            )
        };
        Arc::clone(variants.entry(key).or_insert_with(make))
    }

    fn options(&self, lookup: Lookup, via: Via, conditions: &[String]) -> ResolveOptions {
        let own = match via {
            Via::Import => "import",
            Via::Require => "require",
        };
        let mut names = vec!["node".to_owned(), own.to_owned(), "node-addons".to_owned()];
        if self.resolution.requires_modules {
            names.push("module-sync".to_owned());
        }
        names.extend(self.resolution.conditions.iter().cloned());
        names.extend(conditions.iter().cloned());
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let aliases = |list: &[(&str, &[&str])]| {
            let list = list.iter();
            list.map(|(written, tried)| ((*written).to_owned(), owned(tried)))
                .collect()
        };
        let (extensions, extension_alias) = match lookup {
            Lookup::Node => (owned(&[".js", ".json", ".node"]), Vec::new()),
            Lookup::TypeScript => (owned(TYPESCRIPT_FIRST), aliases(TYPESCRIPT_ALIASES)),
            Lookup::JavaScript => (owned(JAVASCRIPT_FIRST), aliases(JAVASCRIPT_ALIASES)),
        };
        ResolveOptions {
            condition_names: names,
            extensions,
            extension_alias,
            fully_specified: lookup == Lookup::Node && via == Via::Import,
            builtin_modules: lookup == Lookup::Node,
            ..self.base.options().clone()
        }
    }
}

/// The extensions that are tried, in order.
const TYPESCRIPT_FIRST: &[&str] = &[
    ".ts", ".tsx", ".js", ".jsx", ".mts", ".cts", ".mjs", ".cjs", ".json", ".node",
];
const JAVASCRIPT_FIRST: &[&str] = &[
    ".js", ".json", ".node", ".ts", ".tsx", ".jsx", ".mts", ".cts", ".mjs", ".cjs",
];

/// The extensions that a written one may mean, in order.
const TYPESCRIPT_ALIASES: &[(&str, &[&str])] = &[
    (".js", &[".ts", ".tsx", ".js"]),
    (".mjs", &[".mts", ".mjs"]),
    (".cjs", &[".cts", ".cjs"]),
    (".jsx", &[".tsx", ".jsx"]),
];
const JAVASCRIPT_ALIASES: &[(&str, &[&str])] = &[
    (".js", &[".js", ".ts", ".tsx"]),
    (".mjs", &[".mjs", ".mts"]),
    (".cjs", &[".cjs", ".cts"]),
    (".jsx", &[".jsx", ".tsx"]),
];

fn target(path: PathBuf) -> Target {
    if is_installed(&path) {
        Target::Package(path)
    } else {
        Target::File(path)
    }
}

/// Whether a file belongs to an installed package, by its real path.
pub(in crate::prepare) fn is_installed(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str() == "node_modules")
}

/// Whether a specifier is a path or a `file:` URL.
pub(super) fn is_path(specifier: &str) -> bool {
    ["./", "../", "/", "file:"]
        .iter()
        .any(|prefix| specifier.starts_with(prefix))
        || matches!(specifier, "." | "..")
}

/// Whether a specifier is a URL that is no file, such as `data:` or `https:`.
fn has_other_scheme(specifier: &str) -> bool {
    specifier.split_once(':').is_some_and(|(scheme, _)| {
        !matches!(scheme, "file" | "node")
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

/// A specifier of an ECMAScript module is a URL: its query is no part of the file's name. A `#` at its
/// start is that of a name in `imports` of `package.json`.
pub(super) fn without_query(specifier: &str) -> &str {
    let name_end = specifier.strip_prefix('#').map_or(0, |_| 1);
    let end = specifier[name_end..].find(['?', '#']);
    end.map_or(specifier, |end| &specifier[..name_end + end])
}

/// A specifier of an ECMAScript module may have escaped characters.
fn percent_decoded(specifier: &str, via: Via) -> Option<String> {
    if via == Via::Require || !specifier.contains('%') || specifier.starts_with("file:") {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = specifier.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Where a path may be besides: below the other roots, if it is below one of them.
fn root_candidates(roots: &[PathBuf], path: &Path) -> Vec<PathBuf> {
    let own = roots
        .iter()
        .filter(|root| path.starts_with(root))
        .max_by_key(|root| root.as_os_str().len());
    let Some((own, below)) = own.and_then(|own| Some((own, path.strip_prefix(own).ok()?))) else {
        return Vec::new();
    };
    let others = roots.iter().filter(|root| *root != own);
    others.map(|root| root.join(below)).collect()
}

#[cfg(test)]
mod tests;
