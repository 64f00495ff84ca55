//! The options of a `tsconfig.json` with all that it extends.
//!
//! Only what changes the code or a resolution is read. Options of the type checker are ignored, and so
//! is a known option with a value of another type: `tsc` reports it.

use std::path::{Path, PathBuf};

use crate::prepare::typescript::compile_options::{Decorators, Jsx, JsxMode};

/// The name of the file that is looked up.
pub(in crate::prepare) const TSCONFIG: &str = "tsconfig.json";

/// A `tsconfig.json` with all that it extends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::prepare::typescript) struct Tsconfig {
    /// The files that were read: itself, and all that it extends.
    pub(in crate::prepare::typescript) files: Vec<PathBuf>,
    /// The major version of the TypeScript that is installed for it, whose defaults apply.
    pub(super) typescript: Option<u64>,
    pub(super) target: Option<String>,
    pub(super) module: Option<String>,
    pub(super) strict: Option<bool>,
    pub(super) strict_null_checks: Option<bool>,
    pub(super) use_define_for_class_fields: Option<bool>,
    pub(super) experimental_decorators: Option<bool>,
    pub(super) emit_decorator_metadata: Option<bool>,
    pub(super) verbatim_module_syntax: Option<bool>,
    pub(super) jsx: Option<String>,
    pub(super) jsx_import_source: Option<String>,
    pub(super) jsx_factory: Option<String>,
    pub(super) jsx_fragment_factory: Option<String>,
    /// `customConditions`.
    pub(super) custom_conditions: Option<Vec<String>>,
    /// `baseUrl`, absolute.
    pub(super) base_url: Option<PathBuf>,
    /// `paths`: patterns, and their targets relative to `paths_base`.
    pub(super) paths: Option<Vec<(String, Vec<String>)>>,
    /// The directory of the file that has `paths`.
    pub(super) paths_dir: PathBuf,
    /// `rootDirs`, absolute.
    pub(super) root_dirs: Option<Vec<PathBuf>>,
}

/// Versions of ECMAScript in which class fields are part of the language are not among these.
const TARGETS_WITHOUT_FIELDS: [&str; 10] = [
    "es3", "es5", "es6", "es2015", "es2016", "es2017", "es2018", "es2019", "es2020", "es2021",
];

impl Tsconfig {
    /// Whether class fields are defined, not assigned. Without a `target`, its default decides: a new
    /// version of ECMAScript with a `module` of Node's, or since TypeScript 6.
    pub(in crate::prepare::typescript) fn defines_fields(&self) -> bool {
        self.use_define_for_class_fields
            .unwrap_or_else(|| match &self.target {
                Some(target) => {
                    !TARGETS_WITHOUT_FIELDS.contains(&target.to_ascii_lowercase().as_str())
                }
                None => self.has_defaults_of_6() || self.is_for_node(),
            })
    }

    /// Without an installed TypeScript, the defaults of the newest apply.
    fn has_defaults_of_6(&self) -> bool {
        self.typescript.is_none_or(|major| major >= 6)
    }

    fn is_for_node(&self) -> bool {
        let module = self.module.as_deref().unwrap_or_default();
        module.to_ascii_lowercase().starts_with("node")
    }

    /// The meaning of decorators.
    pub(in crate::prepare::typescript) fn decorators(&self) -> Decorators {
        if self.experimental_decorators == Some(true) {
            let metadata = self.emit_decorator_metadata == Some(true);
            let is_strict = self.strict_null_checks.or(self.strict);
            Decorators::Legacy {
                metadata,
                strict_null_checks: metadata
                    && is_strict.unwrap_or_else(|| self.has_defaults_of_6()),
            }
        } else {
            Decorators::Standard
        }
    }

    /// Whether imports without `type` stay even if they are only used as types.
    pub(in crate::prepare::typescript) fn keeps_imports(&self) -> bool {
        self.verbatim_module_syntax == Some(true)
    }

