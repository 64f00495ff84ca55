//! Folders that come, go and move.

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use common::{App, Told, run};
use fulcrum_watch::{
    ChangeKind, Coalescer, CoalescerConfig, Key, WatchEvent, WatchOptions, WatchedDir, WatchedFile,
};

#[tokio::test]
async fn new_folders_are_watched_with_what_is_in_them() {
    let app = App::new();
    let mut told = app.watch().await;
    let deep = app.write("domains/users/a/b/c/new.js", "first");
    told.expect(&deep, ChangeKind::Created, &["users"]).await;
    fs::write(&deep, "second").unwrap();
    told.expect(&deep, ChangeKind::Modified, &["users"]).await;
    fs::remove_dir_all(app.path("domains/users/a")).unwrap();
    told.expect(&deep, ChangeKind::Removed, &["users"]).await;
}

#[tokio::test]
async fn a_folder_that_moves_takes_its_files_along() {
    let app = App::new();
    let mut told = app.watch().await;
    let (old, new) = (
        app.path("domains/users/lib"),
        app.path("domains/users/moved"),
    );
    for _ in 0..10 {
        fs::rename(&old, &new).unwrap();
        let mut changes =
            [told.change().await, told.change().await].map(|change| (change.path, change.kind));
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
        told.expect(&new.join("price.js"), ChangeKind::Modified, &["users"])
            .await;
        fs::rename(&new, &old).unwrap();
        told.change().await;
        told.change().await;
        fs::write(old.join("price.js"), "first").unwrap();
        told.expect(&old.join("price.js"), ChangeKind::Modified, &["users"])
            .await;
    }
}

#[tokio::test]
async fn a_folder_that_replaces_an_empty_one_is_watched() {
    let app = App::new();
    let mut told = app.watch().await;
    let path = app.path("domains/users/empty/price.js");
    for round in 0..20 {
        let empty = app.path("domains/users/empty");
        fs::create_dir_all(&empty).unwrap();
        told.expect_nothing(&app).await;
        fs::rename(app.path("domains/users/lib"), &empty).unwrap();
        told.change().await;
        told.change().await;
        fs::write(&path, format!("round {round}")).unwrap();
        told.expect(&path, ChangeKind::Modified, &["users"]).await;
        fs::rename(&empty, app.path("domains/users/lib")).unwrap();
        told.change().await;
        told.change().await;
    }
}

#[tokio::test]
async fn a_root_comes_back_with_its_parents() {
    let app = App::new();
    let mut told = app.watch().await;
    let path = app.path("domains/users/domain.js");
    let price = app.path("domains/users/lib/price.js");
    for round in 0..10 {
        // Its own folder, all domains, and the whole app.
        let gone = app.path(["domains/users", "domains", ""][round % 3]);
        fs::remove_dir_all(&gone).unwrap();
        let mut removed = BTreeSet::new();
        while removed.len() < if round % 3 == 0 { 2 } else { 4 } {
            let change = told.change().await;
            assert_eq!(change.kind, ChangeKind::Removed);
            removed.insert(change.path);
        }
        let text = format!("round {round}");
        app.write("domains/users/domain.js", &text);
        told.expect(&path, ChangeKind::Created, &["users"]).await;
        app.write("domains/users/domain.js", "again");
        told.expect(&path, ChangeKind::Modified, &["users"]).await;
        fs::create_dir_all(price.parent().unwrap()).unwrap();
        fs::write(&price, "first").unwrap();
        told.expect(&price, ChangeKind::Created, &["users"]).await;
        for other in ["domains/orders/domain.js", "domains/orders/lib/price.js"] {
            if round % 3 != 0 {
                let path = app.write(other, "first");
                told.expect(&path, ChangeKind::Created, &["orders"]).await;
            }
        }
    }
}

