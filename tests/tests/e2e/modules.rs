//! Which files a domain has loaded, as its process reports them to Fulcrum.

use std::fs;
use std::path::PathBuf;

use fulcrum_e2e::{App, LIMIT, wait_until};

/// The files that a domain has reported, relative to the app's root; none before the first report.
fn reported_files(app: &App, name: &str) -> Vec<String> {
    let run = app.root().with_file_name("run").join("fulcrum");
    let dirs = fs::read_dir(run).into_iter().flatten().flatten();
    let files = dirs.map(|dir| dir.path().join("modules").join(name));
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
fn assert_reports(app: &App, name: &str, expected: &[&str]) {
    let reported_files = wait_until(&format!("{name} reports what it has loaded"), LIMIT, || {
        Some(reported_files(app, name)).filter(|reported_files| reported_files == expected)
    });
    assert_eq!(reported_files, expected);
}

/// Each domain reports the shared code that it imports, for every kind of module; packages and
/// other files of the app are not reported. Code that fails before it registers is reported, too.
#[test]
fn a_domain_reports_the_files_that_it_imports() {
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
    assert_reports(&app, "esm", &["domains/esm/domain.mjs", "lib/esm.mjs"]);
    assert_reports(&app, "cjs", &["domains/cjs/domain.cjs", "lib/cjs.cjs"]);
    assert_reports(
        &app,
        "ts",
        &["domains/ts/domain.ts", "lib/esm.mjs", "lib/ts.ts"],
    );
    assert_reports(&app, "fails", &["domains/fails/domain.mjs", "lib/esm.mjs"]);
    app.down();
    assert!(reported_files(&app, "esm").is_empty(), "no report is left");
}
