//! Polling instead of notifications.

use std::fs;
use std::time::Duration;

use crate::support::{App, Events};
use fulcrum_watch::{ChangeKind, WatchOptions};

#[tokio::test]
async fn polling_reports_the_same_changes() {
    let app = App::new();
    let options = WatchOptions {
        poll: Some(Duration::from_millis(30)),
        ..WatchOptions::default()
    };
    let mut events = Events::start(&app.spec(), options).await;
    let path = app.path("domains/users/domain.js");
    for number in 0..20 {
        let new = app.write("domains/users/new.tmp", &format!("{number}"));
        fs::rename(&new, &path).unwrap();
        events
            .expect_change(&path, ChangeKind::Modified, &["users"])
            .await;
        app.write("domains/users/domain.js", &format!("number {number}"));
        events
            .expect_change(&path, ChangeKind::Modified, &["users"])
            .await;
    }
    let deep = app.write("domains/users/a/b/new.js", "first");
    events
        .expect_change(&deep, ChangeKind::Created, &["users"])
        .await;
    fs::remove_dir_all(app.path("domains/users")).unwrap();
    for _ in 0..3 {
        assert_eq!(events.next_change().await.kind, ChangeKind::Removed);
    }
    app.write("domains/users/domain.js", "back");
    events
        .expect_change(&path, ChangeKind::Created, &["users"])
        .await;
    app.write("domains/users/node_modules/a.js", "noise");
    events.expect_no_change(&app).await;
}
