//! What decides the meaning of a file besides its text: its package and its `tsconfig.json`.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use oxc_resolver::Resolver;

use super::compile_options::{CompileOptions, Decorators, FileKind, Jsx};
use super::strip::StripError;
use super::tsconfig::{self, TSCONFIG, Tsconfig};
use crate::StartError;
use crate::prepare::package_json::PackageJson;

/// Marks the root of a repository, above which no `tsconfig.json` applies.
const REPOSITORY_MARKS: [&str; 3] = [".git", ".hg", ".jj"];

/// The `type` of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PackageType {
    Module,
    CommonJs,
}

/// What applies to the files of a directory.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// The `type` of the nearest `package.json`.
    pub(super) package_type: Option<PackageType>,
    /// The nearest `tsconfig.json`.
    pub(super) tsconfig: Option<Arc<Tsconfig>>,
}

/// Why a file cannot be compiled.
#[derive(Debug, Clone)]
pub(in crate::prepare) enum FileError {
    /// The file, or a `tsconfig.json` that applies to it, has an error or cannot be read.
    Source(Box<StripError>),
    /// The `package.json` that applies to it is invalid.
    Package(StartError),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Package(failure) => failure.message.fmt(f),
        }
    }
}

impl From<StripError> for FileError {
    fn from(error: StripError) -> Self {
        Self::Source(Box::new(error))
    }
}

/// Reads the surroundings of directories, each file once.
pub(super) struct SurroundingsReader<'a> {
    resolver: &'a Resolver,
    known: Mutex<Known>,
}

/// What was read, by directory, and configurations by path.
#[derive(Default)]
struct Known {
    package_types: HashMap<PathBuf, Option<PackageType>>,
    tsconfig_paths: HashMap<PathBuf, Option<PathBuf>>,
    tsconfigs: HashMap<PathBuf, Arc<Tsconfig>>,
}

impl<'a> SurroundingsReader<'a> {
    /// The resolver is for packages that a `tsconfig.json` extends.
    pub(super) fn new(resolver: &'a Resolver) -> Self {
        Self {
            resolver,
            known: Mutex::default(),
        }
    }

    /// The surroundings of the files in `dir`.
    ///
    /// # Errors
    /// A `package.json` or `tsconfig.json` that applies is invalid.
    pub(super) fn of_dir(&self, dir: &Path) -> Result<Surroundings, FileError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let package_type = nearest(&mut known.package_types, dir, |dir| {
            // A package ends at its `node_modules`.
            let ends = dir.file_name() == Some(OsStr::new("node_modules"));
            let package = PackageJson::in_dir(dir).map_err(FileError::Package)?;
            Ok(match package {
                Some(package) => Nearest::Here(package_type(&package)),
                None if ends => Nearest::Here(None),
                None => Nearest::Above,
            })
        })?;
        let path = nearest(&mut known.tsconfig_paths, dir, |dir| {
            let path = dir.join(TSCONFIG);
            Ok(if path.is_file() {
                Nearest::Here(Some(path))
            } else if is_repository_root(dir) {
                Nearest::Here(None)
            } else {
                Nearest::Above
            })
        })?;
        let tsconfig = match path {
            None => None,
            Some(path) => Some(match known.tsconfigs.get(&path) {
                Some(tsconfig) => Arc::clone(tsconfig),
                None => {
                    let tsconfig = Arc::new(tsconfig::load(&path, self.resolver)?);
                    known.tsconfigs.insert(path, Arc::clone(&tsconfig));
                    tsconfig
                }
            }),
        };
        Ok(Surroundings {
            package_type,
            tsconfig,
        })
    }

    /// The configurations that apply to files whose surroundings were read.
    pub(super) fn tsconfigs(&self) -> Vec<Arc<Tsconfig>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.tsconfigs.values().cloned().collect()
    }
}

/// What a directory says.
enum Nearest<T> {
    Here(Option<T>),
    /// What the directory above says.
    Above,
}

/// What the nearest directory from `dir` upward says.
fn nearest<T: Clone>(
    known: &mut HashMap<PathBuf, Option<T>>,
    dir: &Path,
    read: impl Fn(&Path) -> Result<Nearest<T>, FileError>,
) -> Result<Option<T>, FileError> {
    let mut passed = Vec::new();
    let mut result = None;
    for dir in dir.ancestors() {
        if let Some(known) = known.get(dir) {
            result = known.clone();
            break;
        }
        passed.push(dir);
        if let Nearest::Here(here) = read(dir)? {
            result = here;
            break;
        }
    }
    let passed = passed.into_iter();
    known.extend(passed.map(|dir| (dir.to_owned(), result.clone())));
    Ok(result)
}

/// Whether a directory is the root of a repository.
pub(in crate::prepare) fn is_repository_root(dir: &Path) -> bool {
    REPOSITORY_MARKS.iter().any(|mark| dir.join(mark).exists())
}

fn package_type(package: &PackageJson) -> Option<PackageType> {
    match package.r#type.as_str() {
        Some("module") => Some(PackageType::Module),
        Some("commonjs") => Some(PackageType::CommonJs),
        _ => None,
    }
}

