//! Reads a `tsconfig.json` and what it extends.

use std::fs;
use std::path::{Path, PathBuf};

use oxc_resolver::{ResolveOptions, Resolver};
use serde_json::{Map, Value};

use super::effective::{TSCONFIG, Tsconfig, normalize};
use super::json::{parse, position_of};
use crate::prepare::typescript::position::{Position, line_text};
use crate::prepare::typescript::strip::{StripError, StripErrorKind};

/// The variable for the directory of the file that is looked up.
const CONFIG_DIR: &str = "${configDir}";

/// Reads the effective configuration of a `tsconfig.json` (absolute). The resolver is for packages
/// that it extends; its cache is used.
///
/// # Errors
/// A file cannot be read or has a syntax error, or is extended by itself; with file, line and column.
pub(in crate::prepare::typescript) fn load(
    path: &Path,
    resolver: &Resolver,
) -> Result<Tsconfig, StripError> {
    let dir = path.parent().unwrap_or(path);
    let mut loader = Loader {
        packages: resolver.clone_with_options(ResolveOptions {
            condition_names: vec!["node".into(), "import".into(), "require".into()],
            extensions: vec![".json".into()],
            main_fields: vec!["tsconfig".into()],
            main_files: vec!["tsconfig".into()],
            node_path: false,
            ..ResolveOptions::default()
        }),
        config_dir: dir.to_owned(),
        open: Vec::new(),
        files: Vec::new(),
    };
    let text = read(path).map_err(|message| error_at(path, "", START, message))?;
    let mut config = loader.load(path, &text)?;
    config.files = loader.files;
    config.typescript = installed_typescript(dir);
    Ok(config)
}

/// The major version of the TypeScript that is installed in a directory or above it.
fn installed_typescript(dir: &Path) -> Option<u64> {
    let package = dir.ancestors().find_map(|dir| {
        let package = dir.join("node_modules").join("typescript");
        fs::read(package.join("package.json")).ok()
    })?;
    let package: Value = serde_json::from_slice(&package).ok()?;
    let version = package.get("version")?.as_str()?;
    version.split('.').next()?.parse().ok()
}

const START: Position = Position { line: 1, column: 1 };

