//! The scan of a TypeScript domain before its start, and the chosen runner.
#![cfg(feature = "node")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{
    NodeOrigin, NodeProgram, NodeRuntime, PrepareContext, Runner, StartWarning,
    TypeScriptRequestOptions, Version, answer_typescript_request, choose_runner,
    run_typescript_helper,
};
use serde_json::{Value, json};

/// A repository with an app in `app`, and the domain `orders` in it.
struct TestApp {
    root: tempfile::TempDir,
    node: (u64, u64),
}

impl TestApp {
    /// An app with the domain `orders` of these files.
    fn new(files: &[(&str, &str)]) -> Self {
        let app = Self {
            root: tempfile::tempdir().unwrap(),
            node: (20, 13),
        };
        fs::create_dir_all(app.domain()).unwrap();
        app.write("../../../.git", "");
        app.write("../../package.json", "{}");
        files.iter().for_each(|(name, text)| app.write(name, text));
        app
    }

    fn repository(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap()
    }

    fn domain(&self) -> PathBuf {
        self.repository().join("app/domains/orders")
    }

    fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.domain().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn link(&self, target: &str, name: &str) {
        let path = self.domain().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(self.repository().join(target), path).unwrap();
    }

    fn run(&self) -> Result<(Runner, Vec<StartWarning>), StartError> {
        self.run_entry("domain.ts", &[])
    }

    fn run_entry(
        &self,
        entry: &str,
        node_args: &[String],
    ) -> Result<(Runner, Vec<StartWarning>), StartError> {
        let (major, minor) = self.node;
        let node = NodeRuntime {
            path: "/n/node".into(),
            version: Version::from((major, minor, 0_u64)),
            origin: NodeOrigin::Path,
            warning: None,
        };
        let (dir, app) = (self.domain(), self.repository().join("app"));
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
        let context = PrepareContext::new(self.cache(), Vec::new());
        choose_runner(&program, &node, &context)
    }

    /// The table, and what was warned of.
    fn scan_entry(&self, entry: &str) -> (Table, Vec<String>) {
        let (runner, warnings) = self
            .run_entry(entry, &[])
            .unwrap_or_else(|failure| panic!("{failure}"));
        let Runner::TypeScript {
            manifest,
            all_commonjs,
            has_maps,
        } = runner
        else {
            panic!("{runner:?}")
        };
        let json: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        assert_eq!((&json["v"], &json["maps"]), (&json!(2), &json!(has_maps)));
        let table = Table {
            repository: self.repository(),
            json,
            all_commonjs,
        };
        let warnings = warnings.iter().map(|warning| warning.text().to_owned());
        (table, warnings.collect())
    }

    /// The table of a domain without warnings.
    fn table(&self) -> Table {
        let (table, warnings) = self.scan_entry("domain.ts");
        assert_eq!(warnings, [""; 0]);
        table
    }

    fn failure(&self) -> StartError {
        let failure = self.run().unwrap_err();
        assert!(failure.permanent, "{failure}");
        failure
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

    fn ask(&self, request: Value) -> Table {
        let options = TypeScriptRequestOptions::default();
        let answer = answer_typescript_request(&request.to_string(), &options, &self.cache());
        Table {
            repository: self.repository(),
            json: serde_json::from_slice(&answer.unwrap()).unwrap(),
            all_commonjs: false,
        }
    }
}

/// A table, or a part of one, with paths relative to the domain.
struct Table {
    repository: PathBuf,
    json: Value,
    all_commonjs: bool,
}

impl Table {
    fn name(&self, path: &str) -> String {
        let below = Path::new(path).strip_prefix(&self.repository);
        let text = below.unwrap_or(Path::new(path)).display().to_string();
        text.replace("app/domains/orders/", "")
    }

    fn path(&self, name: &str) -> String {
        let path = self.repository.join("app/domains/orders").join(name);
        path.canonicalize().unwrap().display().to_string()
    }

