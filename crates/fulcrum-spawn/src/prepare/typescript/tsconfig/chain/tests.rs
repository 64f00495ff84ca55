//! What a configuration extends, and what is wrong with it.

use super::*;
use crate::prepare::typescript::compile_options::Decorators;

struct Dir(tempfile::TempDir);

impl Dir {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = dir.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn load(&self, name: &str) -> Result<Tsconfig, StripError> {
        load(&self.path(name), &Resolver::new(ResolveOptions::default()))
    }

    fn error(&self) -> String {
        let error = self.load("tsconfig.json").unwrap_err().to_string();
        let root = format!("{}/", self.path("").display());
        error
            .replace(root.trim_end_matches('/'), "")
            .replace("//", "/")
    }
}

#[test]
fn later_bases_take_precedence_and_the_file_itself_over_them() {
    let dir = Dir::new(&[
        (
            "tsconfig.json",
            r#"{"extends": ["./a", "./conf/b.json"], "compilerOptions": {"target": "es2022"}}"#,
        ),
        (
            "a.json",
            r#"{"compilerOptions": {"target": "es5", "jsx": "react", "experimentalDecorators": true,
                "paths": {"x": ["./x"]}, "baseUrl": "lib"}}"#,
        ),
        (
            "conf/b.json",
            r#"{"extends": "../c.json", "compilerOptions": {"jsx": "react-jsx", "paths": {"y": ["./y"]}}}"#,
        ),
        (
            "c.json",
            r#"{"compilerOptions": {"customConditions": ["dev"], "rootDirs": ["${configDir}/gen", "src"]}}"#,
        ),
    ]);
    let config = dir.load("tsconfig.json").unwrap();
    assert_eq!(config.target.as_deref(), Some("es2022"));
    assert_eq!(config.jsx.as_deref(), Some("react-jsx"));
    assert_eq!(
        config.decorators(),
        Decorators::Legacy {
            metadata: false,
            strict_null_checks: false,
        }
    );
    assert_eq!(config.conditions(), ["dev"]);
    assert_eq!(config.root_dirs(), [dir.path("gen"), dir.path("src")]);
    assert_eq!(config.alias_candidates("x"), [dir.path("lib/x")]);
    assert_eq!(
        config.alias_candidates("y"),
        [dir.path("lib/y"), dir.path("lib/y")],
        "a base URL is the base of all paths"
    );
    let files = ["tsconfig.json", "conf/b.json", "c.json", "a.json"];
    assert_eq!(config.files, files.map(|name| dir.path(name)));
}

#[test]
fn paths_are_relative_to_the_file_that_has_them() {
    let dir = Dir::new(&[
        ("tsconfig.json", r#"{"extends": "./conf/base"}"#),
        (
            "conf/base.json",
            r#"{"compilerOptions": {"paths": {"@/*": ["../src/*", "${configDir}/gen/*"]}}}"#,
        ),
    ]);
    let config = dir.load("tsconfig.json").unwrap();
    assert_eq!(
        config.alias_candidates("@/a"),
        [dir.path("src/a"), dir.path("gen/a")]
    );
}

#[test]
fn packages_are_extended_by_their_exports_field_or_file() {
    let dir = Dir::new(&[
        (
            "tsconfig.json",
            r#"{"extends": ["@tsconfig/node20/tsconfig.json", "plain", "exporting/strict", "field"]}"#,
        ),
        (
            "node_modules/@tsconfig/node20/tsconfig.json",
            r#"{"compilerOptions": {"target": "es2021"}}"#,
        ),
        (
            "node_modules/plain/tsconfig.json",
            r#"{"compilerOptions": {"jsx": "react"}}"#,
        ),
        (
            "node_modules/exporting/package.json",
            r#"{"exports": {"./strict": "./conf.json"}}"#,
        ),
        (
            "node_modules/exporting/conf.json",
            r#"{"compilerOptions": {"jsxFactory": "h"}}"#,
        ),
        (
            "node_modules/field/package.json",
            r#"{"main": "index.js", "tsconfig": "base.json"}"#,
        ),
        ("node_modules/field/index.js", ""),
        (
            "node_modules/field/base.json",
            r#"{"compilerOptions": {"verbatimModuleSyntax": true}}"#,
        ),
    ]);
    let config = dir.load("tsconfig.json").unwrap();
    assert_eq!(config.files.len(), 5, "{:?}", config.files);
    assert!(!config.defines_fields() && config.keeps_imports());
    assert_eq!(config.jsx().factory.as_deref(), Some("h"));
}

#[test]
fn errors_have_their_place() {
    let dir = Dir::new(&[(
        "tsconfig.json",
        "{\n  \"compilerOptions\": {\n    target: 1 }\n}",
    )]);
    let error = dir.error();
    assert!(
        error.starts_with("/tsconfig.json:3:5: not valid JSON: "),
        "{error}"
    );
    let dir = Dir::new(&[("tsconfig.json", "{\n  \"extends\": \"./gone\"\n}")]);
    let error = dir.error();
    assert!(
        error.starts_with("/tsconfig.json:2:14: extends \"./gone\", which does not exist"),
        "{error}"
    );
    assert!(
        error.contains("\n      \"extends\": \"./gone\"\n"),
        "{error}"
    );
    let dir = Dir::new(&[("tsconfig.json", r#"{"extends": "@x/y"}"#)]);
    assert!(
        dir.error()
            .contains("extends \"@x/y\", which does not exist")
    );
    let dir = Dir::new(&[
        ("tsconfig.json", r#"{"extends": "./a.json"}"#),
        ("a.json", "{ \"extends\": [\"./b\"] }"),
        ("b.json", r#"{"extends": "./a.json"}"#),
    ]);
    let error = dir.error();
    assert!(
        error.starts_with("/b.json:1:13: extends itself: /a.json -> /b.json -> /a.json"),
        "{error}"
    );
    let dir = Dir::new(&[("tsconfig.json", r#"{"extends": "./tsconfig.json"}"#)]);
    assert!(dir.error().contains("extends itself"));
    let dir = Dir::new(&[
        ("tsconfig.json", r#"{"extends": "./a.json"}"#),
        ("a.json", "{\n"),
    ]);
    assert!(dir.error().starts_with("/a.json:2:"), "{}", dir.error());
}

#[test]
fn options_of_other_types_are_ignored() {
    let dir = Dir::new(&[(
        "tsconfig.json",
        r#"{"extends": 7, "compilerOptions": {"target": 5, "paths": [], "jsx": {}, "rootDirs": "x",
            "baseUrl": null, "customConditions": [1, "a"]}}"#,
    )]);
    let config = dir.load("tsconfig.json").unwrap();
    assert!(!config.has_aliases());
    assert_eq!(config.conditions(), ["a"]);
    let dir = Dir::new(&[("tsconfig.json", "[]")]);
    assert!(!dir.load("tsconfig.json").unwrap().changes_resolution());
}
