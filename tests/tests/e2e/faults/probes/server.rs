//! A server without the Fulcrum SDK.

use fulcrum_e2e::App;

/// Listens on PORT, after the gate file exists if its argument is `wait`; responds with 503 while
/// there is a file `bad` beside the app.
const SERVER: &str = r"
const http = require('node:http');
const fs = require('node:fs');
const gate = process.env.TEST_GATE;
const bad = gate.replace(/gate$/, 'bad');
const server = http.createServer((_, response) => {
  response.statusCode = fs.existsSync(bad) ? 503 : 200;
  response.end('ok');
});
const listen = () => server.listen(Number(process.env.PORT), '127.0.0.1', () =>
  console.log('listening on ' + process.env.PORT));
const wait = () => (fs.existsSync(gate) ? listen() : setTimeout(wait, 20));
process.argv[2] === 'wait' ? wait() : listen();
";

/// Adds the server as a domain, with more settings of `process` such as `ready: {tcp: port}`.
#[must_use]
pub(super) fn server(app: App, name: &str, argument: &str, settings: &str) -> App {
    let command = format!("[node, ../../server.cjs, {argument}]");
    let text = format!("process: {{command: {command}, port: auto, {settings}}}\n");
    app.write("server.cjs", SERVER)
        .write(&format!("domains/{name}/fulcrum.yml"), &text)
}

/// Adds a program that only sleeps.
#[must_use]
pub(super) fn sleeper(app: App, name: &str, settings: &str) -> App {
    let text = format!("process: {{command: [sleep, '1000'], {settings}}}\n");
    app.write(&format!("domains/{name}/fulcrum.yml"), &text)
}

/// Makes servers respond with 503, or with 200 again.
pub(super) fn set_failing(app: &App, bad: bool) {
    let file = app.scratch_dir().join("bad");
    if bad {
        std::fs::write(file, "").expect("a file");
    } else {
        std::fs::remove_file(file).expect("it existed");
    }
}