/// The extension of a path.
pub(super) fn extension(path: &Path) -> &str {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.unwrap_or_default()
}

/// Whether a file is TypeScript, by its extension.
pub(in crate::prepare) fn is_typescript(path: &Path) -> bool {
    matches!(extension(path), "ts" | "tsx" | "mts" | "cts")
}

/// Whether Node runs a file as it is if it has no syntax for which it is compiled.
pub(super) fn is_javascript(path: &Path) -> bool {
    matches!(extension(path), "js" | "mjs" | "cjs")
}

/// Whether a file may have JSX, by its extension.
fn may_have_jsx(path: &Path) -> bool {
    matches!(extension(path), "tsx" | "jsx")
}

/// Whether a file is compiled whatever its syntax is.
pub(in crate::prepare) fn is_always_compiled(path: &Path) -> bool {
    is_typescript(path) || extension(path) == "jsx"
}

impl Surroundings {
    /// The kind of a file in this directory.
    pub(super) fn kind(&self, path: &Path) -> FileKind {
        match (extension(path), self.package_type) {
            ("mts" | "mjs", _) => FileKind::Module,
            ("cts" | "cjs", _) => FileKind::CommonJs,
            (_, Some(PackageType::Module)) => FileKind::Module,
            (_, Some(PackageType::CommonJs)) => FileKind::CommonJs,
            // Node detects a module by its syntax.
            ("js", None) => FileKind::Module,
            _ => FileKind::CommonJsUnlessTopLevelAwait,
        }
    }

    /// The options for a file in this directory. Those that cannot matter have their default value, so
    /// that equal files share a cached result.
    pub(super) fn options(&self, path: &Path, lower_using: bool) -> CompileOptions {
        let kind = self.kind(path);
        let tsconfig = self.tsconfig.as_deref();
        if is_javascript(path) {
            return CompileOptions {
                kind,
                define_fields: true,
                decorators: Decorators::Standard,
                jsx: Jsx::default(),
                verbatim_module_syntax: true,
                lower_using: false,
            };
        }
        CompileOptions {
            kind,
            define_fields: tsconfig.is_none_or(Tsconfig::defines_fields),
            decorators: tsconfig.map_or(Decorators::Standard, Tsconfig::decorators),
            jsx: tsconfig
                .filter(|_| may_have_jsx(path))
                .map_or_else(Jsx::default, Tsconfig::jsx),
            // JavaScript has no types, so all its imports are meant.
            verbatim_module_syntax: !is_typescript(path)
                || tsconfig.is_some_and(Tsconfig::keeps_imports),
            lower_using,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use oxc_resolver::ResolveOptions;

    use super::*;

    #[test]
    fn the_extension_decides_before_the_package() {
        let kind = |name: &str, package_type| {
            let surroundings = Surroundings {
                package_type,
                tsconfig: None,
            };
            surroundings.kind(Path::new(name))
        };
        let (module, commonjs) = (Some(PackageType::Module), Some(PackageType::CommonJs));
        for name in ["a.mts", "a.mjs"] {
            assert_eq!(kind(name, commonjs), FileKind::Module, "{name}");
        }
        for name in ["a.cts", "a.cjs"] {
            assert_eq!(kind(name, module), FileKind::CommonJs, "{name}");
        }
        for name in ["a.ts", "a.tsx", "a.jsx"] {
            assert_eq!(kind(name, module), FileKind::Module, "{name}");
            assert_eq!(kind(name, commonjs), FileKind::CommonJs, "{name}");
            assert_eq!(kind(name, None), FileKind::CommonJsUnlessTopLevelAwait);
        }
        assert_eq!(kind("a.js", None), FileKind::Module);
        assert_eq!(kind("a.js", commonjs), FileKind::CommonJs);
    }

    #[test]
    fn the_nearest_files_apply_up_to_the_root_of_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("tsconfig.json", "{}");
        write("package.json", r#"{"type": "module"}"#);
        write("repo/.git/HEAD", "");
        write("repo/app/tsconfig.json", "{}");
        write("repo/app/package.json", r#"{"type": "commonjs"}"#);
        write("repo/app/lib/package.json", "{}");
        write("repo/app/node_modules/p/a.js", "");
        let resolver = Resolver::new(ResolveOptions::default());
        let reader = SurroundingsReader::new(&resolver);
        let of = |name: &str| {
            let found = reader.of_dir(&root.join(name)).unwrap();
            let tsconfig = found.tsconfig.map(|config| config.files[0].clone());
            (found.package_type, tsconfig)
        };
        let (module, commonjs) = (Some(PackageType::Module), Some(PackageType::CommonJs));
        let (outer, inner) = (root.join(TSCONFIG), root.join("repo/app/tsconfig.json"));
        assert_eq!(of("other/deep"), (module, Some(outer)));
        assert_eq!(of("repo"), (module, None));
        assert_eq!(of("repo/app/src"), (commonjs, Some(inner.clone())));
        assert_eq!(of("repo/app/lib"), (None, Some(inner.clone())));
        assert_eq!(of("repo/app/node_modules/p"), (None, Some(inner)));
    }
}
