//! Real output of Node at its exit, and the diagnoses.

use fulcrum_health::{Diagnosis, ExitContext};

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn diagnose(stderr: &[String], code: Option<i32>, signal: Option<i32>) -> Option<Diagnosis> {
    fulcrum_health::diagnose(&ExitContext {
        stderr,
        code,
        signal,
        domain_dir: "/app/domains/users",
        app: "/app",
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
        "uncaught SyntaxError: Expected property name or '}' in JSON at position 1 at domain.js:7:14",
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
        "uncaught TypeError: Cannot read properties of undefined (reading 'foo') at l.js:1:38",
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
    check(
        text,
        "uncaught Error: no database today at domain.js:7:9",
        "",
        false,
    );
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
