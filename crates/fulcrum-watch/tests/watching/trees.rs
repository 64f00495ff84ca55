//! Directories that are created, removed and moved.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::{App, Events, run};
use fulcrum_watch::{
    ChangeKind, Coalescer, CoalescerConfig, Key, WatchEvent, WatchOptions, WatchedDir, WatchedFile,
};

#[tokio::test]
async fn new_directories_are_watched_with_their_content() {
    let app = App::new();
    let mut events = app.watch().await;
    let deep = app.write("domains/users/a/b/c/new.js", "first");
    events
        .expect_change(&deep, ChangeKind::Created, &["users"])
        .await;
    fs::write(&deep, "second").unwrap();
    events
        .expect_change(&deep, ChangeKind::Modified, &["users"])
        .await;
    fs::remove_dir_all(app.path("domains/users/a")).unwrap();
    events
        .expect_change(&deep, ChangeKind::Removed, &["users"])
        .await;
}

#[tokio::test]
async fn a_moved_directory_takes_its_files_along() {
    let app = App::new();
    let mut events = app.watch().await;
    let (old, new) = (
        app.path("domains/users/lib"),
        app.path("domains/users/moved"),
    );
    for _ in 0..5 {
        fs::rename(&old, &new).unwrap();
        let mut changes = [events.next_change().await, events.next_change().await]
            .map(|change| (change.path, change.kind));
        changes.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(
            changes,
            [
                (old.join("price.js"), ChangeKind::Removed),
                (new.join("price.js"), ChangeKind::Created)
            ]
        );
        let text = format!("{:?}", std::time::Duration::from_secs(1));
        fs::write(new.join("price.js"), text).unwrap();
        events
            .expect_change(&new.join("price.js"), ChangeKind::Modified, &["users"])
            .await;
        fs::rename(&new, &old).unwrap();
        events.next_change().await;
        events.next_change().await;
        fs::write(old.join("price.js"), "first").unwrap();
        events
            .expect_change(&old.join("price.js"), ChangeKind::Modified, &["users"])
            .await;
    }
}

#[tokio::test]
async fn a_directory_that_replaces_an_empty_one_is_watched() {
    let app = App::new();
    let mut events = app.watch().await;
    let path = app.path("domains/users/empty/price.js");
    for round in 0..6 {
        let empty = app.path("domains/users/empty");
        fs::create_dir_all(&empty).unwrap();
        events.expect_no_change(&app).await;
        fs::rename(app.path("domains/users/lib"), &empty).unwrap();
        events.next_change().await;
        events.next_change().await;
        fs::write(&path, format!("round {round}")).unwrap();
        events
            .expect_change(&path, ChangeKind::Modified, &["users"])
            .await;
        fs::rename(&empty, app.path("domains/users/lib")).unwrap();
        events.next_change().await;
        events.next_change().await;
    }
}

#[tokio::test]
async fn a_root_is_watched_again_after_its_parents_are_created_again() {
    let app = App::new();
    let mut events = app.watch().await;
    let path = app.path("domains/users/domain.js");
    let price = app.path("domains/users/lib/price.js");
    for round in 0..6 {
        // Its own directory, all domains, and the whole app.
        let gone = app.path(["domains/users", "domains", ""][round % 3]);
        fs::remove_dir_all(&gone).unwrap();
        let mut removed = BTreeSet::new();
        while removed.len() < if round % 3 == 0 { 2 } else { 4 } {
            let change = events.next_change().await;
            assert_eq!(change.kind, ChangeKind::Removed);
            removed.insert(change.path);
        }
        let text = format!("round {round}");
        app.write("domains/users/domain.js", &text);
        events
            .expect_change(&path, ChangeKind::Created, &["users"])
            .await;
        app.write("domains/users/domain.js", "again");
        events
            .expect_change(&path, ChangeKind::Modified, &["users"])
            .await;
        fs::create_dir_all(price.parent().unwrap()).unwrap();
        fs::write(&price, "first").unwrap();
        events
            .expect_change(&price, ChangeKind::Created, &["users"])
            .await;
        for other in ["domains/orders/domain.js", "domains/orders/lib/price.js"] {
            if round % 3 != 0 {
                let path = app.write(other, "first");
                events
                    .expect_change(&path, ChangeKind::Created, &["orders"])
                    .await;
            }
        }
    }
}

