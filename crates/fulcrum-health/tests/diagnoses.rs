//! Real output of Node at its exit, and the diagnoses.

use fulcrum_health::{Diagnosis, ExitContext, ProgramKind};

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn diagnose(stderr: &[String], code: Option<i32>, signal: Option<i32>) -> Option<Diagnosis> {
    fulcrum_health::diagnose(&ExitContext {
        stderr,
        kind: ProgramKind::Node,
        code,
        signal,
        domain_dir: "/app/domains/users",
        app: "/app",
        ..ExitContext::default()
    })
}

fn diagnosis(text: &str, code: i32) -> Diagnosis {
    diagnose(&lines(text), Some(code), None).expect("a known cause")
}

/// Checks the cause, a part of the hint, and whether a restart cannot help.
fn check(text: &str, cause: &str, hint: &str, permanent: bool) {
    let diagnosis = diagnosis(text, 1);
    assert_eq!(diagnosis.cause, cause);
    assert!(diagnosis.hint.contains(hint), "{}", diagnosis.hint);
    assert_eq!(diagnosis.permanent, permanent, "{cause}");
}

#[test]
fn a_port_in_use_is_named() {
    let text = "\
node:events:502
      throw er; // Unhandled 'error' event
      ^

Error: listen EADDRINUSE: address already in use :::3001
    at Server.setupListenHandle [as _listen2] (node:net:1908:16)
  code: 'EADDRINUSE',
  port: 3001
}

Node.js v20.20.2";
    check(
        text,
        "port 3001 is already in use (:::3001)",
        "sport = :3001",
        false,
    );
    let socket = "Error: listen EADDRINUSE: address already in use /run/a:1.sock";
    check(
        socket,
        "the socket /run/a:1.sock is already in use",
        "remove the file",
        false,
    );
}

#[test]
fn a_missing_package_is_to_be_installed() {
    let commonjs = "\
node:internal/modules/cjs/loader:1210
  throw err;
  ^

Error: Cannot find module 'left-pad/lib'
Require stack:
- /app/domains/users/domain.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/app/domains/users/domain.js' ]
}

Node.js v20.20.2";
    check(
        commonjs,
        "package left-pad is not installed, imported by domain.js",
        "`npm install left-pad` in domains/users",
        true,
    );
    let esm = "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@grpc/grpc-js' imported from /app/d.mjs";
    check(
        esm,
        "package @grpc/grpc-js is not installed, imported by d.mjs",
        "run `npm install @grpc/grpc-js` in the app's directory",
        true,
    );
}

#[test]
fn a_missing_file_is_not_to_be_installed() {
    let esm =
        "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/app/nope.js' imported from /app/d.mjs";
    check(
        esm,
        "file nope.js does not exist, imported by d.mjs",
        "correct the path",
        true,
    );
    let commonjs = "Error: Cannot find module './nope'\nRequire stack:\n- /app/d.js";
    check(
        commonjs,
        "file ./nope does not exist, imported by d.js",
        "path",
        true,
    );
}

#[test]
fn a_syntax_error_is_shown_with_its_line() {
    let text = "\
/app/domains/users/domain.js:3
const a = ;
          ^

SyntaxError: Unexpected token ';'
    at wrapSafe (node:internal/modules/cjs/loader:1464:18)

Node.js v20.20.2";
    check(
        text,
        "SyntaxError: Unexpected token ';' at domain.js:3",
        "correct that line",
        true,
    );
    let export = "\
file:///app/f.mjs:1
import {nope} from 'fs'
        ^^^^
SyntaxError: The requested module 'fs' does not provide an export named 'nope'
    at ModuleJob._instantiate (node:internal/modules/esm/module_job:213:21)

Node.js v20.20.2";
    check(
        export,
        "The requested module 'fs' does not provide an export named 'nope' at f.mjs:1",
        "import type",
        true,
    );
}