    fn names(&self) -> Vec<String> {
        let files = self.json["files"].as_object().unwrap();
        files.keys().map(|path| self.name(path)).collect()
    }

    fn file(&self, name: &str) -> &Value {
        &self.json["files"][self.path(name)]
    }

    fn code(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)["code"].as_str().unwrap()).unwrap()
    }

    fn formats(&self) -> BTreeMap<String, String> {
        let files = self.json["files"].as_object().unwrap();
        let format = |entry: &Value| entry["format"].as_str().unwrap().to_owned();
        files
            .iter()
            .map(|(path, entry)| (self.name(path), format(entry)))
            .collect()
    }

    fn targets(&self, kind: &str, importer: &str) -> BTreeMap<String, String> {
        let targets = self.json[kind].get(self.path(importer));
        let targets = targets.and_then(Value::as_object).into_iter().flatten();
        targets
            .map(|(specifier, path)| (specifier.clone(), self.name(path.as_str().unwrap())))
            .collect()
    }

    fn inputs(&self) -> Vec<String> {
        let inputs = self.json["inputs"].as_array().unwrap();
        let inputs = inputs.iter().map(|path| self.name(path.as_str().unwrap()));
        inputs.collect()
    }
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

#[test]
fn imports_are_followed_in_a_circle_and_through_javascript() {
    let app = TestApp::new(&[
        ("package.json", r#"{"type": "module"}"#),
        (
            "domain.ts",
            "import { b } from './b.js';\nexport const a: number = b;\nimport('./lazy');",
        ),
        (
            "b.ts",
            "import './domain.ts'; import './c.mjs'; import './data.json'; export const b: number = 1;",
        ),
        ("c.mjs", "import './d.cts';"),
        (
            "d.cts",
            "const e: typeof import('./never.ts') = require('./e');",
        ),
        ("e.ts", "import type { T } from './types.ts'; let t: T;"),
        ("lazy/index.ts", "export {}"),
        ("data.json", "{}"),
        ("types.ts", "export type T = 1;"),
        ("never.ts", "export {}"),
    ]);
    let table = app.table();
    let expected = map([
        ("b.ts", "module"),
        ("d.cts", "commonjs"),
        ("domain.ts", "module"),
        ("e.ts", "module"),
        ("lazy/index.ts", "module"),
    ]);
    assert_eq!(table.formats(), expected);
    assert!(!table.all_commonjs);
    let (entry, meta) = (
        table.file("domain.ts"),
        fs::metadata(app.domain().join("domain.ts")).unwrap(),
    );
    assert_eq!(entry["size"], meta.len());
    assert_eq!(
        entry["mtime_ms"],
        meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000
    );
    let code = table.code("domain.ts");
    assert!(code.contains("export const a         = b;"), "{code}");
    let expected = map([("./b.js", "b.ts"), ("./lazy", "lazy/index.ts")]);
    assert_eq!(table.targets("imports", "domain.ts"), expected);
    let expected = map([
        ("./domain.ts", "domain.ts"),
        ("./c.mjs", "c.mjs"),
        ("./data.json", "data.json"),
    ]);
    assert_eq!(table.targets("imports", "b.ts"), expected);
    assert_eq!(
        table.targets("imports", "c.mjs"),
        map([("./d.cts", "d.cts")])
    );
    assert_eq!(table.targets("requires", "d.cts"), map([("./e", "e.ts")]));
}

#[test]
fn the_package_decides_the_format_of_a_file() {
    let app = TestApp::new(&[
        ("domain.ts", "import './b.mts'; import './c.cts';"),
        ("b.mts", "let c: C"),
        ("c.cts", "let c: C"),
    ]);
    let formats = |app: &TestApp| app.table().formats()["domain.ts"].clone();
    assert_eq!(formats(&app), "commonjs", "without a type");
    app.write("package.json", r#"{"type":"module"}"#);
    assert_eq!(formats(&app), "module");
    app.write("package.json", r#"{"type":"commonjs"}"#);
    let table = app.table();
    let expected = map([
        ("b.mts", "module"),
        ("c.cts", "commonjs"),
        ("domain.ts", "commonjs"),
    ]);
    assert_eq!(table.formats(), expected);
    let expected = map([("./b.mts", "b.mts"), ("./c.cts", "c.cts")]);
    assert_eq!(
        table.targets("requires", "domain.ts"),
        expected,
        "its imports are lowered"
    );
    assert_eq!(table.targets("imports", "domain.ts"), map([]));
}

#[test]
fn nodes_loader_for_modules_is_needed_for_modules_and_dynamic_imports() {
    let app = TestApp::new(&[("domain.cts", "require('./b.cts')"), ("b.cts", "let b: B")]);
    assert!(app.scan_entry("domain.cts").0.all_commonjs);
    app.write("b.cts", "import('./c.cts')");
    app.write("c.cts", "");
    assert!(!app.scan_entry("domain.cts").0.all_commonjs);
}

#[test]
fn known_content_is_not_parsed_again() {
    let app = TestApp::new(&[
        ("package.json", r#"{"type": "module"}"#),
        ("domain.ts", "import './b.ts'"),
        ("b.ts", "let b: B"),
    ]);
    assert_eq!(app.table().names(), ["b.ts", "domain.ts"]);
    let cached = app.cached();
    assert_eq!(app.table().names(), ["b.ts", "domain.ts"]);
    assert_eq!(app.cached(), cached);
    // A scan that parsed again would not read the changed cache.
    let code = app.table().file("domain.ts")["code"]
        .as_str()
        .unwrap()
        .to_owned();
    let companion = Path::new(&code).with_extension("json");
    let facts = fs::read_to_string(&companion)
        .unwrap()
        .replace("./b.ts", "./gone");
    fs::write(&companion, facts).unwrap();
    assert_eq!(app.table().names(), ["domain.ts"]);
    fs::write(&companion, "broken").unwrap();
    assert_eq!(app.table().names(), ["b.ts", "domain.ts"]);
    fs::remove_file(&code).unwrap();
    assert_eq!(app.table().names(), ["b.ts", "domain.ts"]);
    assert!(Path::new(&code).is_file(), "deleted code is written again");
    app.write("b.ts", "let b: Other");
    app.table();
    assert_eq!(app.cached(), cached + 2, "one new content");
}

#[test]
fn the_cache_is_private_and_can_be_deleted() {
    let app = TestApp::new(&[("domain.ts", "let a: A")]);
    app.table();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&app.cache()), 0o700);
    assert_eq!(mode(&app.cache().join("ts")), 0o700);
    let code = app.table().file("domain.ts")["code"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(mode(Path::new(&code)), 0o600);
    fs::remove_dir_all(app.cache()).unwrap();
    assert_eq!(app.table().names(), ["domain.ts"]);
}

#[test]
fn without_a_cache_the_domain_starts_with_a_warning() {
    let app = TestApp::new(&[("domain.ts", "let a: A")]);
    // A directory cannot be made below a file, whoever asks for it.
    fs::write(app.cache(), "").unwrap();
    let (runner, warnings) = app.run().unwrap();
    let Runner::TypeScript { manifest, .. } = runner else {
        panic!("{runner:?}")
    };
    assert!(!manifest.exists());
    assert!(
        warnings[0].text().contains("cannot write the table"),
        "{warnings:?}"
    );
    let path = app.domain().join("domain.ts");
    let answer = app.ask(json!({"v": 2, "node": "20.13.0", "load": path}));
    assert_eq!(answer.file("domain.ts")["text"], "let a   ");
}

#[test]
fn javascript_is_scanned_only_where_it_may_need_a_loader() {
    let app = TestApp::new(&[
        ("domain.ts", "let a: A"),
        ("plain.js", "require('./b.js')"),
        ("mixed.js", "require('./domain.ts')"),
        ("b.js", "require('./domain')"),
    ]);
    let runner = |entry: &str, args: &[&str]| {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        app.run_entry(entry, &args).unwrap().0
    };
    let is_typescript = |runner: &Runner| matches!(runner, Runner::TypeScript { .. });
    assert!(is_typescript(&runner(
        "domain.ts",
        &["--no-experimental-strip-types"]
    )));
    assert_eq!(runner("domain.ts", &["--import=tsx"]), Runner::JavaScript);
    assert_eq!(runner("plain.js", &[]), Runner::JavaScript);
    assert!(is_typescript(&runner("mixed.js", &[])));
    app.write("../../tsconfig.json", "{}");
    assert!(
        is_typescript(&runner("plain.js", &[])),
        "it is part of a project"
    );
    app.write("b.js", "require('./plain.js')");
    assert_eq!(
        runner("plain.js", &[]),
        Runner::JavaScript,
        "it needs no loader"
    );
}

#[test]
fn entries_with_jsx_are_compiled() {
    let app = TestApp::new(&[("domain.tsx", "let a: A"), ("domain.jsx", "let a = 1")]);
    assert_eq!(app.scan_entry("domain.tsx").0.names(), ["domain.tsx"]);
    assert_eq!(app.scan_entry("domain.jsx").0.names(), ["domain.jsx"]);
}

#[test]
fn packages_of_a_workspace_belong_to_the_scan_and_installed_ones_do_not() {
    let app = TestApp::new(&[
        ("package.json", r#"{"type": "module"}"#),
        (
            "domain.ts",
            "import '@w/lib'; import 'installed'; import 'deep/sub';",
        ),
        (
            "../../../packages/lib/package.json",
            r#"{"type": "module", "exports": "./src/index.js"}"#,
        ),
        (
            "../../../packages/lib/src/index.ts",
            "import './a.js'; import '@/b';",
        ),
        ("../../../packages/lib/src/a.ts", "export {}"),
        ("../../../packages/lib/src/b.ts", "export {}"),
        (
            "../../../packages/lib/tsconfig.json",
            r#"{"extends": "../../base.json", "compilerOptions": {"paths": {"@/*": ["./src/*"]}}}"#,
        ),
        ("../../../base.json", "{}"),
        (
            "../../node_modules/installed/package.json",
            r#"{"main": "i.js"}"#,
        ),
        ("../../node_modules/installed/i.js", "require('./t.ts')"),
        ("../../node_modules/installed/t.ts", "enum E {}"),
        ("../../node_modules/deep/sub.js", ""),
    ]);
    app.link("packages/lib", "../../node_modules/@w/lib");
    let table = app.table();
    let lib = "packages/lib/src/";
    let names = ["a.ts", "b.ts", "index.ts"].map(|name| format!("{lib}{name}"));
    assert_eq!(
        table.names(),
        [&["domain.ts".to_owned()], names.as_slice()].concat()
    );
    let expected = map([
        ("@w/lib", "packages/lib/src/index.ts"),
        ("deep/sub", "app/node_modules/deep/sub.js"),
    ]);
    assert_eq!(table.targets("imports", "domain.ts"), expected);
    let index = "../../../packages/lib/src/index.ts";
    let expected = map([
        ("./a.js", "packages/lib/src/a.ts"),
        ("@/b", "packages/lib/src/b.ts"),
    ]);
    assert_eq!(table.targets("imports", index), expected);
    assert_eq!(table.inputs(), ["base.json", "packages/lib/tsconfig.json"]);
    assert_eq!(table.json["aliases"], true);
}

#[test]
fn a_change_of_the_configuration_changes_the_result() {
    let app = TestApp::new(&[
        ("package.json", r#"{"type": "module"}"#),
        ("domain.ts", "import { b } from '@/b';\nb();"),
        ("x/b.ts", "export const b = 1"),
        ("y/b.ts", "export const b = 1"),
    ]);
    for dir in ["x", "y"] {
        let config = format!(r#"{{"compilerOptions": {{"paths": {{"@/*": ["{dir}/*"]}}}}}}"#);
        app.write("tsconfig.json", config);
        let targets = app.table().targets("imports", "domain.ts");
        assert_eq!(targets["@/b"], format!("{dir}/b.ts"));
    }
}

#[test]
fn an_error_in_a_file_that_is_loaded_with_the_entry_is_permanent() {
    let app = TestApp::new(&[
        ("domain.ts", "import './b.ts'"),
        ("b.ts", "let a = 1\nlet b: = 2\n"),
    ]);
    let failure = app.failure();
    assert!(
        failure.message.starts_with("orders: b.ts:2:8: "),
        "{failure}"
    );
    assert!(failure.message.contains("\n    let b: = 2\n"), "{failure}");
    for eager in ["require('./b')", "await import('./b')"] {
        app.write("domain.ts", eager);
        assert!(
            app.failure().message.starts_with("orders: b.ts:2:8: "),
            "{eager}"
        );
    }
}

#[test]
fn invalid_configuration_is_permanent_and_has_its_place() {
    let app = TestApp::new(&[
        ("domain.ts", "let a: A"),
        (
            "../../tsconfig.json",
            "{\n  \"extends\": \"./gone.json\"\n}",
        ),
    ]);
    let message = app.failure().message;
    assert!(
        message.starts_with(
            "orders: tsconfig.json:2:14: extends \"./gone.json\", which does not exist"
        ),
        "{message}"
    );
    app.write("../../tsconfig.json", "{\n  a\n}");
    let message = app.failure().message;
    assert!(
        message.starts_with("orders: tsconfig.json:2:3: not valid JSON: "),
        "{message}"
    );
    app.write("tsconfig.json", "{}");
    app.table();
    app.write("package.json", "{\n a }");
    let message = app.failure().message;
    assert!(
        message.contains("orders/package.json:2:2: not valid JSON"),
        "{message}"
    );
}

#[test]
fn what_only_functions_import_does_not_stop_the_start() {
    let app = TestApp::new(&[
        ("package.json", r#"{"type": "module"}"#),
        (
            "domain.ts",
            "export async function a() {\n  await import('./broken.ts');\n  await import('./gone.js');\n\
               try { await import('optional') } catch {}\n}",
        ),
        ("broken.ts", "import './deep.ts';\nlet b: = 2"),
        ("deep.ts", "let b: = 2"),
    ]);
    let (table, warnings) = app.scan_entry("domain.ts");
    let starts = |warning: &str, start: &str| assert!(warning.starts_with(start), "{warning}");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let broken = warnings.iter().find(|text| text.contains("broken.ts"));
    starts(broken.unwrap(), "orders: broken.ts:2:8: ");
    let gone = warnings.iter().find(|text| text.contains("gone"));
    starts(
        gone.unwrap(),
        "orders: domain.ts:3:16: there is no file \"./gone.js\"",
    );
    let entry = table.file("broken.ts");
    assert_eq!(entry["code"], Value::Null);
    let error = entry["error"].as_str().unwrap();
    assert!(
        error.contains("broken.ts:2:8: ") && error.contains("let b: = 2"),
        "{error}"
    );
    app.write("broken.ts", "import './deep.ts';");
    let (table, warnings) = app.scan_entry("domain.ts");
    starts(&warnings.join("\n"), "orders: ");
    assert!(
        table.file("deep.ts")["error"].is_string(),
        "what it imports is lazy too"
    );
    // The entry imports it now, too.
    app.write(
        "domain.ts",
        "import './deep.ts'; const a = () => import('./deep.ts');",
    );
    assert!(app.failure().message.starts_with("orders: deep.ts:1:8: "));
}

#[test]
fn files_of_workers_and_processes_are_part_of_the_table() {
    let app = TestApp::new(&[
        ("package.json", r#"{"type": "module"}"#),
        (
            "src/main.ts",
            "new Worker(new URL('./w.ts', import.meta.url)); fork('./c.ts'); fork('./gone.ts');",
        ),
        ("src/w.ts", "let a: A"),
        ("c.ts", "let a: A"),
    ]);
    let (table, warnings) = app.scan_entry("src/main.ts");
    assert_eq!(table.names(), ["c.ts", "src/main.ts", "src/w.ts"]);
    assert_eq!(table.targets("imports", "src/main.ts"), map([]));
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn bytes_that_are_not_text_are_reported_with_their_place() {
    let app = TestApp::new(&[("domain.ts", "")]);
    app.write("domain.ts", b"let a = 1;\nlet b = '\xff';");
    let message = app.failure().message;
    assert!(
        message.starts_with("orders: domain.ts:2:10: is not UTF-8 text"),
        "{message}"
    );
}

#[test]
fn a_large_file_a_byte_order_mark_and_other_line_ends_are_accepted() {
    let lines = "export const line: string = 'some generated text';\r\n".repeat(100_000);
    let lines = format!("\u{feff}{}", lines.replace("const line", "var line"));
    assert!(lines.len() > 5_000_000);
    let app = TestApp::new(&[("domain.mts", "import './data.mts'"), ("data.mts", &lines)]);
    let (table, _) = app.scan_entry("domain.mts");
    assert_eq!(table.names(), ["data.mts", "domain.mts"]);
}

#[test]
fn invalid_entries_are_rejected() {
    let app = TestApp::new(&[("folder.ts/x", "")]);
    std::os::unix::fs::symlink("b.ts", app.domain().join("a.ts")).unwrap();
    std::os::unix::fs::symlink("a.ts", app.domain().join("b.ts")).unwrap();
    let what = |entry| app.run_entry(entry, &[]).unwrap_err().message;
    assert!(what("gone.ts").contains("does not exist"));
    assert!(
        what("a.ts").contains("symbolic link loop"),
        "{}",
        what("a.ts")
    );
    assert!(what("folder.ts").contains("not a file"));
}

#[test]
fn requests_are_answered_with_a_part_of_the_table() {
    let app = TestApp::new(&[
        ("package.json", r#"{"type": "module"}"#),
        ("domain.ts", "let a: A"),
        ("other/x.ts", "import './y.js'; import '@/z';"),
        ("other/y.ts", "export const y = 1"),
        ("other/z.ts", "let z: = 1"),
        (
            "other/tsconfig.json",
            r#"{"compilerOptions": {"paths": {"@/*": ["./*"]}}}"#,
        ),
        ("data.json", "{}"),
    ]);
    let path = |name: &str| app.domain().join(name);
    let answer = app.ask(json!({"v": 2, "node": "20.13.0", "load": path("other/x.ts")}));
    assert_eq!(answer.names(), ["other/x.ts", "other/y.ts", "other/z.ts"]);
    let expected = map([("./y.js", "other/y.ts"), ("@/z", "other/z.ts")]);
    assert_eq!(answer.targets("imports", "other/x.ts"), expected);
    assert!(
        answer.file("other/z.ts")["error"]
            .as_str()
            .unwrap()
            .contains("z.ts:1:8")
    );
    assert_eq!(answer.inputs(), ["other/tsconfig.json"]);
    assert_eq!(answer.json["aliases"], true);
    let resolve = |specifier: &str, from: &str| {
        let request = json!({
            "v": 2, "node": "v22.12.0", "resolve": specifier, "from": path(from), "kind": "import",
        });
        app.ask(request)
    };
    let answer = resolve("./other/y.js", "domain.ts");
    assert_eq!(answer.json["resolved"], json!(path("other/y.ts")));
    assert_eq!(answer.names(), ["other/y.ts"]);
    assert_eq!(
        answer.targets("imports", "domain.ts"),
        map([("./other/y.js", "other/y.ts")])
    );
    let answer = resolve("./data.json", "domain.ts");
    assert_eq!(answer.json["resolved"], json!(path("data.json")));
    assert_eq!(answer.names(), [""; 0]);
    assert_eq!(resolve("./gone", "domain.ts").json["resolved"], Value::Null);
    assert_eq!(resolve("@/z", "domain.ts").json["resolved"], Value::Null);
    assert_eq!(
        resolve("@/y", "other/x.ts").json["resolved"],
        json!(path("other/y.ts"))
    );
    let answer = app.ask(json!({"v": 2, "node": "20.13.0", "load": path("gone.ts")}));
    let error = &answer.json["files"][path("gone.ts").to_str().unwrap()]["error"];
    assert!(
        error
            .as_str()
            .unwrap()
            .contains("gone.ts:1:1: cannot be read"),
        "{error}"
    );
}

#[test]
fn a_module_is_lowered_by_its_own_configuration() {
    let app = TestApp::new(&[
        ("package.json", r#"{"type": "module"}"#),
        (
            "x.mts",
            "import '@/y';\nexport class A { b?: number }\nexport const c = 1;",
        ),
        ("all.mts", "export * from './x.mjs';"),
        ("lib/y.ts", "export {}"),
        (
            "tsconfig.json",
            r#"{"compilerOptions": {"paths": {"@/*": ["./lib/*"]}, "useDefineForClassFields": false}}"#,
        ),
    ]);
    let lower = |name: &str| {
        let path = app.domain().join(name);
        app.ask(json!({"v": 2, "node": "20.13.0", "lower": path}))
    };
    let answer = lower("x.mts");
    let entry = answer.file("x.mts");
    assert_eq!(
        (&entry["format"], &entry["exports"]),
        (&json!("commonjs"), &json!(["A", "c"]))
    );
    let code = answer.code("x.mts");
    assert!(
        code.contains("require(\"@/y\")") && !code.contains("b;"),
        "{code}"
    );
    assert_eq!(
        answer.targets("requires", "x.mts"),
        map([("@/y", "lib/y.ts")])
    );
    let answer = lower("all.mts");
    assert_eq!(answer.file("all.mts")["exports"], Value::Null);
    assert_eq!(
        answer.targets("requires", "all.mts"),
        map([("./x.mjs", "x.mts")])
    );
}

#[test]
fn invalid_requests_are_errors() {
    let cache = tempfile::tempdir().unwrap();
    let options = TypeScriptRequestOptions::default();
    let error =
        |request: &str| answer_typescript_request(request, &options, cache.path()).unwrap_err();
    assert!(error("{").contains("not a request"));
    assert!(error(r#"{"v": 3, "node": "20.13.0", "load": "/a.ts"}"#).contains("version 3"));
    assert!(error(r#"{"v": 2, "node": "latest", "load": "/a.ts"}"#).contains("latest"));
    assert!(error(r#"{"v": 2, "node": "20.13.0", "resolve": "./a"}"#).contains("from and kind"));
}

#[test]
fn the_helper_uses_the_cache_that_it_is_told() {
    let app = TestApp::new(&[("domain.ts", "let a: A")]);
    let request = json!({"v": 2, "node": "20.13.0", "load": app.domain().join("domain.ts")});
    let cache = format!("--cache={}", app.cache().display());
    let run = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        run_typescript_helper(&words, || panic!("the option decides"))
    };
    let words = [
        &cache,
        "--conditions=a",
        "--preserve-symlinks",
        &request.to_string(),
    ];
    let answer = run(&words).unwrap();
    assert!(answer.ends_with(b"}\n"));
    assert!(app.cached() > 0);
    assert!(run(&["--other", "{}"]).unwrap_err().contains("--other"));
    assert!(run(&[]).is_err());
}
