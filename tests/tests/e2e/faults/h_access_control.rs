//! Section H: which users may use which interface, and what is printed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use fulcrum_e2e::raw::{Wire, kind};
use fulcrum_e2e::{App, binary, measurement, not_applicable, text_of};
use serde_json::Value;

const NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it exists").permissions().mode() & 0o777
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("it can be changed");
}

/// Runs a script of Node as another user; `None` where that is not possible.
fn as_nobody(app: &App, script: &str, args: &[&str]) -> Option<Value> {
    let args = [&NOBODY[..], &["node", "-e", script, "--"], args].concat();
    let run = app.program("setpriv", &args).current_dir(Path::new("/"));
    let output = run.output();
    if output.stderr.contains("setpriv:") {
        return None;
    }
    Some(output.exits(0).json())
}

/// Connects to a socket repeatedly, and prints how often that succeeded.
const CONNECT_SCRIPT: &str = r#"
const [socket, times] = process.argv.slice(1);
const net = require('node:net');
let left = Number(times), opened = 0, codes = {};
const next = () => {
  if (left-- === 0) return console.log(JSON.stringify({ opened, codes }));
  const knock = net.connect(socket);
  knock.on('connect', () => { opened += 1; knock.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'); });
  knock.on('error', (error) => { codes[error.code] = (codes[error.code] ?? 0) + 1; });
  knock.on('close', () => setImmediate(next));
};
next();
"#;

#[test]
fn h01_another_user_cannot_connect_to_the_control_socket() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    let home = app.root();
    let home = home.parent().expect("a directory");
    // All directories that are not Fulcrum's own are open.
    for open in [home, &home.join("run")] {
        open_to_all(open);
    }
    let fulcrum = binary().to_str().expect("a UTF-8 path");
    let up = ["-c", "umask 000; exec \"$0\" dev --detach --wait", fulcrum];
    app.program("sh", &up).output().exits(0);
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    let socket = text_of(&status["instance"], "socket").to_owned();
    app.down();

    // From before the socket exists until it does.
    let connections = thread::scope(|scope| {
        let knocking = scope.spawn(|| as_nobody(&app, CONNECT_SCRIPT, &[&socket, "1000"]));
        app.program("sh", &up).output().exits(0);
        knocking.join().expect("the connections were tried")
    });
    let dir = Path::new(&socket).parent().expect("a directory");
    assert_eq!(mode(Path::new(&socket)), 0o600);
    for dir in [dir, dir.parent().expect("a directory")] {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
    let Some(connections) = connections else {
        not_applicable("H1", "another user's process needs root");
        return app.down();
    };
    assert_eq!(connections["opened"], 0, "{connections}");
    measurement("H1", "0 of 1000 connections of another user were accepted");

    // Even if the files were open, the peer's user would be checked.
    for open in [Path::new(&socket), dir, dir.parent().expect("a directory")] {
        open_to_all(open);
    }
    let connections = as_nobody(&app, CONNECT_SCRIPT, &[&socket, "3"]).expect("as before");
    assert_eq!(
        connections["opened"], 3,
        "the test opened it: {connections}"
    );
    let log = app.log();
    assert!(
        log.contains("user 65534 may not control this instance"),
        "{log}"
    );
    app.down();
}

/// As another user, calls each method of both services on the TCP port, without a token.
const EVERY_METHOD: &str = r#"
const [wire, server] = process.argv.slice(1);
const http2 = require('node:http2');
const { register, send } = require(wire);
const session = http2.connect(`http://${server}`);
const status = (path) => new Promise((resolve) => {
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
  const readStatus = (headers) => { if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status'])); };
  stream.on('response', readStatus);
  stream.on('trailers', readStatus);
  stream.resume();
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
});
(async () => {
  const control = {};
  for (const method of ['Hello', 'Status', 'Change', 'Wait', 'Logs', 'Events', 'Call', 'Shutdown']) {
    control[method] = await status(`/fulcrum.control.v1.Control/${method}`);
  }
  const stream = await new Promise((resolve) => register('users', { server, registered: () => resolve(0), rejected: (code) => resolve(code) }));
  const drain = await send('users', 'drain', '{}', { server });
  const message = await send('users', 'echo_request', '{}', { server });
  session.destroy();
  process.stdout.write(JSON.stringify({ control, stream, drain, message }), () => process.exit(0));
})();
"#;

#[test]
fn h02_another_user_cannot_control_the_instance_through_the_port() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.run(&["serve", "--detach", "--wait"]).exits(0);
    let wire = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wire.cjs");
    let shared = Path::new("/tmp").join(format!("fulcrum-e2e-wire-{}.cjs", std::process::id()));
    fs::copy(wire, &shared).expect("a copy that all users can read");
    let result = as_nobody(
        &app,
        EVERY_METHOD,
        &[shared.to_str().expect("UTF-8"), &app.grpc()],
    );
    let _ = fs::remove_file(&shared);
    let Some(result) = result else {
        not_applicable("H2", "another user's process needs root");
        return app.down();
    };
    for (method, status) in result["control"].as_object().expect("a status of each") {
        assert_eq!(*status, 12, "UNIMPLEMENTED: {method} is not on TCP");
    }
    assert_eq!(result["stream"], 16, "UNAUTHENTICATED: {result}");
    assert_eq!(result["drain"]["success"], false, "{result}");
    // Callers have no tokens: they reach the handlers of a domain, and nothing else.
    assert_eq!(result["message"]["type"], "echo_response", "{result}");
    assert_eq!(app.status("users")["restarts"], 0);
    app.down();
}

/// All output of Fulcrum, while a domain has secrets.
#[test]
fn h03_tokens_and_secrets_are_shown_nowhere() {
    const SECRET: &str = "hunter2-correct-horse";
    let app = App::new().with_short_timeouts().stub_domain_with(
        "users",
        &[],
        &format!("{{env: {{SECRET_TOKEN: {SECRET}, DB_PASSWORD: {SECRET}}}}}"),
    );
    app.start();
    let leader = app.leader("users");
    let environ = fs::read(format!("/proc/{}/environ", leader.pid)).expect("it can be changed");
    let environ = String::from_utf8_lossy(&environ).into_owned();
    let token = environ
        .split('\0')
        .find_map(|line| line.strip_prefix("FULCRUM_DOMAIN_TOKEN="));
    let token = token.expect("it has a token").to_owned();
    assert!(environ.contains(SECRET), "it gets its secrets");

    // A wrong token, almost right, must not be printed either.
    let last = if token.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{last}", &token[..token.len() - 1]);
    let mut wire = Wire::connect(&app.grpc()).expect("the port is open");
    assert!(wire.register("users", Some(&wrong)).is_err());
    app.run(&["domains", "restart", "users"]).exits(0);

    let mut outputs = vec![("instance.log".to_owned(), app.log())];
    for args in [
        &["domains", "list", "-o", "json"][..],
        &["domains", "status", "-o", "json"],
        &["domains", "status", "users", "-o", "json"],
        &["domains", "status", "users"],
        &["domains", "events", "-o", "json"],
        &["domains", "logs", "-o", "json"],
        &["domains", "call", "users", "drain"],
    ] {
        let output = app.run(args);
        outputs.push((args.join(" "), output.stdout + &output.stderr));
    }
    for process in app.processes() {
        outputs.push((
            format!("the command line of {}", process.pid),
            process.command,
        ));
    }
    let now =
        fs::read(format!("/proc/{}/environ", app.leader("users").pid)).expect("it can be changed");
    let now = String::from_utf8_lossy(&now).into_owned();
    let now = now
        .split('\0')
        .find_map(|line| line.strip_prefix("FULCRUM_DOMAIN_TOKEN="));
    for (source, text) in &outputs {
        for secret in [&token, &wrong, now.expect("a new token"), SECRET] {
            assert!(!text.contains(secret), "{source} shows {secret}: {text}");
        }
    }
    measurement("H3", &format!("0 secrets in {} outputs", outputs.len()));
    app.down();
}

/// What a page in a browser can send: HTTP/1 with any body, and never gRPC's content type.
#[test]
fn h06_a_browser_page_cannot_call_domains() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    let address = app.grpc();
    for method in ["POST", "OPTIONS", "GET"] {
        let request = format!(
            "{method} /framework.FrameworkService/SendMessage HTTP/1.1\r\nHost: rebound.example\r\nOrigin: http://rebound.example\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
        );
        let response = fulcrum_e2e::raw::send(&address, request.as_bytes());
        let response = String::from_utf8_lossy(&response).to_lowercase();
        assert!(response.starts_with("http/1.1 426 "), "{response}");
        assert!(!response.contains("access-control"), "{response}");
    }
    // By HTTP/2, which browsers use over TLS only.
    let script = r#"
const session = require('node:http2').connect(`http://${process.argv[1]}`);
const stream = session.request({ ':method': 'POST', ':path': '/framework.FrameworkService/SendMessage', 'content-type': 'text/plain', origin: 'http://rebound.example' });
stream.on('response', (headers) => process.stdout.write(JSON.stringify(headers), () => process.exit(0)));
stream.end('hello');
"#;
    let response = app
        .program("node", &["-e", script, "--", &address])
        .output()
        .exits(0)
        .json();
    let refused = response[":status"] == 415 || response["grpc-status"].is_string();
    assert!(refused, "{response}");
    assert_eq!(
        response["access-control-allow-origin"],
        Value::Null,
        "{response}"
    );
    assert_eq!(app.status("users")["restarts"], 0);
    // gRPC itself keeps working.
    let mut wire = Wire::connect(&address).expect("the port is open");
    assert_eq!(wire.read().expect("its settings").kind, kind::SETTINGS);
    app.down();
}