#[test]
fn bad_json_in_a_running_program_is_no_syntax_error_of_its_own() {
    let text = "\
undefined:1
{bad
 ^

SyntaxError: Expected property name or '}' in JSON at position 1
    at JSON.parse (<anonymous>)
    at /app/domain.js:7:14

Node.js v20.20.2";
    check(
        text,
        "SyntaxError: Expected property name or '}' in JSON at position 1 at domain.js:7:14",
        "",
        false,
    );
}

#[test]
fn the_wrong_module_kind_is_named() {
    let esm = "\
(node:32261) Warning: To load an ES module, set \"type\": \"module\" in the package.json or use the .mjs extension.
/app/u/e.js:1
import x from \"fs\"
^^^^^^

SyntaxError: Cannot use import statement outside a module
    at wrapSafe (node:internal/modules/cjs/loader:1464:18)

Node.js v20.20.2";
    check(
        esm,
        "an ES module is run as CommonJS at u/e.js:1",
        ".mjs",
        true,
    );
    let commonjs = "\
file:///app/g.mjs:1
require('fs')
^

ReferenceError: require is not defined in ES module scope, you can use import instead
    at file:///app/g.mjs:1:1

Node.js v20.20.2";
    check(
        commonjs,
        "CommonJS code is run as an ES module at g.mjs:1:1",
        ".cjs",
        true,
    );
}

#[test]
fn typescript_that_node_does_not_run() {
    let extension =
        "TypeError [ERR_UNKNOWN_FILE_EXTENSION]: Unknown file extension \".ts\" for /app/domain.ts";
    check(
        extension,
        "Unknown file extension \".ts\" for /app/domain.ts",
        "Node 22.18",
        true,
    );
    let syntax = "\
file:///app/o.ts:1
enum A {B}
^^^^^^^^^^

SyntaxError [ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX]: TypeScript enum is not supported in strip-only mode
    at parseTypeScript (node:internal/modules/typescript:68:40)

Node.js v24.21.0";
    check(
        syntax,
        "TypeScript enum is not supported in strip-only mode at o.ts:1",
        "tsx",
        true,
    );
}

#[test]
fn missing_permissions_are_named() {
    let port = "Error: listen EACCES: permission denied 0.0.0.0:80";
    check(
        port,
        "port 80 is reserved for privileged processes (0.0.0.0:80)",
        "1024",
        true,
    );
    let file = "Error: EACCES: permission denied, open '/etc/shadow'";
    check(
        file,
        "permission denied: open '/etc/shadow'",
        "access",
        true,
    );
}

#[test]
fn a_refused_connection_is_named() {
    let grpc = "Error: 14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:50051. Resolution note:";
    check(
        grpc,
        "connection refused by 127.0.0.1:50051",
        "FULCRUM_GRPC_SERVER",
        false,
    );
    let plain = "Error: connect ECONNREFUSED 127.0.0.1:5432\n    at TCPConnectWrap.afterConnect";
    check(
        plain,
        "connection refused by 127.0.0.1:5432",
        "start the server",
        false,
    );
}

#[test]
fn the_heap_limit_is_diagnosed_only_after_an_abort() {
    let text = lines(
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n\
         ----- Native stack trace -----\n 1: 0xb78db3 node::OOMErrorHandler",
    );
    let by_signal = diagnose(&text, None, Some(6)).expect("an abort");
    assert_eq!(by_signal.cause, "V8 reached its heap limit");
    assert!(diagnose(&text, Some(134), None).is_some());
    assert_eq!(diagnose(&text, None, Some(9)), None);
}

#[test]
fn bad_options_and_unsettled_awaits_are_named() {
    let option = diagnosis("node: bad option: --experimental-transform-types", 9);
    assert!(option.cause.ends_with("--experimental-transform-types"));
    assert!(option.permanent);
    let unsettled = diagnose(&[], Some(13), None).expect("known by its code");
    assert!(unsettled.cause.contains("a promise that is never resolved"));
}

#[test]
fn the_exit_codes_of_other_programs_are_their_own() {
    let other = ExitContext {
        code: Some(13),
        ..ExitContext::default()
    };
    assert_eq!(fulcrum_health::diagnose(&other), None);
    // npm and others end with the code of the Node that they run.
    let warning = lines("Warning: Detected unsettled top-level await at\nfile:///a/domain.mjs:1");
    let by_npm = ExitContext {
        stderr: &warning,
        ..other
    };
    let found = fulcrum_health::diagnose(&by_npm).expect("Node says so");
    assert!(found.cause.contains("a promise that is never resolved"));
}

#[test]
fn the_uncaught_error_counts_and_not_earlier_log_lines() {
    let text = "\
Error: connect ECONNREFUSED 127.0.0.1:5432
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)
retrying
/app/l.js:1
function f(){ const x = undefined; x.foo() }
                                     ^

TypeError: Cannot read properties of undefined (reading 'foo')
    at f (/app/l.js:1:38)

Node.js v20.20.2";
    check(
        text,
        "TypeError: Cannot read properties of undefined (reading 'foo') at l.js:1:38",
        "",
        false,
    );
}

