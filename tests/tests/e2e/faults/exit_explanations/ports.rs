//! X6: a port that is in use is reported with its holder.

use fulcrum_e2e::{App, Signal, text_of};

use super::support::{LONG_BACKOFF, assert_contains};

fn listening_domain(port: &str) -> String {
    format!(
        "const net = require('node:net');\n\
         const {{ DomainBase }} = require('@fulcrum/domain');\n\
         module.exports = class Listens extends DomainBase {{\n  \
           onStart() {{\n    \
             return new Promise((done) => net.createServer().listen({port}, '127.0.0.1', done));\n  \
           }}\n\
         }};\n"
    )
}

#[test]
fn x06_a_process_that_holds_the_port_is_named() {
    let app = App::new();
    let server = "require('net').createServer().listen(0, '127.0.0.1', \
                  function () { console.log(`port ${this.address().port} open`) })";
    let mut holder = app.spawn_command(app.program("node", &["-e", server]));
    holder.wait_for(" open");
    let output = holder.stdout();
    let port = output.split(' ').nth(1).expect("a port").to_owned();
    let app = app
        .write("domains/users/domain.js", &listening_domain(&port))
        .write("domains/users/fulcrum.yml", LONG_BACKOFF);
    app.run(&["dev", "--detach"]).exits(0);
    let users = app.wait_for("users", "waits", |users| users["phase"] == "backoff");
    assert_contains(
        text_of(&users, "reason"),
        &[
            &format!(
                "port {port} is held by pid {} (node -e require('net')",
                holder.pid()
            ),
            "which Fulcrum did not start",
        ],
    );
    holder.signal(Signal::KILL);
    holder.wait_exit();
    app.down();
}

#[test]
fn x06_a_domain_that_holds_the_port_is_named() {
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        free.local_addr().expect("its address").port().to_string()
    };
    let app = App::new()
        .write("domains/orders/domain.js", &listening_domain(&port))
        .write("domains/users/domain.js", &listening_domain(&port))
        .write(
            "domains/users/fulcrum.yml",
            &format!("{LONG_BACKOFF}  depends_on: [orders]\n"),
        );
    app.run(&["dev", "--detach"]).exits(0);
    let users = app.wait_for("users", "waits", |users| users["phase"] == "backoff");
    let pid = app.leader("orders").pid;
    assert_contains(
        text_of(&users, "reason"),
        &[
            &format!("port {port} is held by pid {pid} (node "),
            "a process of orders generation 1",
            "use another address for orders or users",
        ],
    );
    app.down();
}
