//! Section T, ports: automatic and fixed ones, in the environment, in values and in lists.

use std::collections::BTreeMap;
use std::net::TcpListener;

use fulcrum_e2e::{App, LIMIT, Line, wait_until};

/// The environment that a domain has printed last.
fn printed(app: &App, domain: &str) -> BTreeMap<String, String> {
    let lines = app.logs(domain).into_iter().rev();
    let mut variables = BTreeMap::new();
    for line in lines {
        if let Some((name, value)) = line.message.split_once('=') {
            variables
                .entry(name.to_owned())
                .or_insert_with(|| value.to_owned());
        }
    }
    variables
}

#[test]
fn t11_ports_are_distinct_known_to_others_shown_and_named_when_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let fixed = taken.local_addr().expect("an address").port().to_string();
    let app = App::new()
        .domain("orders", "prints-environment")
        .domain("users", "prints-environment")
        .domain("web", "prints-environment")
        .write(
            "domains/orders/fulcrum.yml",
            "process: {port: auto, env: {USERS: 'http://127.0.0.1:${ports.users}/'}}\n",
        )
        .write("domains/users/fulcrum.yml", "process: {port: auto}\n")
        .write(
            "domains/web/fulcrum.yml",
            &format!("process: {{port: {fixed}}}\n"),
        );
    app.start();
    let (orders, users) = (printed(&app, "orders"), printed(&app, "users"));
    assert_ne!(orders["PORT"], users["PORT"]);
    assert_eq!(orders["FULCRUM_PORT_USERS"], users["PORT"]);
    assert_eq!(orders["FULCRUM_PORT_WEB"], fixed);
    let url = format!("http://127.0.0.1:{}/", users["PORT"]);
    assert_eq!(orders["USERS"], url);

    let list = app.run(&["domains", "list", "-o", "json"]).exits(0).json();
    let ports: Vec<String> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|domain| domain["port"].to_string())
        .collect();
    assert_eq!(ports, [&*orders["PORT"], &users["PORT"], &fixed]);
    app.run(&["domains", "list"])
        .stdout_contains(&["PORT", &fixed, &users["PORT"]]);
    app.run(&["domains", "list", "-o", "wide"])
        .stdout_contains(&["PORT", "INSPECTOR", &fixed]);
    app.run(&["domains", "status", "web"])
        .stdout_contains(&["port", &fixed]);

    // The program that has the port is this test.
    let pid = std::process::id();
    let named = format!("port {fixed} is held by pid {pid} ");
    let is_named = |line: &Line| line.message.contains(&named);
    wait_until("the holder of the port is named", LIMIT, || {
        app.logs("web").iter().find(|line| is_named(line)).map(drop)
    });

    let unknown = "process: {env: {A: '${ports.userz}'}}\n";
    app.write_file("domains/web/fulcrum.yml", unknown);
    app.run(&["config", "validate"])
        .exits(5)
        .stderr_contains(&["did you mean `${ports.users}`?"]);
    app.down();
}
