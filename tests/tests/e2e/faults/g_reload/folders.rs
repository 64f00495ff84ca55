//! Folders that come, go and come back.

use std::fs;
use std::os::unix::fs::symlink;

use fulcrum_e2e::App;

/// D6: a new domain's folder starts, a removed one stops, and nobody else notices.
#[test]
fn g14_folders_of_domains_come_and_go() {
    let app = App::new().impatient().shell_domain("users", "");
    app.up_watching();
    let users = app.leader("users");
    let domains = app.root().join("domains");
    let copy = |name: &str| {
        let (from, to) = (domains.join("users"), domains.join(name));
        let args = [from, to].map(|path| path.to_str().expect("text").to_owned());
        app.program("cp", &["-r", &args[0], &args[1]])
            .output()
            .exits(0);
    };
    copy("pay");
    app.wait_for_event("pay", "ready", 1);
    app.put("domains/pay/code", "one");
    app.wait_for_start("pay", "one");
    fs::remove_dir_all(domains.join("pay")).expect("removed");
    app.wait_for_event("pay", "stopped", 1);
    assert_eq!(app.list().len(), 1);
    assert_eq!(
        app.starts("pay"),
        ["zero", "one"],
        "it isn't restarted while it is deleted"
    );
    copy("pay");
    app.wait_for_event("pay", "ready", 3);
    fs::rename(domains.join("pay"), domains.join("sales")).expect("renamed");
    app.wait_for_event("sales", "ready", 1);
    app.wait_for_event("pay", "stopped", 2);
    assert_eq!(app.leader("users"), users);
    app.down();
}

/// A root that is deleted and made anew is watched again; links in circles lead nowhere.
#[test]
fn g09_a_folder_that_comes_back_is_watched() {
    let app = App::new()
        .impatient()
        .shell_domain("users", ", watch: {paths: [., ../../shared]}");
    let shared = app.root().join("shared");
    fs::create_dir(&shared).expect("a folder");
    symlink(&shared, shared.join("again")).expect("a link");
    symlink("..", app.root().join("domains/users/up")).expect("a link");
    app.up_watching();
    for round in 1..4 {
        fs::remove_dir_all(&shared).expect("removed");
        fs::create_dir(&shared).expect("a folder");
        let changes = app.reasons("users", "changed").len();
        app.put("shared/lib", &format!("round {round}"));
        app.wait_for_event("users", "changed", changes + 1);
    }
    app.put("domains/users/code", "one");
    app.wait_for_start("users", "one");
    assert_eq!(app.see("users")["phase"], "running");
    app.down();
}

/// W8: who uses shared code is restarted, and nobody else.
#[test]
fn g13_shared_code_restarts_who_uses_it() {
    let app = App::new()
        .impatient()
        .shell_domain("users", ", watch: {paths: [., ../../shared]}")
        .shell_domain("orders", ", watch: {paths: [., \"../../shared/*.conf\"]}")
        .shell_domain("pay", "");
    app.put("shared/a.py", "1");
    app.put("shared/b.conf", "1");
    app.up_watching();
    app.put("shared/a.py", "2");
    app.wait_for_event("users", "reloaded", 1);
    app.put("shared/b.conf", "2");
    app.wait_for_event("users", "reloaded", 2);
    let told = app.wait_for_event("orders", "reloaded", 1);
    assert!(told.ends_with("(shared/b.conf)"), "{told}");
    assert_eq!(app.starts("orders").len(), 2);
    assert_eq!(app.starts("pay").len(), 1);
    app.down();
}
