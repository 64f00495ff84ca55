//! Writes that are not reported.

use std::fs;

use crate::support::{App, Events, run};
use fulcrum_watch::{ChangeKind, WatchOptions, WatchedFile};

#[tokio::test]
async fn the_same_content_again_is_no_change() {
    let app = App::new();
    let mut events = app.watch().await;
    let path = app.path("domains/users/domain.js");
    for _ in 0..20 {
        run("touch", &[&path]);
        run("chmod", &[&"u+x", &path]);
        app.write("domains/users/domain.js", "first");
        run("cp", &[&app.path("domains/orders/domain.js"), &path]);
        run("sed", &[&"-i", &"s/nothing/else/", &path]);
    }
    events.expect_no_change(&app).await;
}

#[tokio::test]
async fn output_of_tools_and_git_is_ignored() {
    let app = App::new();
    app.write("domains/users/node_modules/a/index.js", "first");
    let mut events = app.watch().await;
    for number in 0..500 {
        for dir in [
            "node_modules/a",
            "node_modules/new",
            ".git/objects",
            ".fulcrum/run",
            "dist",
            ".next",
        ] {
            app.write(&format!("domains/users/{dir}/{number}.js"), "written");
        }
        app.write("domains/users/out.log", &format!("{number}"));
    }
    events.expect_no_change(&app).await;
}

#[tokio::test]
async fn short_lived_files_are_not_reported() {
    let app = App::new();
    let mut events = app.watch().await;
    for number in 0..100 {
        let path = app.write(&format!("domains/users/tmp{number}"), "helper");
        fs::remove_file(path).unwrap();
    }
    events.expect_no_change(&app).await;
}

#[tokio::test]
async fn ignored_files_are_not_reported_until_the_rules_change() {
    let app = App::new();
    app.write(".gitignore", "/domains/users/gen/\n.env\n");
    app.write("domains/users/gen/a.js", "first");
    let env = app.write(".env", "A=1");
    let mut spec = app.spec();
    spec.ignore = vec![String::from("*.md")];
    spec.dirs[0].ignore = vec![String::from("/views")];
    spec.files = vec![WatchedFile::new("env", &env)];
    let mut events = Events::start(&spec, WatchOptions::default()).await;
    app.write("domains/users/gen/a.js", "second");
    app.write("domains/users/gen/deep/b.js", "second");
    app.write("domains/users/README.md", "text");
    app.write("domains/users/views/a.hbs", "text");
    events.expect_no_change(&app).await;
    let path = app.write("domains/orders/views/a.hbs", "text");
    events
        .expect_change(&path, ChangeKind::Created, &["orders"])
        .await;
    app.write(".env", "A=2");
    events
        .expect_change(&env, ChangeKind::Modified, &["env"])
        .await;

    app.write("domains/users/.gitignore", "lib\n");
    // The new rules apply as soon as a file that they ignore is not reported.
    events.expect_no_change(&app).await;
    app.write("domains/users/lib/price.js", "second");
    events.expect_no_change(&app).await;
    fs::remove_file(app.path("domains/users/.gitignore")).unwrap();
    let price = app.path("domains/users/lib/price.js");
    events
        .expect_change(&price, ChangeKind::Created, &["users"])
        .await;
    fs::write(&price, "third").unwrap();
    events
        .expect_change(&price, ChangeKind::Modified, &["users"])
        .await;
}
