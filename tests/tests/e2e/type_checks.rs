//! Types are checked beside the domains, by the app's own compiler.

use fulcrum_e2e::{App, LIMIT, wait_until};

/// A compiler that reports one error until a file named `fixed` appears.
const COMPILER: &str = r"
const { existsSync } = require('node:fs');
const [project] = process.argv.slice(-1);
const dir = require('node:path').dirname(project);
console.log('Starting compilation in watch mode...');
console.log('domains/users/domain.js(3,9): error TS2322: Type one is not two.\n  They differ.');
console.log('Found 1 error. Watching for file changes.');
const timer = setInterval(() => {
  if (!existsSync(dir + '/fixed')) return;
  clearInterval(timer);
  console.log('File change detected. Starting incremental compilation...');
  console.log('Found 0 errors. Watching for file changes.');
  setInterval(() => {}, 1000);
}, 20);
";

#[test]
fn type_errors_are_log_lines_of_the_domain_and_delay_nothing() {
    let app = App::new().domain("users", "steady");
    app.write_file("tsconfig.json", "{}");
    app.write_file("node_modules/typescript/bin/tsc", COMPILER);
    app.run(&["dev", "--detach", "--wait", "--typecheck"])
        .exits(0);
    let error = "domain.js:3:9: TS2322: Type one is not two. They differ.";
    wait_until("the error is a line of its domain", LIMIT, || {
        app.logs("users")
            .into_iter()
            .find(|line| line.message.starts_with(error))
    });
    assert_eq!(app.status("users")["ready"], true);
    app.write_file("fixed", "");
    wait_for_log(&app, "types: no errors any more");
    app.down();
    app.assert_no_processes();
}

#[test]
fn an_app_without_a_compiler_runs_and_is_told_what_to_install() {
    let app = App::new().domain("users", "steady");
    app.write_file("tsconfig.json", "{}");
    app.write_file("fulcrum.yml", "runtime:\n  typecheck: true\n");
    app.start();
    wait_for_log(&app, "types are not checked");
    wait_for_log(&app, "install `typescript`");
    app.down();
}

/// Waits for a line of the instance itself.
#[track_caller]
fn wait_for_log(app: &App, text: &str) {
    wait_until(text, LIMIT, || app.log().contains(text).then_some(()));
}
