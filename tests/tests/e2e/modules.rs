//! Which files a domain has loaded, as its process tells Fulcrum.

use std::fs;
use std::path::PathBuf;

use fulcrum_e2e::{App, LIMIT, wait_until};

/// What a domain has told, below the app's root; nothing while it hasn't.
fn told(app: &App, name: &str) -> Vec<String> {
    let run = app.root().with_file_name("run").join("fulcrum");
    let folders = fs::read_dir(run).into_iter().flatten().flatten();
    let files = folders.map(|folder| folder.path().join("modules").join(name));
    let text: String = files
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let mut found: Vec<String> = text
        .lines()
        .map(PathBuf::from)
        .filter_map(|path| Some(path.strip_prefix(app.root()).ok()?.display().to_string()))
        .collect();
    found.sort();
    found
}

#[track_caller]
fn tells(app: &App, name: &str, expected: &[&str]) {
    let told = wait_until(&format!("{name} tells what it has loaded"), LIMIT, || {
        Some(told(app, name)).filter(|told| told == expected)
    });
    assert_eq!(told, expected);
}

/// Shared code is told by those who import it, whatever the kind of module; packages and the rest
/// of the app aren't told of. What fails before it registers tells, too.
#[test]
fn who_imports_a_file_tells_so() {
    let domain = "class D extends DomainBase {}";
    let app = App::new()
        .write("lib/esm.mjs", "export const a = 1;")
        .write("lib/cjs.cjs", "exports.a = 1;")
        .write("lib/ts.ts", "export const a: number = 1;")
        .write("lib/unused.mjs", "")
        .write("domains/esm/domain.mjs", &format!("import {{ DomainBase }} from '@fulcrum/domain';\nimport '../../lib/esm.mjs';\n{domain}\nawait new D().start();"))
        .write("domains/cjs/domain.cjs", &format!("const {{ DomainBase }} = require('@fulcrum/domain');\nrequire('../../lib/cjs.cjs');\nmodule.exports = {domain};"))
        .write("domains/ts/package.json", r#"{"type":"module"}"#)
        .write("domains/ts/domain.ts", &format!("import {{ DomainBase }} from '@fulcrum/domain';\nimport '../../lib/ts.ts';\nsetTimeout(() => import('../../lib/esm.mjs'), 1000);\nexport default {domain}"))
        .write("domains/fails/domain.mjs", "import '../../lib/esm.mjs';\nthrow new Error('boom');");
    app.run(&["dev", "--watch", "--detach"]).exits(0);
    tells(&app, "esm", &["domains/esm/domain.mjs", "lib/esm.mjs"]);
    tells(&app, "cjs", &["domains/cjs/domain.cjs", "lib/cjs.cjs"]);
    tells(
        &app,
        "ts",
        &["domains/ts/domain.ts", "lib/esm.mjs", "lib/ts.ts"],
    );
    tells(&app, "fails", &["domains/fails/domain.mjs", "lib/esm.mjs"]);
    app.down();
    assert!(told(&app, "esm").is_empty(), "nothing is left");
}