#[test]
fn the_address_in_use_is_a_field() {
    let text = "Error: listen EADDRINUSE: address already in use 127.0.0.1:3001";
    assert_eq!(
        diagnosis(text, 1).address_in_use.as_deref(),
        Some("127.0.0.1:3001")
    );
    assert_eq!(diagnosis("node: bad option: --x", 9).address_in_use, None);
}

#[test]
fn a_built_in_module_of_a_later_node_is_named() {
    let text = "Error [ERR_UNKNOWN_BUILTIN_MODULE]: No such built-in module: node:sqlite\n    \
                at Module._load (node:internal/modules/cjs/loader:1031:13)\n    \
                at Object.<anonymous> (/app/domains/users/store.js:2:1)";
    check(
        text,
        "this version of Node has no built-in module node:sqlite at store.js:2:1",
        "process.node",
        true,
    );
}

#[test]
fn an_exhausted_resource_is_named() {
    for (text, cause, hint) in [
        (
            "Error: EMFILE: too many open files, open '/dev/null'",
            "too many open files (open '/dev/null')",
            "ulimit",
        ),
        (
            "Error: ENOSPC: no space left on device, write",
            "no space left on the disk (write)",
            "df -h",
        ),
        (
            "Error: ENOSPC: System limit for number of file watchers reached, watch '/app'",
            "the system's limit of file watchers is reached",
            "sysctl",
        ),
    ] {
        check(text, cause, hint, false);
    }
}

#[test]
fn rejections_and_thrown_values_that_are_no_errors_are_named() {
    let rejection = "\
node:internal/process/promises:389
      new UnhandledPromiseRejection(reason);
      ^

UnhandledPromiseRejection: This error originated either by throwing inside of an async function without a catch block, or by rejecting a promise which was not handled with .catch(). The promise rejected with the reason \"nope\".
    at throwUnhandledRejectionsMode (node:internal/process/promises:389:7)
  code: 'ERR_UNHANDLED_REJECTION'
}

Node.js v20.20.2";
    check(
        rejection,
        "unhandled promise rejection: \"nope\"",
        "reject with an Error",
        false,
    );
    let thrown = "\
/app/domains/users/domain.js:1
throw 'str'
^
str
(Use `node --trace-uncaught ...` to show where the exception was thrown)

Node.js v20.20.2";
    check(thrown, "uncaught str at domain.js:1", "", false);
}

#[test]
fn the_position_is_in_the_users_own_code() {
    let text = "\
/app/node_modules/pg/lib/client.js:132
          throw error
          ^

Error: no database today
    at Client.connect (/app/node_modules/pg/lib/client.js:132:11)
    at start (/app/domains/users/domain.js:7:9) {
  code: 'X'
}

Node.js v20.20.2";
    check(text, "Error: no database today at domain.js:7:9", "", false);
}

#[test]
fn a_long_message_is_truncated() {
    let text = format!("Error: {}\n\nNode.js v20.20.2", "é".repeat(10_000));
    let cause = diagnosis(&text, 1).cause;
    assert!(cause.ends_with('…') && cause.len() < 1_000, "{cause}");
}

#[test]
fn unknown_output_has_no_diagnosis() {
    for (text, code, signal) in [
        ("", Some(1), None),
        ("bye", Some(3), None),
        ("", None, Some(9)),
        ("Error handling is on", Some(1), None),
    ] {
        assert_eq!(diagnose(&lines(text), code, signal), None, "{text}");
    }
}

#[test]
fn an_error_that_the_program_reports_itself_is_the_cause() {
    let text = "\
connecting
MyProblem [Error]: bad thing
    at main (/app/domains/users/reported.js:1:123)
    at Object.<anonymous> (/app/domains/users/reported.js:1:1)
    ... 5 lines matching cause stack trace ...
    at node:internal/main/run_main_module:28:49 {
  [cause]: Error: inner
      at main (/app/domains/users/reported.js:1:158)
      at node:internal/main/run_main_module:28:49
}
shutting down";
    check(
        text,
        "MyProblem [Error]: bad thing at reported.js:1:123 (cause: Error: inner)",
        "",
        false,
    );
    let two_lines = "Error: first\nsecond line\n    at run (/app/domains/users/a.js:2:3)\n";
    check(two_lines, "Error: first at a.js:2:3", "", false);
    assert_eq!(diagnose(&lines(two_lines), Some(0), None), None);
}

