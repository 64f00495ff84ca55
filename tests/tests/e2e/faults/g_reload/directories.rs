//! Directories that are added, removed and recreated.

use std::fs;
use std::os::unix::fs::symlink;

use fulcrum_e2e::App;

/// D6: the domain of a new directory starts, one of a removed directory stops, and others are not
/// affected.
#[test]
fn g14_domain_directories_can_be_added_and_removed() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    app.start_watching();
    let users = app.leader("users");
    let domains = app.root().join("domains");
    let copy = |name: &str| {
        let (from, to) = (domains.join("users"), domains.join(name));
        let args = [from, to].map(|path| path.to_str().expect("UTF-8").to_owned());
        app.program("cp", &["-r", &args[0], &args[1]])
            .output()
            .exits(0);
    };
    copy("pay");
    app.wait_for_event("pay", "ready", 1);
    app.write_file("domains/pay/code", "one");
    app.wait_for_start("pay", "one");
    fs::remove_dir_all(domains.join("pay")).expect("removed");
    app.wait_for_event("pay", "stopped", 1);
    assert_eq!(app.list().len(), 1);
    assert_eq!(
        app.starts("pay"),
        ["zero", "one"],
        "it is not restarted while it is deleted"
    );
    copy("pay");
    app.wait_for_event("pay", "ready", 3);
    fs::rename(domains.join("pay"), domains.join("sales")).expect("renamed");
    app.wait_for_event("sales", "ready", 1);
    app.wait_for_event("pay", "stopped", 2);
    assert_eq!(app.leader("users"), users);
    app.down();
}

/// A root that is removed and recreated is watched again; symlink loops are not followed.
#[test]
fn g09_a_recreated_directory_is_watched() {
    let app = App::new()
        .with_short_timeouts()
        .shell_domain("users", ", watch: {paths: [., ../../shared]}");
    let shared = app.root().join("shared");
    fs::create_dir(&shared).expect("a directory");
    symlink(&shared, shared.join("again")).expect("a link");
    symlink("..", app.root().join("domains/users/up")).expect("a link");
    app.start_watching();
    for round in 1..4 {
        fs::remove_dir_all(&shared).expect("removed");
        fs::create_dir(&shared).expect("a directory");
        let changes = app.event_reasons("users", "changed").len();
        app.write_file("shared/lib", &format!("round {round}"));
        app.wait_for_event("users", "changed", changes + 1);
    }
    app.write_file("domains/users/code", "one");
    app.wait_for_start("users", "one");
    app.wait_for("users", "runs", |users| users["phase"] == "running");
    app.down();
}

/// W8: domains that use shared code are restarted, and no others.
#[test]
fn g13_shared_code_restarts_the_domains_that_use_it() {
    let app = App::new()
        .with_short_timeouts()
        .shell_domain("users", ", watch: {paths: [., ../../shared]}")
        .shell_domain("orders", ", watch: {paths: [., \"../../shared/*.conf\"]}")
        .shell_domain("pay", "");
    app.write_file("shared/a.py", "1");
    app.write_file("shared/b.conf", "1");
    app.start_watching();
    app.write_file("shared/a.py", "2");
    app.wait_for_event("users", "reloaded", 1);
    app.write_file("shared/b.conf", "2");
    app.wait_for_event("users", "reloaded", 2);
    let reason = app.wait_for_event("orders", "reloaded", 1);
    assert!(reason.ends_with("(shared/b.conf)"), "{reason}");
    assert_eq!(app.starts("orders").len(), 2);
    assert_eq!(app.starts("pay").len(), 1);
    app.down();
}