struct Loader {
    packages: Resolver,
    /// The value of `${configDir}`.
    config_dir: PathBuf,
    /// The files that are being read, each extended by the one before.
    open: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Loader {
    fn load(&mut self, path: &Path, text: &str) -> Result<Tsconfig, StripError> {
        if !self.files.iter().any(|file| file == path) {
            self.files.push(path.to_owned());
        }
        let value =
            parse(text).map_err(|(at, message)| error_at(path, text, at, message.clone()))?;
        let dir = path.parent().unwrap_or(path);
        let mut config = self.read_options(&value, dir);
        self.open.push(path.to_owned());
        // Of several the later ones take precedence.
        for specifier in extended(&value).into_iter().rev() {
            let base = self.load_extended(path, text, specifier)?;
            config = config.or(base);
        }
        self.open.pop();
        Ok(config)
    }

    fn load_extended(
        &mut self,
        path: &Path,
        text: &str,
        specifier: &str,
    ) -> Result<Tsconfig, StripError> {
        let fail = |message: String| {
            let at = position_of(text, "extends", specifier);
            error_at(path, text, at, message)
        };
        let dir = path.parent().unwrap_or(path);
        let target = self.find_extended(dir, specifier).ok_or_else(|| {
            fail(format!(
                "extends {specifier:?}, which does not exist; correct the name, or install the package"
            ))
        })?;
        if self.open.contains(&target) {
            let circle = self.open.iter().skip_while(|file| **file != target);
            let circle: Vec<_> = circle.map(|file| file.display().to_string()).collect();
            return Err(fail(format!(
                "extends itself: {} -> {}; remove one of the `extends`",
                circle.join(" -> "),
                target.display()
            )));
        }
        let base = read(&target)
            .map_err(|message| fail(format!("extends {specifier:?}, which {message}")))?;
        self.load(&target, &base)
    }

    /// The file that is extended: by its path, where `.json` may be left out, or from a package.
    fn find_extended(&self, dir: &Path, specifier: &str) -> Option<PathBuf> {
        let specifier = self.expand(specifier);
        let is_path = specifier.starts_with('.') || specifier.starts_with('/');
        if !is_path {
            let found = self.packages.resolve(dir, &specifier).ok()?;
            return Some(found.into_path_buf());
        }
        let path = normalize(&dir.join(&specifier));
        let mut with_extension = path.clone().into_os_string();
        with_extension.push(".json");
        let candidates = [path.clone(), with_extension.into(), path.join(TSCONFIG)];
        candidates.into_iter().find(|path| path.is_file())
    }

    fn expand(&self, text: &str) -> String {
        match text.strip_prefix(CONFIG_DIR) {
            Some(rest) => format!("{}{rest}", self.config_dir.display()),
            None => text.to_owned(),
        }
    }

    fn read_options(&self, value: &Value, dir: &Path) -> Tsconfig {
        let empty = Map::new();
        let options = value.get("compilerOptions").and_then(Value::as_object);
        let options = options.unwrap_or(&empty);
        let text = |key: &str| options.get(key).and_then(Value::as_str).map(str::to_owned);
        let flag = |key: &str| options.get(key).and_then(Value::as_bool);
        let absolute = |path: &str| normalize(&dir.join(self.expand(path)));
        let list = |key: &str| options.get(key).map(strings);
        Tsconfig {
            files: Vec::new(),
            typescript: None,
            target: text("target"),
            module: text("module"),
            strict: flag("strict"),
            strict_null_checks: flag("strictNullChecks"),
            use_define_for_class_fields: flag("useDefineForClassFields"),
            experimental_decorators: flag("experimentalDecorators"),
            emit_decorator_metadata: flag("emitDecoratorMetadata"),
            verbatim_module_syntax: flag("verbatimModuleSyntax")
                .or_else(|| flag("preserveValueImports")),
            jsx: text("jsx"),
            jsx_import_source: text("jsxImportSource"),
            jsx_factory: text("jsxFactory"),
            jsx_fragment_factory: text("jsxFragmentFactory"),
            custom_conditions: list("customConditions")
                .map(|list| list.into_iter().map(str::to_owned).collect()),
            base_url: text("baseUrl").map(|path| absolute(&path)),
            paths: options
                .get("paths")
                .and_then(Value::as_object)
                .map(|paths| self.read_paths(paths)),
            paths_dir: dir.to_owned(),
            root_dirs: list("rootDirs").map(|list| list.into_iter().map(absolute).collect()),
        }
    }

    fn read_paths(&self, paths: &Map<String, Value>) -> Vec<(String, Vec<String>)> {
        let read = |(pattern, targets): (&String, &Value)| {
            let targets = strings(targets);
            let targets = targets.into_iter().map(|target| self.expand(target));
            (pattern.clone(), targets.collect())
        };
        paths.iter().map(read).collect()
    }
}

impl Tsconfig {
    /// This configuration, with what it lacks from `base`.
    fn or(self, base: Self) -> Self {
        let (paths, paths_dir) = match self.paths {
            Some(paths) => (Some(paths), self.paths_dir),
            None => (base.paths, base.paths_dir),
        };
        Self {
            files: self.files,
            typescript: self.typescript,
            target: self.target.or(base.target),
            module: self.module.or(base.module),
            strict: self.strict.or(base.strict),
            strict_null_checks: self.strict_null_checks.or(base.strict_null_checks),
            use_define_for_class_fields: self
                .use_define_for_class_fields
                .or(base.use_define_for_class_fields),
            experimental_decorators: self
                .experimental_decorators
                .or(base.experimental_decorators),
            emit_decorator_metadata: self
                .emit_decorator_metadata
                .or(base.emit_decorator_metadata),
            verbatim_module_syntax: self.verbatim_module_syntax.or(base.verbatim_module_syntax),
            jsx: self.jsx.or(base.jsx),
            jsx_import_source: self.jsx_import_source.or(base.jsx_import_source),
            jsx_factory: self.jsx_factory.or(base.jsx_factory),
            jsx_fragment_factory: self.jsx_fragment_factory.or(base.jsx_fragment_factory),
            custom_conditions: self.custom_conditions.or(base.custom_conditions),
            base_url: self.base_url.or(base.base_url),
            paths,
            paths_dir,
            root_dirs: self.root_dirs.or(base.root_dirs),
        }
    }
}

/// What a configuration extends, in its order.
fn extended(value: &Value) -> Vec<&str> {
    value.get("extends").map(strings).unwrap_or_default()
}

/// A string, or the strings of an array.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

fn error_at(path: &Path, text: &str, at: Position, message: String) -> StripError {
    StripError {
        file: path.to_owned(),
        line: at.line,
        column: at.column,
        message,
        kind: StripErrorKind::Syntax,
        source_line: line_text(text, at.line),
    }
}

#[cfg(test)]
mod tests;