#[test]
fn an_uncaught_error_of_any_class_and_its_cause_are_named() {
    let custom = "\
/app/domains/users/custom.js:1
class Db extends Error {} throw new Db('no db')
                          ^

DbProblem: no db
    at Object.<anonymous> (/app/domains/users/custom.js:1:98)
    at Module._compile (node:internal/modules/cjs/loader:1521:14) {
  code: 'E1'
}

Node.js v20.20.2";
    check(custom, "DbProblem: no db at custom.js:1:98", "", false);
    let object = "\
/app/domains/users/thrown.js:1
throw {code: 5, message: 'object'}
^
{ code: 5, message: 'object' }

Node.js v24.22.3";
    check(
        object,
        "uncaught { code: 5, message: 'object' } at thrown.js:1",
        "",
        false,
    );
    let cause = "\
/app/domains/users/cause.js:1
throw new Error('outer', {cause: new Error('inner')})
^

Error: outer
    at Object.<anonymous> (/app/domains/users/cause.js:1:7)
    ... 4 lines matching cause stack trace ...
    at node:internal/main/run_main_module:28:49 {
  [cause]: Error: inner
      at Object.<anonymous> (/app/domains/users/cause.js:1:34)
}

Node.js v20.20.2";
    check(
        cause,
        "Error: outer at cause.js:1:7 (cause: Error: inner)",
        "",
        false,
    );
}

#[test]
fn code_that_cannot_be_loaded_is_not_retried() {
    check(
        "Error [ERR_PACKAGE_PATH_NOT_EXPORTED]: Package subpath './b' is not defined by \"exports\" in /app/node_modules/exp/package.json imported from /app/domains/users/x.mjs",
        "Package subpath './b' is not defined by \"exports\" in node_modules/exp/package.json, imported by x.mjs",
        "exports",
        true,
    );
    check(
        "TypeError [ERR_IMPORT_ATTRIBUTE_MISSING]: Module \"file:///app/domains/users/d.json\" needs an import attribute of \"type: json\"",
        "the import of d.json needs an attribute",
        "with { type: 'json' }",
        true,
    );
    check(
        "Error [ERR_REQUIRE_ASYNC_MODULE]: require() cannot be used on an ESM graph with top-level await.\nRequired module: /app/domains/users/tla.mjs\nRequire stack:\n- /app/domains/users/a.cjs",
        "require() of a module with a top-level await tla.mjs",
        "import()",
        true,
    );
}

#[test]
fn a_wrong_argument_of_node_is_named_with_its_value() {
    // The options after the first are Node's own.
    let value = diagnosis(
        "Error: illegal value for flag --max-old-space-size=2G of type size_t\n\
         Try --help for options\n\
         /usr/bin/node: bad option: --max-old-space-size=2G\n\
         /usr/bin/node: bad option: --harmony-import-assertions",
        9,
    );
    assert_eq!(
        value.cause,
        "the value of --max-old-space-size=2G is not a number"
    );
    assert!(value.permanent && value.hint.contains("without a unit"));
    let file = diagnosis("/usr/bin/node: /app/.env: not found", 9);
    assert_eq!(file.cause, "the file .env of --env-file does not exist");
    let port = diagnosis("/usr/bin/node: must be 0 or in range 1024 to 65535.", 9);
    assert_eq!(
        port.cause,
        "Node rejects an option: must be 0 or in range 1024 to 65535"
    );
}

