//! Without notifications.

mod common;

use std::fs;
use std::time::Duration;

use common::{App, Told};
use fulcrum_watch::{ChangeKind, WatchOptions};

#[tokio::test]
async fn polling_sees_the_same() {
    let app = App::new();
    let options = WatchOptions {
        poll: Some(Duration::from_millis(30)),
        ..WatchOptions::default()
    };
    let mut told = Told::start(&app.spec(), options).await;
    let path = app.path("domains/users/domain.js");
    for number in 0..20 {
        let new = app.write("domains/users/new.tmp", &format!("{number}"));
        fs::rename(&new, &path).unwrap();
        told.expect(&path, ChangeKind::Modified, &["users"]).await;
        app.write("domains/users/domain.js", &format!("number {number}"));
        told.expect(&path, ChangeKind::Modified, &["users"]).await;
    }
    let deep = app.write("domains/users/a/b/new.js", "first");
    told.expect(&deep, ChangeKind::Created, &["users"]).await;
    fs::remove_dir_all(app.path("domains/users")).unwrap();
    for _ in 0..3 {
        assert_eq!(told.change().await.kind, ChangeKind::Removed);
    }
    app.write("domains/users/domain.js", "back");
    told.expect(&path, ChangeKind::Created, &["users"]).await;
    app.write("domains/users/node_modules/a.js", "noise");
    told.expect_nothing(&app).await;
}
