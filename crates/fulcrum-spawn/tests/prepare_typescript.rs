//! The scan of a TypeScript domain before its start, and the chosen runner.
#![cfg(feature = "node")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{
    NodeOrigin, NodeProgram, NodeRuntime, PrepareContext, Runner, StartWarning, Version,
    choose_runner,
};
use serde_json::Value;

struct TestApp {
    root: tempfile::TempDir,
}

impl TestApp {
    /// An app with the domain `orders` of these files.
    fn new(files: &[(&str, &str)]) -> Self {
        let app = Self {
            root: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(app.domain()).unwrap();
        app.write("../../package.json", "{}");
        files.iter().for_each(|(name, text)| app.write(name, text));
        app
    }

    fn app(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap().join("app")
    }

    fn domain(&self) -> PathBuf {
        self.root
            .path()
            .canonicalize()
            .unwrap()
            .join("app/domains/orders")
    }

    fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.domain().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, strips_types: bool) -> Result<(Runner, Vec<StartWarning>), StartError> {
        self.run_entry("domain.ts", strips_types, &[])
    }

    fn run_entry(
        &self,
        entry: &str,
        strips_types: bool,
        node_args: &[String],
    ) -> Result<(Runner, Vec<StartWarning>), StartError> {
        let node = NodeRuntime {
            path: "/n/node".into(),
            version: Version::from((20_u64, 20_u64, 2_u64)),
            origin: NodeOrigin::Path,
            strips_types,
        };
        let (dir, app) = (self.domain(), self.app());
        let program = NodeProgram {
            name: "orders",
            entry: &dir.join(entry),
            dir: &dir,
            app_root: &app,
            node: None,
            node_args,
            args: &[],
            cwd: &dir,
            env: BTreeMap::<OsString, OsString>::new(),
            modules: None,
            parent: 1,
        };
        choose_runner(
            &program,
            &node,
            &PrepareContext::new(self.cache(), Vec::new()),
        )
    }

    /// The files of the manifest by name, and whether all are CommonJS.
    fn stripped(&self) -> (BTreeMap<String, Value>, bool) {
        let (runner, warnings) = self
            .run(false)
            .unwrap_or_else(|failure| panic!("{failure}"));
        assert!(warnings.is_empty());
        let Runner::StrippedTypes {
            manifest,
            all_commonjs,
        } = runner
        else {
            panic!("{runner:?}")
        };
        let text: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        assert_eq!(text["v"], 1);
        let files = text["files"].as_object().unwrap();
        let name = |path: &str| {
            Path::new(path)
                .strip_prefix(self.domain())
                .unwrap()
                .to_string_lossy()
                .into_owned()
        };
        (
            files
                .iter()
                .map(|(path, entry)| (name(path), entry.clone()))
                .collect(),
            all_commonjs,
        )
    }

    fn names(&self) -> Vec<String> {
        self.stripped().0.into_keys().collect()
    }

    fn cached(&self) -> usize {
        fn count(dir: &Path) -> usize {
            let entries = fs::read_dir(dir).into_iter().flatten().flatten();
            entries
                .map(|e| {
                    if e.path().is_dir() {
                        count(&e.path())
                    } else {
                        1
                    }
                })
                .sum()
        }
        count(&self.cache())
    }
}

#[test]
fn imports_are_followed_in_a_circle_and_through_javascript() {
    let app = TestApp::new(&[
        (
            "domain.ts",
            "import { b } from './b.ts';\nexport const a: number = b;\nimport('./lazy.ts');",
        ),
        (
            "b.ts",
            "import './domain.ts'; import './c.mjs'; export const b: number = 1;",
        ),
        ("c.mjs", "import './d.cts';"),
        (
            "d.cts",
            "const e: typeof import('./never.ts') = require('./e.ts');",
        ),
        ("e.ts", "import type { T } from './types.ts'; let t: T;"),
        ("lazy.ts", "export {}"),
        ("types.ts", "export type T = 1;"),
        ("never.ts", "export {}"),
        ("node_modules/p/index.ts", "enum E {}"),
    ]);
    let (files, all_commonjs) = app.stripped();
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["b.ts", "d.cts", "domain.ts", "e.ts", "lazy.ts"]
    );
    assert!(!all_commonjs);
    let formats: Vec<_> = files
        .values()
        .map(|entry| entry["format"].as_str().unwrap())
        .collect();
    assert_eq!(
        formats,
        ["module", "commonjs", "module", "commonjs", "module"]
    );
    let (entry, meta) = (
        &files["domain.ts"],
        fs::metadata(app.domain().join("domain.ts")).unwrap(),
    );
    assert_eq!(entry["size"], meta.len());
    assert_eq!(
        entry["mtime_ms"],
        meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000
    );
    let code = fs::read_to_string(entry["code"].as_str().unwrap()).unwrap();
    assert!(code.contains("export const a         = b;"), "{code}");
}