/// A process has the directories as its working directory, so the kernel does not notify of their
/// removal until it exits.
#[tokio::test]
async fn a_root_is_watched_again_while_processes_use_the_old_one() {
    let app = App::new();
    let mut events = app.watch().await;
    let path = app.path("domains/users/domain.js");
    let mut held = Vec::new();
    for round in 0..6 {
        let gone = app.path(["domains/users", "domains", ""][round % 3]);
        for dir in ["", "domains", "domains/users", "domains/users/lib"] {
            held.extend(File::open(app.path(dir)));
        }
        fs::remove_dir_all(&gone).unwrap();
        app.write("domains/users/domain.js", &format!("round {round}"));
        loop {
            let change = events.next_change().await;
            if change.path == path {
                assert_eq!(change.kind, ChangeKind::Modified);
                break;
            }
        }
        app.write("domains/users/domain.js", "again");
        loop {
            let change = events.next_change().await;
            if change.path == path {
                assert_eq!(change.kind, ChangeKind::Modified);
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_root_that_is_replaced_at_once_is_neither_removed_nor_created() {
    let app = App::new();
    let mut events = app.watch().await;
    for round in 0..6 {
        let root = app.path("domains/users");
        fs::remove_dir_all(&root).unwrap();
        app.write("domains/users/domain.js", &format!("round {round}"));
        app.write("domains/users/lib/price.js", "first");
        let end = app.write("domains/orders/end.js", &format!("{round}"));
        let mut paths = BTreeSet::new();
        loop {
            let change = events.next_change().await;
            if change.path == end {
                break;
            }
            // The other file may be reported as well: a reload may have found it missing.
            assert_eq!(
                change.kind,
                ChangeKind::Modified,
                "{}",
                change.path.display()
            );
            paths.insert(change.path);
        }
        fs::remove_file(&end).unwrap();
        events
            .expect_change(&end, ChangeKind::Removed, &["orders"])
            .await;
        assert!(paths.contains(&root.join("domain.js")), "{paths:?}");
    }
}

#[tokio::test]
async fn a_root_may_be_missing_at_the_start() {
    let app = App::new();
    let mut spec = app.spec();
    spec.dirs
        .push(WatchedDir::new("late", app.path("shared/deep/late")));
    spec.files
        .push(WatchedFile::new("env", app.path("config/prod/.env")));
    let mut events = Events::start(&spec, WatchOptions::default()).await;
    let path = app.write("shared/deep/late/a.js", "first");
    events
        .expect_change(&path, ChangeKind::Created, &["late"])
        .await;
    let path = app.write("config/prod/.env", "A=1");
    events
        .expect_change(&path, ChangeKind::Created, &["env"])
        .await;
    app.write("config/prod/.env", "A=2");
    events
        .expect_change(&path, ChangeKind::Modified, &["env"])
        .await;
    app.write("config/prod/other", "A=2");
    events.expect_no_change(&app).await;
}

#[tokio::test]
async fn swapped_links_of_a_mounted_volume_are_followed() {
    let app = App::new();
    let volume = app.path("volume");
    app.write("volume/..v0/app.env", "A=0");
    app.write("volume/..v0/same.env", "same");
    symlink("..v0", volume.join("..data")).unwrap();
    for name in ["app.env", "same.env"] {
        symlink(format!("..data/{name}"), volume.join(name)).unwrap();
    }
    let mut spec = app.spec();
    for name in ["app.env", "same.env"] {
        spec.files.push(WatchedFile::new(name, volume.join(name)));
    }
    let mut events = Events::start(&spec, WatchOptions::default()).await;
    for version in 1..50 {
        app.write(
            &format!("volume/..v{version}/app.env"),
            &format!("A={version}"),
        );
        app.write(&format!("volume/..v{version}/same.env"), "same");
        symlink(format!("..v{version}"), volume.join("..data_tmp")).unwrap();
        fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
        fs::remove_dir_all(volume.join(format!("..v{}", version - 1))).unwrap();
        events
            .expect_change(&volume.join("app.env"), ChangeKind::Modified, &["app.env"])
            .await;
    }
    events.expect_no_change(&app).await;
}

#[tokio::test]
async fn a_directory_behind_a_link_follows_the_link() {
    let app = App::new();
    app.write("releases/1/a.js", "one");
    app.write("releases/1/same.js", "same");
    app.write("releases/2/a.js", "two");
    app.write("releases/2/same.js", "same");
    symlink("releases/1", app.path("current")).unwrap();
    let mut spec = app.spec();
    spec.dirs
        .push(WatchedDir::new("current", app.path("current")));
    let mut events = Events::start(&spec, WatchOptions::default()).await;
    let path = app.path("current/a.js");
    app.write("releases/1/a.js", "one and a half");
    events
        .expect_change(&path, ChangeKind::Modified, &["current"])
        .await;
    symlink("releases/2", app.path("next")).unwrap();
    fs::rename(app.path("next"), app.path("current")).unwrap();
    events
        .expect_change(&path, ChangeKind::Modified, &["current"])
        .await;
    app.write("releases/1/a.js", "unwatched");
    events.expect_no_change(&app).await;
    app.write("releases/2/a.js", "three");
    events
        .expect_change(&path, ChangeKind::Modified, &["current"])
        .await;
}

#[tokio::test]
async fn the_target_of_a_linked_file_is_watched() {
    let app = App::new();
    let target = app.write("outside/config.js", "one");
    let link = app.path("domains/users/config.js");
    symlink(&target, &link).unwrap();
    let mut events = app.watch().await;
    fs::write(&target, "two").unwrap();
    events
        .expect_change(&link, ChangeKind::Modified, &["users"])
        .await;
    app.write("outside/other.js", "unwatched");
    events.expect_no_change(&app).await;
}

#[tokio::test]
async fn cyclic_links_are_not_followed_endlessly() {
    let app = App::new();
    symlink(".", app.path("domains/users/self")).unwrap();
    symlink("../..", app.path("domains/users/up")).unwrap();
    symlink("b", app.path("domains/a")).unwrap();
    symlink("a", app.path("domains/b")).unwrap();
    let mut spec = app.spec();
    spec.dirs
        .push(WatchedDir::new("loop", app.path("domains/a")));
    let mut events = Events::start(&spec, WatchOptions::default()).await;
    let path = app.write("domains/users/domain.js", "second");
    events
        .expect_change(&path, ChangeKind::Modified, &["users"])
        .await;
    events.expect_no_change(&app).await;
}

#[tokio::test]
async fn a_checkout_is_reported_completely_and_leads_to_two_actions_at_most() {
    const FILES: usize = 5_000;
    let app = App::new();
    for branch in ["one", "two"] {
        for file in 0..FILES {
            app.write(
                &format!("{branch}/src{}/{file}.js", file % 50),
                &format!("{branch} {file}"),
            );
        }
    }
    run(
        "cp",
        &[&"-r", &app.path("one/."), &app.path("domains/users")],
    );
    let mut events = app.watch().await;
    let config = CoalescerConfig::default();
    let pause = config.bulk_quiet;
    let mut coalescer: Coalescer<Key, PathBuf> = Coalescer::new(config);
    let mut seen = BTreeSet::new();
    let mut actions = 0;
    // On a busy machine the copy may stand still for so long that an action is right.
    let (mut pauses, mut last) = (0, None);
    let copy = {
        let (from, to) = (app.path("two/."), app.path("domains/users"));
        tokio::task::spawn_blocking(move || {
            // As git does: each file is removed and created again.
            run("cp", &[&"-r", &"--remove-destination", &from, &to]);
        })
    };
    loop {
        let deadline = coalescer.deadline().map(tokio::time::Instant::from_std);
        let timer = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            news = events.watcher.next() => {
                let Some(WatchEvent::Changes(batch)) = news else { continue };
                let now = tokio::time::Instant::now().into_std();
                let alone = batch.is_single();
                pauses += usize::from(last.is_some_and(|last| now - last >= pause));
                last = Some(now);
                for change in batch.changes {
                    // On a busy machine a file may be missing for long before it is created again.
                    match change.kind {
                        ChangeKind::Created | ChangeKind::Modified => seen.insert(change.path.clone()),
                        ChangeKind::Removed => seen.remove(&change.path),
                    };
                    coalescer.changed(change.keys[0].clone(), change.path, alone, now);
                }
            }
            () = timer => {}
        }
        actions += coalescer.due(tokio::time::Instant::now().into_std()).len();
        if seen.len() == FILES && coalescer.deadline().is_none() {
            break;
        }
    }
    copy.await.unwrap();
    assert!(
        (1..=2 + pauses).contains(&actions),
        "{actions}, {pauses} pauses"
    );
    events.expect_no_change(&app).await;
}

#[tokio::test]
async fn an_updated_spec_takes_over_without_a_gap() {
    let app = App::new();
    let mut spec = app.spec();
    spec.dirs.truncate(1);
    let mut events = Events::start(&spec, WatchOptions::default()).await;
    let path = app.write("domains/orders/domain.js", "unwatched");
    events.watcher.update(&app.spec()).await.unwrap();
    fs::write(&path, "requested").unwrap();
    events
        .expect_change(&path, ChangeKind::Modified, &["orders"])
        .await;
    app.write(
        "domains/users/domain.js",
        "saved, and then no longer requested for",
    );
    spec.dirs = vec![WatchedDir::new("renamed", app.path("domains/orders"))];
    events.watcher.update(&spec).await.unwrap();
    app.write("domains/users/domain.js", "unwatched");
    fs::write(&path, "second").unwrap();
    let mut change = events.next_change().await;
    if change.keys[0] == Key::from("users") {
        change = events.next_change().await;
    }
    assert_eq!((change.path, change.kind), (path, ChangeKind::Modified));
    assert_eq!(change.keys, [Key::from("renamed")]);
    spec.app_root = PathBuf::from("app");
    let error = events.watcher.update(&spec).await.unwrap_err();
    assert!(error.to_string().contains("is not absolute"), "{error}");
}

#[tokio::test]
async fn overlapping_directories_each_have_their_key() {
    let app = App::new();
    let mut spec = app.spec();
    spec.dirs.push(WatchedDir::new("all", app.path("domains")));
    spec.files.push(WatchedFile::new(
        "file",
        app.path("domains/users/domain.js"),
    ));
    let mut events = Events::start(&spec, WatchOptions::default()).await;
    let path = app.write("domains/users/domain.js", "second");
    events
        .expect_change(&path, ChangeKind::Modified, &["users", "all", "file"])
        .await;
    let path = app.write("domains/new/domain.js", "first");
    events
        .expect_change(&path, ChangeKind::Created, &["all"])
        .await;
}