/// Somebody works in the folders, so the kernel doesn't say that they are gone until he leaves.
#[tokio::test]
async fn a_root_comes_back_while_processes_are_in_it() {
    let app = App::new();
    let mut told = app.watch().await;
    let path = app.path("domains/users/domain.js");
    let mut held = Vec::new();
    for round in 0..6 {
        let gone = app.path(["domains/users", "domains", ""][round % 3]);
        for folder in ["", "domains", "domains/users", "domains/users/lib"] {
            held.extend(File::open(app.path(folder)));
        }
        fs::remove_dir_all(&gone).unwrap();
        app.write("domains/users/domain.js", &format!("round {round}"));
        loop {
            let change = told.change().await;
            if change.path == path {
                assert_eq!(change.kind, ChangeKind::Modified);
                break;
            }
        }
        app.write("domains/users/domain.js", "again");
        loop {
            let change = told.change().await;
            if change.path == path {
                assert_eq!(change.kind, ChangeKind::Modified);
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_root_that_is_replaced_at_once_has_neither_gone_nor_come() {
    let app = App::new();
    let mut told = app.watch().await;
    for round in 0..20 {
        let root = app.path("domains/users");
        fs::remove_dir_all(&root).unwrap();
        app.write("domains/users/domain.js", &format!("round {round}"));
        app.write("domains/users/lib/price.js", "first");
        let end = app.write("domains/orders/end.js", &format!("{round}"));
        let mut paths = BTreeSet::new();
        loop {
            let change = told.change().await;
            if change.path == end {
                break;
            }
            // The other file may be told as well: a reload may have missed it for a moment.
            assert_eq!(
                change.kind,
                ChangeKind::Modified,
                "{}",
                change.path.display()
            );
            paths.insert(change.path);
        }
        fs::remove_file(&end).unwrap();
        told.expect(&end, ChangeKind::Removed, &["orders"]).await;
        assert!(paths.contains(&root.join("domain.js")), "{paths:?}");
    }
}

#[tokio::test]
async fn a_root_may_be_missing_at_the_start() {
    let app = App::new();
    let mut spec = app.spec();
    spec.trees
        .push(WatchedDir::new("late", app.path("shared/deep/late")));
    spec.files
        .push(WatchedFile::new("env", app.path("config/prod/.env")));
    let mut told = Told::start(&spec, WatchOptions::default()).await;
    let path = app.write("shared/deep/late/a.js", "first");
    told.expect(&path, ChangeKind::Created, &["late"]).await;
    let path = app.write("config/prod/.env", "A=1");
    told.expect(&path, ChangeKind::Created, &["env"]).await;
    app.write("config/prod/.env", "A=2");
    told.expect(&path, ChangeKind::Modified, &["env"]).await;
    app.write("config/prod/other", "A=2");
    told.expect_nothing(&app).await;
}

#[tokio::test]
async fn the_links_of_a_mounted_volume_are_swapped() {
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
    let mut told = Told::start(&spec, WatchOptions::default()).await;
    for version in 1..50 {
        app.write(
            &format!("volume/..v{version}/app.env"),
            &format!("A={version}"),
        );
        app.write(&format!("volume/..v{version}/same.env"), "same");
        symlink(format!("..v{version}"), volume.join("..data_tmp")).unwrap();
        fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
        fs::remove_dir_all(volume.join(format!("..v{}", version - 1))).unwrap();
        told.expect(&volume.join("app.env"), ChangeKind::Modified, &["app.env"])
            .await;
    }
    told.expect_nothing(&app).await;
}

#[tokio::test]
async fn a_tree_behind_a_link_follows_the_link() {
    let app = App::new();
    app.write("releases/1/a.js", "one");
    app.write("releases/1/same.js", "same");
    app.write("releases/2/a.js", "two");
    app.write("releases/2/same.js", "same");
    symlink("releases/1", app.path("current")).unwrap();
    let mut spec = app.spec();
    spec.trees
        .push(WatchedDir::new("current", app.path("current")));
    let mut told = Told::start(&spec, WatchOptions::default()).await;
    let path = app.path("current/a.js");
    app.write("releases/1/a.js", "one and a half");
    told.expect(&path, ChangeKind::Modified, &["current"]).await;
    symlink("releases/2", app.path("next")).unwrap();
    fs::rename(app.path("next"), app.path("current")).unwrap();
    told.expect(&path, ChangeKind::Modified, &["current"]).await;
    app.write("releases/1/a.js", "nobody's");
    told.expect_nothing(&app).await;
    app.write("releases/2/a.js", "three");
    told.expect(&path, ChangeKind::Modified, &["current"]).await;
}

#[tokio::test]
async fn what_a_linked_file_leads_to_is_watched() {
    let app = App::new();
    let target = app.write("outside/config.js", "one");
    let link = app.path("domains/users/config.js");
    symlink(&target, &link).unwrap();
    let mut told = app.watch().await;
    fs::write(&target, "two").unwrap();
    told.expect(&link, ChangeKind::Modified, &["users"]).await;
    app.write("outside/other.js", "nobody's");
    told.expect_nothing(&app).await;
}

#[tokio::test]
async fn loops_of_links_end() {
    let app = App::new();
    symlink(".", app.path("domains/users/self")).unwrap();
    symlink("../..", app.path("domains/users/up")).unwrap();
    symlink("b", app.path("domains/a")).unwrap();
    symlink("a", app.path("domains/b")).unwrap();
    let mut spec = app.spec();
    spec.trees
        .push(WatchedDir::new("loop", app.path("domains/a")));
    let mut told = Told::start(&spec, WatchOptions::default()).await;
    let path = app.write("domains/users/domain.js", "second");
    told.expect(&path, ChangeKind::Modified, &["users"]).await;
    told.expect_nothing(&app).await;
}

#[tokio::test]
async fn a_checkout_is_told_completely_and_acted_on_twice_at_most() {
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
    let mut told = app.watch().await;
    let mut coalescer: Coalescer<Key, PathBuf> = Coalescer::new(CoalescerConfig::default());
    let mut seen = BTreeSet::new();
    let mut actions = 0;
    let copy = {
        let (from, to) = (app.path("two/."), app.path("domains/users"));
        tokio::task::spawn_blocking(move || {
            // As git does it: each file is removed and made anew.
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
            news = told.watcher.next() => {
                let Some(WatchEvent::Changes(batch)) = news else { continue };
                let now = tokio::time::Instant::now().into_std();
                let alone = batch.is_single();
                for change in batch.changes {
                    // On a busy machine a file may be gone for long before it is made anew.
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
    assert!((1..=2).contains(&actions), "{actions}");
    told.expect_nothing(&app).await;
}

#[tokio::test]
async fn another_spec_takes_over_without_a_gap() {
    let app = App::new();
    let mut spec = app.spec();
    spec.trees.truncate(1);
    let mut told = Told::start(&spec, WatchOptions::default()).await;
    let path = app.write("domains/orders/domain.js", "nobody asked");
    told.watcher.update(&app.spec()).await.unwrap();
    fs::write(&path, "asked").unwrap();
    told.expect(&path, ChangeKind::Modified, &["orders"]).await;
    app.write(
        "domains/users/domain.js",
        "saved, and then no longer asked for",
    );
    spec.trees = vec![WatchedDir::new("renamed", app.path("domains/orders"))];
    told.watcher.update(&spec).await.unwrap();
    app.write("domains/users/domain.js", "nobody asks");
    fs::write(&path, "second").unwrap();
    let mut change = told.change().await;
    if change.keys[0] == Key::from("users") {
        change = told.change().await;
    }
    assert_eq!((change.path, change.kind), (path, ChangeKind::Modified));
    assert_eq!(change.keys, [Key::from("renamed")]);
    spec.app_root = PathBuf::from("app");
    let error = told.watcher.update(&spec).await.unwrap_err();
    assert!(error.to_string().contains("isn't absolute"), "{error}");
}

#[tokio::test]
async fn overlapping_trees_each_have_their_key() {
    let app = App::new();
    let mut spec = app.spec();
    spec.trees.push(WatchedDir::new("all", app.path("domains")));
    spec.files.push(WatchedFile::new(
        "file",
        app.path("domains/users/domain.js"),
    ));
    let mut told = Told::start(&spec, WatchOptions::default()).await;
    let path = app.write("domains/users/domain.js", "second");
    told.expect(&path, ChangeKind::Modified, &["users", "all", "file"])
        .await;
    let path = app.write("domains/new/domain.js", "first");
    told.expect(&path, ChangeKind::Created, &["all"]).await;
}