    /// The meaning of JSX. What is to be preserved for another compiler is compiled, since Node does
    /// not run it.
    pub(in crate::prepare::typescript) fn jsx(&self) -> Jsx {
        let automatic = |development| JsxMode::Automatic { development };
        let mode = match self.jsx.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("react-jsx" | "preserve" | "react-native") => automatic(false),
            Some("react-jsxdev") => automatic(true),
            None if self.jsx_import_source.is_some() => automatic(false),
            _ => JsxMode::Classic,
        };
        Jsx {
            mode,
            import_source: self.jsx_import_source.clone(),
            factory: self.jsx_factory.clone(),
            fragment_factory: self.jsx_fragment_factory.clone(),
        }
    }

    /// `customConditions`.
    pub(in crate::prepare::typescript) fn conditions(&self) -> &[String] {
        self.custom_conditions.as_deref().unwrap_or_default()
    }

    /// `rootDirs`, absolute.
    pub(in crate::prepare::typescript) fn root_dirs(&self) -> &[PathBuf] {
        self.root_dirs.as_deref().unwrap_or_default()
    }

    /// Whether a bare specifier may be an alias.
    pub(in crate::prepare::typescript) fn has_aliases(&self) -> bool {
        self.base_url.is_some() || self.paths.as_ref().is_some_and(|paths| !paths.is_empty())
    }

    /// Whether it resolves some import in another way than Node does.
    pub(in crate::prepare::typescript) fn changes_resolution(&self) -> bool {
        self.has_aliases() || !self.root_dirs().is_empty() || !self.conditions().is_empty()
    }

    /// The paths that a bare specifier may mean, in order. An exact pattern precedes patterns with
    /// `*`, of which the one with the longest text before the `*` applies; `baseUrl` comes last.
    /// Declarations are not among them: they describe the package of that name.
    pub(in crate::prepare::typescript) fn alias_candidates(&self, specifier: &str) -> Vec<PathBuf> {
        let mut candidates = Vec::new();
        let paths = self.paths.as_deref().unwrap_or_default();
        let base = self.base_url.as_deref().unwrap_or(&self.paths_dir);
        if let Some((targets, middle)) = matching_pattern(paths, specifier) {
            let targets = targets.iter().map(|target| target.replacen('*', middle, 1));
            let targets = targets.filter(|target| !is_declaration(target));
            candidates.extend(targets.map(|target| normalize(&base.join(target))));
        }
        if let Some(base_url) = &self.base_url {
            candidates.push(normalize(&base_url.join(specifier)));
        }
        candidates
    }
}

fn is_declaration(path: &str) -> bool {
    [".d.ts", ".d.mts", ".d.cts"]
        .iter()
        .any(|extension| path.ends_with(extension))
}

/// The targets of the pattern that applies, and the text that its `*` matches.
fn matching_pattern<'a, 'b>(
    paths: &'a [(String, Vec<String>)],
    specifier: &'b str,
) -> Option<(&'a [String], &'b str)> {
    if let Some((_, targets)) = paths.iter().find(|(pattern, _)| pattern == specifier) {
        return Some((targets, ""));
    }
    let matching = paths.iter().filter_map(|(pattern, targets)| {
        let (head, tail) = pattern.split_once('*')?;
        let middle = specifier.strip_prefix(head)?.strip_suffix(tail)?;
        Some((head.len(), targets.as_slice(), middle))
    });
    // Of equal ones the first applies.
    let longest = matching.reduce(|best, next| if next.0 > best.0 { next } else { best });
    longest.map(|(_, targets, middle)| (targets, middle))
}

