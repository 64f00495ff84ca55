//! However a file is saved, it is reported once, when its content is complete.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::{App, pause, run};
use fulcrum_watch::ChangeKind;

const SAVES: u32 = 200;

/// Saves a file many times, each time after the previous change was reported.
async fn assert_reported_once(save: impl Fn(&Path, &str)) {
    let app = App::new();
    let path = app.path("domains/users/domain.js");
    let mut events = app.watch().await;
    for number in 0..SAVES {
        let text = format!("export default {number};\n").repeat(50);
        save(&path, &text);
        events
            .expect_change(&path, ChangeKind::Modified, &["users"])
            .await;
        let found = fs::read_to_string(&path).unwrap();
        assert_eq!(found, text, "events in the middle of save {number}");
    }
    events.expect_no_change(&app).await;
}

fn sibling(path: &Path, name: &str) -> PathBuf {
    path.with_file_name(name)
}

#[tokio::test]
async fn written_in_place() {
    assert_reported_once(|path, text| fs::write(path, text).unwrap()).await;
}

#[tokio::test]
async fn written_in_two_parts() {
    assert_reported_once(|path, text| {
        let (one, two) = text.split_at(text.len() / 2);
        let mut file = File::create(path).unwrap();
        file.write_all(one.as_bytes()).unwrap();
        pause(Duration::from_millis(3));
        file.write_all(two.as_bytes()).unwrap();
    })
    .await;
}

#[tokio::test]
async fn truncated_and_written_later() {
    assert_reported_once(|path, text| {
        File::create(path).unwrap();
        pause(Duration::from_millis(3));
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    })
    .await;
}

/// Vim, with `backupcopy=no`: the old file becomes the backup, and a new file is created.
#[tokio::test]
async fn saved_by_vim_with_a_renamed_backup() {
    assert_reported_once(|path, text| {
        let probe = sibling(path, "4913");
        File::create(&probe).unwrap();
        fs::remove_file(&probe).unwrap();
        let swap = sibling(path, ".domain.js.swp");
        fs::write(&swap, "b0VIM").unwrap();
        let backup = sibling(path, "domain.js~");
        fs::rename(path, &backup).unwrap();
        fs::write(path, text).unwrap();
        fs::remove_file(&backup).unwrap();
        fs::remove_file(&swap).unwrap();
    })
    .await;
}

/// Vim, with `backupcopy=yes`: the backup is a copy.
#[tokio::test]
async fn saved_by_vim_with_a_copied_backup() {
    assert_reported_once(|path, text| {
        let backup = sibling(path, "domain.js~");
        fs::copy(path, &backup).unwrap();
        fs::write(path, text).unwrap();
        fs::remove_file(&backup).unwrap();
    })
    .await;
}

/// JetBrains, and `write-file-atomic`: a new file is renamed over the old one.
#[tokio::test]
async fn renamed_over() {
    assert_reported_once(|path, text| {
        let new = sibling(path, "domain.js.1234567");
        let mut file = File::create(&new).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.sync_all().unwrap();
        drop(file);
        fs::rename(&new, path).unwrap();
    })
    .await;
}

#[tokio::test]
async fn removed_and_created_again() {
    assert_reported_once(|path, text| {
        fs::remove_file(path).unwrap();
        pause(Duration::from_millis(2));
        fs::write(path, text).unwrap();
    })
    .await;
}

#[tokio::test]
async fn saved_by_sed() {
    let app = App::new();
    let path = app.write("domains/users/domain.js", "number 0;\n");
    let mut events = app.watch().await;
    for number in 1..=SAVES {
        let script = format!("s/number .*/number {number};/");
        run("sed", &[&"-i", &script, &path]);
        events
            .expect_change(&path, ChangeKind::Modified, &["users"])
            .await;
    }
    events.expect_no_change(&app).await;
}

#[tokio::test]
async fn saved_by_cp() {
    assert_reported_once(|path, text| {
        let new = path.ancestors().nth(3).unwrap().join("elsewhere.js");
        fs::write(&new, text).unwrap();
        run("cp", &[&new, &path]);
    })
    .await;
}

#[tokio::test]
async fn saved_by_mv() {
    assert_reported_once(|path, text| {
        let new = path.ancestors().nth(3).unwrap().join("elsewhere.js");
        fs::write(&new, text).unwrap();
        run("mv", &[&new, &path]);
    })
    .await;
}

/// A writer without pauses: the file is never reported empty or incomplete, and its last content is
/// reported.
#[tokio::test]
async fn written_continuously() {
    let app = App::new();
    let path = app.path("domains/users/domain.js");
    let mut events = app.watch().await;
    let writer = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || {
            for number in 0..1000 {
                fs::write(&path, format!("{number:04};").repeat(200)).unwrap();
                pause(Duration::from_micros(200));
            }
        })
    };
    let last = "0999;".repeat(200);
    let mut count = 0;
    loop {
        events
            .expect_change(&path, ChangeKind::Modified, &["users"])
            .await;
        count += 1;
        if fs::read_to_string(&path).unwrap() == last {
            break;
        }
    }
    writer.await.unwrap();
    assert!(count <= 1000, "{count}");
}