#[test]
fn commonjs_is_detected_and_the_package_type_decides() {
    let app = TestApp::new(&[
        ("domain.ts", "const b: B = require('./b.ts')"),
        ("b.ts", "let c: C"),
    ]);
    assert!(app.stripped().1);
    app.write("package.json", r#"{"type":"module"}"#);
    assert!(!app.stripped().1);
}

#[test]
fn known_content_is_not_parsed_again() {
    let app = TestApp::new(&[("domain.ts", "import './b.ts'"), ("b.ts", "let b: B")]);
    assert_eq!(app.names(), ["b.ts", "domain.ts"]);
    let cached = app.cached();
    assert_eq!(app.names(), ["b.ts", "domain.ts"]);
    assert_eq!(app.cached(), cached);
    // A scan that parsed again would not read the changed cache.
    let entry = app.stripped().0["domain.ts"]["code"]
        .as_str()
        .unwrap()
        .to_owned();
    let companion = Path::new(&entry).with_extension("json");
    let facts = fs::read_to_string(&companion)
        .unwrap()
        .replace("./b.ts", "./gone");
    fs::write(&companion, facts).unwrap();
    assert_eq!(app.names(), ["domain.ts"]);
    fs::write(&companion, "broken").unwrap();
    assert_eq!(app.names(), ["b.ts", "domain.ts"]);
    fs::remove_file(&entry).unwrap();
    assert_eq!(app.names(), ["b.ts", "domain.ts"]);
    assert!(Path::new(&entry).is_file(), "deleted code is written again");
    app.write("b.ts", "let b: Other");
    app.names();
    assert_eq!(app.cached(), cached + 2, "one new content");
}

#[test]
fn types_are_stripped_for_every_node_and_javascript_is_not_scanned() {
    let app = TestApp::new(&[("domain.ts", "let a: A"), ("plain.js", "import './b.js'")]);
    assert!(matches!(
        app.run(true).unwrap().0,
        Runner::StrippedTypes { .. }
    ));
    let off = ["--no-experimental-strip-types".to_owned()];
    let stripped = app.run_entry("domain.ts", true, &off).unwrap().0;
    assert!(matches!(stripped, Runner::StrippedTypes { .. }));
    let own = ["--import=tsx".to_owned()];
    assert_eq!(
        app.run_entry("domain.ts", false, &own).unwrap().0,
        Runner::JavaScript
    );
    assert_eq!(
        app.run_entry("plain.js", false, &[]).unwrap().0,
        Runner::JavaScript
    );
    app.write("mixed.js", "require('./domain.ts')");
    let mixed = app.run_entry("mixed.js", false, &[]).unwrap().0;
    assert!(matches!(
        mixed,
        Runner::StrippedTypes {
            all_commonjs: true,
            ..
        }
    ));
}

#[test]
fn code_that_needs_more_is_rejected_with_its_position_and_a_hint() {
    let cases = [
        (
            "let a: A;\nenum E { X }",
            "orders: domain.ts:2:1 has an enum",
            "const object",
        ),
        ("@d class A {}", "domain.ts:1:1 has a decorator", "tsx"),
        (
            "import './lib/x'",
            "domain.ts:1:8 has the import \"./lib/x\" without an extension",
            "extension",
        ),
        (
            "import './lib/x.js'",
            "has the import \"./lib/x.js\", meaning x.ts",
            ".ts",
        ),
        (
            "import '@lib/x'",
            "has the path alias \"@lib/x\" of tsconfig.json",
            "relative",
        ),
        (
            "import { T } from './lib/x.ts'",
            "domain.ts:1:10 has the import of the type T",
            "import type",
        ),
    ];
    for (text, message, alternative) in cases {
        let app = TestApp::new(&[
            ("domain.ts", text),
            ("lib/x.ts", "export interface T {}\nexport const v = 1"),
            (
                "tsconfig.json",
                r#"{"compilerOptions":{"paths":{"@lib/*":["./lib/*"]}}}"#,
            ),
        ]);
        for strips_types in [false, true] {
            let failure = app.run(strips_types).unwrap_err();
            assert!(
                failure.permanent && failure.message.contains(message),
                "{text}: {failure}"
            );
            let hint = failure.hint.unwrap();
            assert!(
                hint.contains("npm install --save-dev tsx in domains/orders"),
                "{hint}"
            );
            assert!(hint.contains(alternative), "{hint}");
        }
    }
}

#[test]
fn an_installed_tsx_is_used_with_a_warning() {
    let app = TestApp::new(&[
        ("domain.ts", "import './e.ts'"),
        ("e.ts", "\n  enum E { X }"),
    ]);
    app.write(
        "../../node_modules/tsx/package.json",
        r#"{"version":"4.23.1","exports":{".":"./l.mjs"}}"#,
    );
    app.write("../../node_modules/tsx/l.mjs", "");
    let (runner, warnings) = app.run(true).unwrap();
    assert!(matches!(runner, Runner::Tsx { loader } if loader.ends_with("node_modules/tsx/l.mjs")));
    let message = "orders: e.ts:2:3 has an enum, which needs more than type stripping: running with tsx 4.23.1";
    assert_eq!(warnings[0].text(), message);
}

#[test]
fn a_syntax_error_is_permanent_and_shows_the_line() {
    let app = TestApp::new(&[
        ("domain.ts", "import './b.ts'"),
        ("b.ts", "let a = 1\nlet b: = 2\n"),
    ]);
    let failure = app.run(true).unwrap_err();
    assert!(
        failure.permanent && failure.message.starts_with("orders: b.ts:2:8: "),
        "{failure}"
    );
    assert!(failure.message.contains("\n    let b: = 2\n"), "{failure}");
}

#[test]
fn invalid_entries_are_rejected() {
    let app = TestApp::new(&[("folder.ts/x", "")]);
    std::os::unix::fs::symlink("b.ts", app.domain().join("a.ts")).unwrap();
    std::os::unix::fs::symlink("a.ts", app.domain().join("b.ts")).unwrap();
    let what = |entry| app.run_entry(entry, false, &[]).unwrap_err().message;
    assert!(what("gone.ts").contains("does not exist"));
    assert!(
        what("a.ts").contains("symbolic link loop"),
        "{}",
        what("a.ts")
    );
    assert!(what("folder.ts").contains("not a file"));
}
