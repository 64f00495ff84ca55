//! The environment of a domain.

use std::collections::BTreeMap;
use std::path::Path;

use fulcrum_e2e::App;

/// The environment that the latest generation of a domain printed.
#[track_caller]
fn printed_variables(app: &App, name: &str) -> BTreeMap<String, String> {
    let lines = app.logs(name);
    let lines = lines.iter().filter(|line| line.stream == "stdout");
    let pairs = lines.filter_map(|line| line.message.split_once('='));
    // Values of a later generation replace earlier ones.
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// S1: the variables of the contract.
#[test]
fn the_environment_has_the_contracted_variables() {
    let app = App::new().domain("users", "prints-environment");
    app.start();
    let env = printed_variables(&app, "users");
    assert_eq!(env["FULCRUM_GRPC_SERVER"], app.grpc());
    assert_eq!(env["FULCRUM_DOMAIN_NAME"], "users");
    assert_eq!(Path::new(&env["FULCRUM_APP_PATH"]), app.root());
    assert!(Path::new(&env["FULCRUM_APP_PATH"]).is_absolute());
    assert_eq!(env["FULCRUM_LOG_LEVEL"], "info");
    assert_eq!(env["NODE_ENV"], "development");
    assert!(
        env["FULCRUM_DOMAIN_TOKEN"].len() >= 32,
        "a short token can be guessed"
    );
    app.down();
}

/// S3: `env_file`, then `env`, each overriding inherited variables. The file is read at each start;
/// a variable removed from it is unset.
#[test]
fn an_env_file_is_read_at_every_start() {
    let app = App::new()
        .domain("users", "prints-environment")
        .write(
            "domains/users/fulcrum.yml",
            concat!(
                "process:\n",
                "  env_file: settings.env\n",
                "  env:\n",
                "    BOTH: from env\n",
                "    BUILT: ${INHERITED} and ${MISSING:-a default}\n",
            ),
        )
        .write(
            "domains/users/settings.env",
            "BAR=one\nGONE=soon\nBOTH=from the file\n",
        );
    app.fulcrum(&["dev", "--detach", "--wait"])
        .env("INHERITED", "from outside")
        .env("BAR", "from outside")
        .output()
        .exits(0);
    let env = printed_variables(&app, "users");
    assert_eq!(env["BAR"], "one");
    assert_eq!(env["BOTH"], "from env");
    assert_eq!(env["BUILT"], "from outside and a default");
    assert_eq!(env["GONE"], "soon");

    app.write_file("domains/users/settings.env", "BAR=two\n");
    app.run(&["domains", "restart", "users"]).exits(0);
    assert_eq!(printed_variables(&app, "users")["BAR"], "two");
    let status = app
        .run(&["domains", "status", "users", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["env"]["BAR"], "two");
    assert!(
        status["env"].get("GONE").is_none(),
        "a deleted variable is still set: {status}"
    );
    app.down();
}

/// S3: settings of a generation are read at each start. A file that is invalid by then changes
/// nothing, and is reported.
#[test]
fn a_variable_deleted_from_the_settings_is_unset_after_a_restart() {
    let with = "process:\n  env: { FOO: one, BAR: two }\n";
    let app = App::new()
        .domain("users", "prints-environment")
        .write("domains/users/fulcrum.yml", with);
    app.start();
    assert_eq!(printed_variables(&app, "users")["BAR"], "two");

    app.write_file(
        "domains/users/fulcrum.yml",
        "process:\n  env: { FOO: changed }\n",
    );
    app.run(&["domains", "restart", "users"]).exits(0);
    let status = app
        .run(&["domains", "status", "users", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["env"]["FOO"], "changed");
    assert!(status["env"].get("BAR").is_none(), "{status}");

    app.write_file("domains/users/fulcrum.yml", "process: {\n");
    app.run(&["domains", "restart", "users"]).exits(0);
    assert_eq!(printed_variables(&app, "users")["FOO"], "changed");
    let warned = app.logs("users").into_iter().any(|line| {
        line.message.contains("using previous settings") && line.message.contains("invalid")
    });
    assert!(warned, "{:?}", app.logs("users"));
    app.down();
}

/// S7: two automatic ports are distinct, each domain sees that of the other, and a restart keeps them.
/// A reload that changes one restarts the domain and those that depend on it.
#[test]
fn a_domain_keeps_its_port_and_sees_those_of_the_others() {
    let app = App::new()
        .domain("orders", "prints-environment")
        .domain("users", "prints-environment")
        .write(
            "domains/orders/fulcrum.yml",
            "process: {port: auto, depends_on: [users]}\n",
        )
        .write("domains/users/fulcrum.yml", "process: {port: auto}\n");
    app.start();
    let env = |name: &str| printed_variables(&app, name);
    let (orders, users) = (env("orders"), env("users"));
    assert_ne!(orders["PORT"], users["PORT"]);
    assert_eq!(orders["FULCRUM_PORT_USERS"], users["PORT"]);
    assert_eq!(users["FULCRUM_PORT_ORDERS"], orders["PORT"]);
    assert!(!users.contains_key("FULCRUM_PORT_USERS"), "{users:?}");

    app.run(&["domains", "restart", "users"]).exits(0);
    assert_eq!(env("users")["PORT"], users["PORT"]);

    app.write_file("domains/users/fulcrum.yml", "process: {port: 3999}\n");
    app.run(&["reload"]).exits(0);
    assert_eq!(env("users")["PORT"], "3999");
    assert_eq!(env("orders")["FULCRUM_PORT_USERS"], "3999");
    assert_eq!(env("orders")["PORT"], orders["PORT"]);
    app.down();
}

/// S1: the raw log has the variables as the domain printed them.
#[test]
fn the_raw_log_is_what_the_domain_wrote() {
    let app = App::new().domain("users", "prints-environment");
    app.start();
    let output = app.run(&["logs", "users", "--raw"]).exits(0);
    let text = &output.stdout;
    for name in ["GRPC_SERVER", "DOMAIN_NAME", "APP_PATH", "LOG_LEVEL"] {
        let wanted = format!("FULCRUM_{name}=");
        assert!(
            text.lines().any(|line| line.starts_with(&wanted)),
            "{name}: {text}"
        );
    }
    assert!(
        !text.contains("ready in"),
        "Fulcrum's own lines are not the domain's: {text}"
    );
    app.down();
}

/// S8: the process that Fulcrum reports is Node itself, without a shell in between.
#[test]
fn the_leader_is_node() {
    let app = App::new()
        .domain("users", "steady")
        .domain("typed", "throws-in-typescript");
    app.start();
    for name in ["users", "typed"] {
        let leader = app.leader(name);
        let exe = std::fs::read_link(format!("/proc/{}/exe", leader.pid)).unwrap();
        assert_eq!(exe.file_name().unwrap(), "node", "{name} is {leader}");
    }
    // The instance and one process for each domain, besides the cleanup guard.
    let nodes = app
        .processes()
        .into_iter()
        .filter(|process| process.command.contains("domain."));
    assert_eq!(nodes.count(), 2, "{:?}", app.processes());
    app.down();
}