#[test]
fn a_denied_permission_names_the_resource_and_the_flag() {
    let text = "\
node:fs:621
  return binding.open(
                 ^

Error: Access to this API has been restricted. Use --allow-fs-read to manage permissions.
    at Object.readFileSync (node:fs:487:35)
    at Object.<anonymous> (/app/domains/users/perm.js:1:15) {
  code: 'ERR_ACCESS_DENIED',
  permission: 'FileSystemRead',
  resource: '/etc/hostname'
}

Node.js v24.22.3";
    check(
        text,
        "Node's permission model denies FileSystemRead of /etc/hostname at perm.js:1:15",
        "--allow-fs-read",
        true,
    );
}

#[test]
fn errors_of_python_are_its_own() {
    let traceback = "\
Traceback (most recent call last):
  File \"/app/domains/users/t.py\", line 5, in <module>
    f()
ValueError: bad
more

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File \"/app/domains/users/t.py\", line 7, in <module>
    raise RuntimeError(\"outer\") from e
RuntimeError: outer";
    check(traceback, "RuntimeError: outer at t.py:7", "", false);
    let syntax = "  File \"/app/domains/users/syn.py\", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax";
    let found = diagnosis(syntax, 1);
    assert!(found.permanent, "{found:?}");
    assert_eq!(found.cause, "SyntaxError: invalid syntax at syn.py:1");
    let import = "Traceback (most recent call last):\n  File \"/app/domains/users/imp.py\", line 1, in <module>\n    import nope\nModuleNotFoundError: No module named 'nope'";
    check(
        import,
        "ModuleNotFoundError: No module named 'nope' at imp.py:1",
        "install it",
        true,
    );
}

#[test]
fn errors_of_bun_are_its_own() {
    let boom = "\
1 | class E2 extends Error{}; throw new E2(\"boom\", {cause: new Error(\"inner\")})
                                    ^
error: boom
      at <anonymous> (/app/domains/users/boom.ts:1:33)

1 | class E2 extends Error{}; throw new E2(\"boom\", {cause: new Error(\"inner\")})
                                                               ^
error: inner
      at <anonymous> (/app/domains/users/boom.ts:1:60)

Bun v1.4.5 (Linux x64)";
    check(boom, "boom at boom.ts:1:33 (cause: inner)", "", false);
    let syntax = "1 | const x: number = ;\n                      ^\nerror: Unexpected ;\n    at /app/domains/users/syn.ts:1:19\n\nBun v1.4.5 (Linux x64)";
    check(syntax, "Unexpected ; at syn.ts:1:19", "correct", true);
    let missing = "error: Cannot find module './nope.ts' from '/app/domains/users/miss.ts'\n\nBun v1.4.5 (Linux x64)";
    assert!(diagnosis(missing, 1).permanent);
    let port = "error: Failed to start server. Is port 50999 in use?\n syscall: \"listen\",\n   errno: 0,\n    code: \"EADDRINUSE\"\n\n      at <anonymous> (/app/port.ts:1:63)\n\nBun v1.4.5 (Linux x64)";
    let port = diagnosis(port, 1);
    assert_eq!(port.cause, "port 50999 is already in use");
    assert!(port.address_in_use.is_some() && !port.permanent);
}

#[test]
fn errors_of_deno_are_its_own() {
    let rejected = "\
error: Uncaught (in promise) TypeError: rej
async function main(){ throw new TypeError(\"rej\") }; main()
                             ^
    at main (file:///app/domains/users/rej.ts:1:30)
    at Module._compile (node:module:5:1422)
Caused by: Error: inner
    at file:///app/domains/users/rej.ts:1:66";
    check(
        rejected,
        "TypeError: rej at rej.ts:1:30 (cause: Error: inner)",
        "",
        false,
    );
    let missing = "error: Module not found \"file:///app/domains/users/nope.ts\".\n    at file:///app/domains/users/miss.ts:1:15\n\nStack backtrace:\n   0: <unknown>";
    let missing = diagnosis(missing, 1);
    assert!(
        missing.permanent && missing.cause.ends_with(" at miss.ts:1:15"),
        "{missing:?}"
    );
    let denied = "error: Uncaught (in promise) NotCapable: Requires net access to \"0.0.0.0:50998\", run again with the --allow-net flag\nDeno.serve({port: 50998})\n     ^\n    at Object.<anonymous> (file:///app/domains/users/portd.ts:1:6)";
    assert!(diagnosis(denied, 1).cause.contains("--allow-net"));
}

#[test]
fn a_logged_error_is_the_cause_where_nothing_else_is_known() {
    let context = ExitContext {
        code: Some(1),
        logged_error: Some("cannot start (Error: pino boom)"),
        ..ExitContext::default()
    };
    let found = fulcrum_health::diagnose(&context).expect("a logged error");
    assert_eq!(found.cause, "cannot start (Error: pino boom)");
    let clean = ExitContext {
        code: Some(0),
        ..context
    };
    assert_eq!(fulcrum_health::diagnose(&clean), None);
}
