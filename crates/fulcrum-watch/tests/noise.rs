//! What isn't news.

mod common;

use std::fs;

use common::{App, Told, run};
use fulcrum_watch::{ChangeKind, WatchOptions, WatchedFile};

#[tokio::test]
async fn the_same_content_again_is_nothing() {
    let app = App::new();
    let mut told = app.watch().await;
    let path = app.path("domains/users/domain.js");
    for _ in 0..20 {
        run("touch", &[&path]);
        run("chmod", &[&"u+x", &path]);
        app.write("domains/users/domain.js", "first");
        run("cp", &[&app.path("domains/orders/domain.js"), &path]);
        run("sed", &[&"-i", &"s/nothing/else/", &path]);
    }
    told.expect_nothing(&app).await;
}

#[tokio::test]
async fn what_tools_and_git_write_is_nothing() {
    let app = App::new();
    app.write("domains/users/node_modules/a/index.js", "first");
    let mut told = app.watch().await;
    for number in 0..500 {
        for folder in [
            "node_modules/a",
            "node_modules/new",
            ".git/objects",
            ".fulcrum/run",
            "dist",
            ".next",
        ] {
            app.write(&format!("domains/users/{folder}/{number}.js"), "written");
        }
        app.write("domains/users/out.log", &format!("{number}"));
    }
    told.expect_nothing(&app).await;
}

#[tokio::test]
async fn files_that_come_and_go_are_nothing() {
    let app = App::new();
    let mut told = app.watch().await;
    for number in 0..100 {
        let path = app.write(&format!("domains/users/tmp{number}"), "helper");
        fs::remove_file(path).unwrap();
    }
    told.expect_nothing(&app).await;
}

#[tokio::test]
async fn ignored_files_are_nothing_until_the_rules_change() {
    let app = App::new();
    app.write(".gitignore", "/domains/users/gen/\n.env\n");
    app.write("domains/users/gen/a.js", "first");
    let env = app.write(".env", "A=1");
    let mut spec = app.spec();
    spec.ignore = vec![String::from("*.md")];
    spec.trees[0].ignore = vec![String::from("/views")];
    spec.files = vec![WatchedFile::new("env", &env)];
    let mut told = Told::start(&spec, WatchOptions::default()).await;
    app.write("domains/users/gen/a.js", "second");
    app.write("domains/users/gen/deep/b.js", "second");
    app.write("domains/users/README.md", "text");
    app.write("domains/users/views/a.hbs", "text");
    told.expect_nothing(&app).await;
    let path = app.write("domains/orders/views/a.hbs", "text");
    told.expect(&path, ChangeKind::Created, &["orders"]).await;
    app.write(".env", "A=2");
    told.expect(&env, ChangeKind::Modified, &["env"]).await;

    app.write("domains/users/.gitignore", "lib\n");
    // When the rules hold isn't told; they do when a file that they concern isn't.
    told.expect_nothing(&app).await;
    app.write("domains/users/lib/price.js", "second");
    told.expect_nothing(&app).await;
    fs::remove_file(app.path("domains/users/.gitignore")).unwrap();
    let price = app.path("domains/users/lib/price.js");
    told.expect(&price, ChangeKind::Created, &["users"]).await;
    fs::write(&price, "third").unwrap();
    told.expect(&price, ChangeKind::Modified, &["users"]).await;
}