/// Removes `.` and `..` from a path, so that it has one form.
pub(in crate::prepare::typescript) fn normalize(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                normalized.pop();
            }
            other => normalized.push(other),
        }
    }
    normalized
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_paths(paths: &[(&str, &[&str])], base_url: Option<&str>) -> Tsconfig {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let paths = paths
            .iter()
            .map(|(pattern, targets)| ((*pattern).to_owned(), owned(targets)));
        Tsconfig {
            paths: Some(paths.collect()),
            paths_dir: "/app".into(),
            base_url: base_url.map(PathBuf::from),
            ..Tsconfig::default()
        }
    }

    #[test]
    fn the_longest_pattern_applies_and_an_exact_one_precedes_it() {
        let config = with_paths(
            &[
                ("@/*", &["src/*", "./gen/*"]),
                ("@/lib/*", &["../lib/*"]),
                ("@/lib/x", &["x.ts"]),
                ("*-suffix", &["all/*"]),
            ],
            None,
        );
        let candidates = |specifier| {
            let found = config.alias_candidates(specifier);
            let found = found.iter().map(|path| path.display().to_string());
            found.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(candidates("@/a/b"), "/app/src/a/b /app/gen/a/b");
        assert_eq!(candidates("@/lib/y"), "/lib/y");
        assert_eq!(candidates("@/lib/x"), "/app/x.ts");
        assert_eq!(candidates("a-suffix"), "/app/all/a");
        assert_eq!(candidates("left-pad"), "");
    }

    #[test]
    fn without_a_target_the_installed_typescript_decides() {
        let with = |typescript, module: Option<&str>| Tsconfig {
            typescript,
            module: module.map(str::to_owned),
            experimental_decorators: Some(true),
            emit_decorator_metadata: Some(true),
            ..Tsconfig::default()
        };
        let old = with(Some(5), Some("commonjs"));
        assert!(!old.defines_fields());
        assert!(with(Some(5), Some("NodeNext")).defines_fields());
        let legacy = |strict_null_checks| Decorators::Legacy {
            metadata: true,
            strict_null_checks,
        };
        assert_eq!(old.decorators(), legacy(false));
        for newest in [with(Some(6), None), with(None, None)] {
            assert!(newest.defines_fields());
            assert_eq!(newest.decorators(), legacy(true));
        }
    }

    #[test]
    fn declarations_are_no_targets_of_aliases() {
        let config = with_paths(&[("pkg", &["types/pkg.d.ts", "lib/pkg.ts"])], None);
        assert_eq!(
            config.alias_candidates("pkg"),
            [Path::new("/app/lib/pkg.ts")]
        );
    }

    #[test]
    fn base_url_is_the_base_of_paths_and_an_alias_of_its_own() {
        let config = with_paths(&[("~/*", &["*"])], Some("/app/src"));
        let candidates = config.alias_candidates("~/a");
        assert_eq!(
            candidates,
            ["/app/src/a", "/app/src/~/a"].map(PathBuf::from)
        );
        assert_eq!(config.alias_candidates("b"), [PathBuf::from("/app/src/b")]);
    }

    #[test]
    fn fields_are_assigned_for_targets_that_lack_them() {
        let defines = |target: Option<&str>, option: Option<bool>| {
            let config = Tsconfig {
                target: target.map(str::to_owned),
                use_define_for_class_fields: option,
                ..Tsconfig::default()
            };
            config.defines_fields()
        };
        assert!(defines(None, None) && defines(Some("ES2022"), None));
        assert!(defines(Some("esnext"), None) && defines(Some("es5"), Some(true)));
        assert!(!defines(Some("ES2021"), None) && !defines(Some("es6"), None));
        assert!(!defines(Some("es2022"), Some(false)) && !defines(None, Some(false)));
    }

    #[test]
    fn preserved_jsx_is_compiled() {
        let mode = |jsx: Option<&str>, source: Option<&str>| {
            let config = Tsconfig {
                jsx: jsx.map(str::to_owned),
                jsx_import_source: source.map(str::to_owned),
                ..Tsconfig::default()
            };
            config.jsx().mode
        };
        let automatic = JsxMode::Automatic { development: false };
        assert_eq!(mode(Some("preserve"), None), automatic);
        assert_eq!(mode(Some("react-jsx"), None), automatic);
        assert_eq!(mode(None, Some("preact")), automatic);
        assert_eq!(
            mode(Some("react-jsxdev"), None),
            JsxMode::Automatic { development: true }
        );
        assert_eq!(mode(Some("react"), None), JsxMode::Classic);
        assert_eq!(mode(None, None), JsxMode::Classic);
    }
}
