//! Saving a file restarts the domains that import it, however they name it, and no others.

use std::os::unix::fs::symlink;
use std::path::Path;

use fulcrum_e2e::{App, LIMIT, wait_until};

/// A domain without `type`, which is CommonJS, or with it.
fn domain(app: App, name: &str, package_type: Option<&str>, imports: &str) -> App {
    let package = package_type.map_or("{}".to_owned(), |kind| format!(r#"{{"type": "{kind}"}}"#));
    let code = format!(
        "import {{ DomainBase }} from '@fulcrum/domain';\n{imports}\n\
         enum Kind {{ A = 1 }}\nexport default class D extends DomainBase {{ kind = Kind.A; }}\n"
    );
    app.write(&format!("domains/{name}/package.json"), &package)
        .write(&format!("domains/{name}/domain.ts"), &code)
}

/// One domain for each way to name a file outside its directory, and the file.
const WAYS: [(&str, Option<&str>, &str, &str); 7] = [
    ("alias", None, "import '@lib/alias';", "lib/alias.ts"),
    (
        "extension",
        Some("module"),
        "import '../../lib/extension.js';",
        "lib/extension.ts",
    ),
    (
        "index",
        None,
        "import '../../lib/index-dir';",
        "lib/index-dir/index.ts",
    ),
    (
        "package",
        Some("module"),
        "import '@w/pkg';",
        "packages/pkg/src/index.ts",
    ),
    (
        "indirect",
        None,
        "import '@w/pkg/deep';",
        "packages/pkg/src/deeper.ts",
    ),
    (
        "worker",
        Some("module"),
        "import { Worker } from 'node:worker_threads';\n\
         new Worker(new URL('../../lib/worker.ts', import.meta.url));",
        "lib/worker.ts",
    ),
    (
        "fork",
        None,
        "import { fork } from 'node:child_process';\n\
         import { join } from 'node:path';\n\
         fork(join(__dirname, '../../lib/child.ts'), { env: {}, execArgv: [] });",
        "lib/child.ts",
    ),
];

fn app() -> App {
    let mut app = App::new()
        .write(".git/HEAD", "")
        .write(
            "tsconfig.json",
            r#"{"extends": "./tsconfig.base.json", "compilerOptions": {"paths": {"@lib/*": ["./lib/*"]}}}"#,
        )
        .write("tsconfig.base.json", "{}")
        .write(
            "packages/pkg/package.json",
            r#"{"name": "@w/pkg", "exports": {".": "./src/index.js", "./*": "./src/*.ts"}}"#,
        )
        .write("packages/pkg/src/deep.ts", "import './deeper';")
        .write("domains/other/domain.mjs", "setInterval(() => {}, 1000);")
        .write("domains/other/fulcrum.yml", "process: {ready: {exec: [\"true\"]}}\n");
    for (name, package_type, imports, file) in WAYS {
        app = domain(app, name, package_type, imports);
        app = app.write(file, "export const value: number = 1;\n");
    }
    let scope = app.root().join("node_modules/@w");
    std::fs::create_dir_all(&scope).expect("created");
    symlink(app.root().join("packages/pkg"), scope.join("pkg")).expect("linked");
    app
}

#[test]
fn exactly_the_importers_of_a_saved_file_are_restarted() {
    let app = app();
    app.start_watching();
    for (number, (name, .., file)) in WAYS.iter().enumerate() {
        assert!(Path::new(&app.root().join(file)).is_file());
        app.wait_for(name, "runs", |status| status["ready"] == true);
        app.write_file(
            file,
            &format!("export const value: number = {number} + 1;\n"),
        );
        let reason = app.wait_for_event(name, "reloaded", 1);
        assert!(
            reason.contains(file.rsplit('/').next().unwrap_or(file)),
            "{reason}"
        );
    }
    for (name, ..) in WAYS {
        assert_eq!(app.event_reasons(name, "reloaded").len(), 1, "{name}");
    }
    assert_eq!(app.event_reasons("other", "reloaded").len(), 0);
    // A configuration decides all files below it, and so does what it extends.
    app.write_file(
        "tsconfig.base.json",
        r#"{"compilerOptions": {"target": "es2020"}}"#,
    );
    for (name, ..) in WAYS {
        app.wait_for_event(name, "reloaded", 2);
    }
    assert_eq!(app.event_reasons("other", "reloaded").len(), 0);
    // An invalid one stops nothing. An error is shown once, for one of the domains.
    let alias = app.leader("alias");
    app.write_file("tsconfig.json", "{ \"compilerOptions\": [ }");
    wait_until("the reload is rejected", LIMIT, || {
        let rejected = |name: &str| !app.event_reasons(name, "reload_rejected").is_empty();
        WAYS.iter().any(|(name, ..)| rejected(name)).then_some(())
    });
    assert_eq!(app.leader("alias"), alias);
    app.down();
}
