//! Each runner with the Node of this machine: the planned command is executed as it is, and its
//! output is checked. Skipped, with a message, where there is no Node.
#![cfg(feature = "node")]
#![expect(clippy::disallowed_macros, reason = "a skipped test prints why")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the plan is executed here without a supervisor"
)]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::prepare::{NodeProgram, NodeRequest, PrepareContext, find_node, plan_node};

struct TestApp {
    root: tempfile::TempDir,
}

impl TestApp {
    /// `None` where there is no Node.
    fn new(files: &[(&str, &str)]) -> Option<Self> {
        let app = Self {
            root: tempfile::tempdir().unwrap(),
        };
        app.write("package.json", "{}");
        fs::create_dir_all(app.dir()).unwrap();
        files
            .iter()
            .for_each(|(name, text)| app.write(&format!("domains/a/{name}"), text));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let (dir, app_root) = (app.dir(), app.app());
        let request = NodeRequest {
            configured: None,
            domain_dir: &dir,
            app_root: &app_root,
            path: &path,
            home: None,
        };
        match find_node(&request, &app.context()) {
            Ok(_) => Some(app),
            Err(failure) => {
                eprintln!("skipped: {failure}");
                None
            }
        }
    }

    fn app(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap().join("app")
    }

    fn dir(&self) -> PathBuf {
        self.app().join("domains/a")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root.path().join("app").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn context(&self) -> PrepareContext {
        PrepareContext::new(
            self.root.path().join("cache"),
            vec!["/no/such/helper".into()],
        )
    }

    fn plan(&self, entry: &str, args: &[&str]) -> CommandSpec {
        self.plan_with(&[], entry, args)
    }

    fn plan_with(&self, node_args: &[&str], entry: &str, args: &[&str]) -> CommandSpec {
        let (dir, app) = (self.dir(), self.app());
        let node_args: Vec<String> = node_args.iter().map(|arg| (*arg).to_owned()).collect();
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let env = ["PATH"]
            .iter()
            .filter_map(|name| Some(((*name).into(), std::env::var_os(name)?)));
        let program = NodeProgram {
            name: "a",
            entry: &dir.join(entry),
            dir: &dir,
            app_root: &app,
            node: None,
            node_args: &node_args,
            args: &args,
            cwd: &dir,
            env: env.collect::<BTreeMap<OsString, OsString>>(),
            modules: None,
            parent: std::process::id(),
        };
        plan_node(&program, &self.context())
            .unwrap_or_else(|failure| panic!("{failure}"))
            .0
    }
}

/// The standard output and standard error of a command.
fn run(spec: &CommandSpec) -> (String, String) {
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.args)
        .current_dir(&spec.cwd)
        .env_clear()
        .envs(&spec.env)
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn javascript_runs_with_both_names_of_the_sdk() {
    let code = "import * as a from '@fulcrum/domain'; import * as b from 'fulcrum';\n\
                console.log(a.default === b.default, process.argv.slice(2).join(), process.argv0);";
    let Some(app) = TestApp::new(&[("domain.mjs", code)]) else {
        return;
    };
    let spec = app.plan("domain.mjs", &["x", "y"]);
    assert!(
        spec.runner.starts_with("node ") && spec.runner.ends_with("(PATH)"),
        "{}",
        spec.runner
    );
    let (out, err) = run(&spec);
    assert!(out.starts_with("true x,y"), "{out}{err}");
    assert!(
        app.app()
            .join("node_modules/fulcrum/package.json")
            .is_file()
    );
}

#[test]
fn a_deferred_bootstrap_starts_the_exported_class() {
    // By the comment it counts as an entry that starts itself.
    let code = "import '@fulcrum/domain'; // then .start()\n\
                console.log('evaluated', process.execArgv.length);\n\
                export default class { start() { console.log('started'); } }";
    let Some(app) = TestApp::new(&[("domain.mjs", code)]) else {
        return;
    };
    let (out, err) = run(&app.plan("domain.mjs", &[]));
    assert_eq!(out, "evaluated 0\nstarted\n", "{err}");
}

#[test]
fn a_typescript_module_runs_and_its_errors_have_the_original_position() {
    let Some(app) = TestApp::new(&[
        (
            "domain.mts",
            "interface Long {\n  a: string\n}\nimport { boom, type T } from './b.mjs';\n\
             const t: T = { a: 'ok' } as Long;\nconsole.log(t.a, import.meta.url);\nboom(t);\n",
        ),
        (
            "b.mts",
            "export type T = { a: string };\nexport function boom(t: T): never {\n  throw new Error(t.a);\n}\n",
        ),
    ]) else {
        return;
    };
    let spec = app.plan("domain.mts", &[]);
    assert!(
        spec.runner.ends_with(", TypeScript by fulcrum"),
        "{}",
        spec.runner
    );
    let (out, err) = run(&spec);
    assert!(
        out.starts_with("ok file://") && out.trim_end().ends_with("/domains/a/domain.mts"),
        "{out}{err}"
    );
    assert!(
        err.contains("b.mts:3:9") && err.contains("domain.mts:7:1"),
        "{err}"
    );
}

#[test]
fn what_needs_more_than_stripping_runs_too() {
    let Some(app) = TestApp::new(&[
        (
            "domain.ts",
            "import { Color } from '@/color';\nimport data from './data.json';\n\
             class A { constructor(readonly b: number) {} }\n\
             console.log(Color.Red, new A(7).b, data.c, typeof require);",
        ),
        ("lib/color/index.ts", "export enum Color { Red = 3 }"),
        ("data.json", r#"{"c": 4}"#),
        (
            "tsconfig.json",
            r#"{"compilerOptions": {"paths": {"@/*": ["./lib/*"]}}}"#,
        ),
    ]) else {
        return;
    };
    let (out, err) = run(&app.plan("domain.ts", &[]));
    assert!(out.starts_with("3 7 4 function"), "{out}{err}");
    let spec = app.plan("domain.ts", &[]);
    let config = spec.env.get(OsStr::new("FULCRUM_BOOTSTRAP")).unwrap();
    let cache = app.root.path().join("cache");
    let argument = format!("--cache={}", cache.display());
    assert!(config.to_str().unwrap().contains(&argument), "{config:?}");
}

#[test]
fn typescript_as_commonjs_runs() {
    let Some(app) = TestApp::new(&[
        (
            "domain.cts",
            "const b: { n: number } = require('./b.ts');\nconsole.log('n', b.n, typeof module);",
        ),
        ("b.ts", "module.exports = { n: 1 as number };"),
    ]) else {
        return;
    };
    let (out, err) = run(&app.plan("domain.cts", &[]));
    assert!(out.starts_with("n 1 object"), "{out}{err}");
}

#[test]
fn preloaded_modules_are_evaluated_before_the_entry() {
    let code = "console.log('instrumented', globalThis.instrumented);\n\
                export default class { start() { console.log('started'); } }";
    let Some(app) = TestApp::new(&[("domain.mjs", code)]) else {
        return;
    };
    // Like instrumentation and loaders, it takes some time while the event loop runs.
    app.write(
        "domains/a/ahead.mjs",
        "await new Promise((done) => setTimeout(done, 50)); globalThis.instrumented = true;",
    );
    for node_args in [
        ["--import", "./ahead.mjs"].as_slice(),
        &["--import=./ahead.mjs"],
    ] {
        let (out, err) = run(&app.plan_with(node_args, "domain.mjs", &[]));
        assert_eq!(out, "instrumented true\nstarted\n", "{err}");
    }
}

#[test]
fn a_loader_in_node_args_is_used_instead() {
    let Some(app) = TestApp::new(&[("domain.ts", "enum E { A = 7 }\nconsole.log(E.A);")]) else {
        return;
    };
    // A stub: it only has to be loaded before the entry.
    app.write(
        "domains/a/tsx.mjs",
        "console.log('loaded'); process.exit(0);",
    );
    let spec = app.plan_with(&["--import", "./tsx.mjs"], "domain.ts", &[]);
    assert!(spec.runner.ends_with("(PATH)"), "{}", spec.runner);
    let (out, err) = run(&spec);
    assert_eq!(out, "loaded\n", "{err}");
}
