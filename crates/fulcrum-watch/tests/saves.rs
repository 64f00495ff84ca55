//! However a file is saved, it is told once, with its whole content.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{App, dawdle, run};
use fulcrum_watch::ChangeKind;

const SAVES: u32 = 200;

/// Saves a file often, each time when the time before has been told.
async fn saved_by(save: impl Fn(&Path, &str)) {
    let app = App::new();
    let path = app.path("domains/users/domain.js");
    let mut told = app.watch().await;
    for number in 0..SAVES {
        let text = format!("export default {number};\n").repeat(50);
        save(&path, &text);
        told.expect(&path, ChangeKind::Modified, &["users"]).await;
        let found = fs::read_to_string(&path).unwrap();
        assert_eq!(found, text, "told in the middle of save {number}");
    }
    told.expect_nothing(&app).await;
}

fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_file_name(name)
}

#[tokio::test]
async fn in_place() {
    saved_by(|path, text| fs::write(path, text).unwrap()).await;
}

#[tokio::test]
async fn in_place_in_two_parts() {
    saved_by(|path, text| {
        let (one, two) = text.split_at(text.len() / 2);
        let mut file = File::create(path).unwrap();
        file.write_all(one.as_bytes()).unwrap();
        dawdle(Duration::from_millis(3));
        file.write_all(two.as_bytes()).unwrap();
    })
    .await;
}

#[tokio::test]
async fn emptied_and_filled_later() {
    saved_by(|path, text| {
        File::create(path).unwrap();
        dawdle(Duration::from_millis(3));
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    })
    .await;
}

/// Vim, with `backupcopy=no`: the old file is the backup, the new one is made anew.
#[tokio::test]
async fn as_vim_does_with_a_backup() {
    saved_by(|path, text| {
        let probe = beside(path, "4913");
        File::create(&probe).unwrap();
        fs::remove_file(&probe).unwrap();
        let swap = beside(path, ".domain.js.swp");
        fs::write(&swap, "b0VIM").unwrap();
        let backup = beside(path, "domain.js~");
        fs::rename(path, &backup).unwrap();
        fs::write(path, text).unwrap();
        fs::remove_file(&backup).unwrap();
        fs::remove_file(&swap).unwrap();
    })
    .await;
}

/// Vim, with `backupcopy=yes`: the backup is a copy.
#[tokio::test]
async fn as_vim_does_with_a_copy() {
    saved_by(|path, text| {
        let backup = beside(path, "domain.js~");
        fs::copy(path, &backup).unwrap();
        fs::write(path, text).unwrap();
        fs::remove_file(&backup).unwrap();
    })
    .await;
}

/// JetBrains, and `write-file-atomic`: a new file is renamed over the old one.
#[tokio::test]
async fn renamed_over() {
    saved_by(|path, text| {
        let new = beside(path, "domain.js.1234567");
        let mut file = File::create(&new).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.sync_all().unwrap();
        drop(file);
        fs::rename(&new, path).unwrap();
    })
    .await;
}

#[tokio::test]
async fn removed_and_made_again() {
    saved_by(|path, text| {
        fs::remove_file(path).unwrap();
        dawdle(Duration::from_millis(2));
        fs::write(path, text).unwrap();
    })
    .await;
}

#[tokio::test]
async fn by_sed() {
    let app = App::new();
    let path = app.write("domains/users/domain.js", "number 0;\n");
    let mut told = app.watch().await;
    for number in 1..=SAVES {
        let script = format!("s/number .*/number {number};/");
        run("sed", &[&"-i", &script, &path]);
        told.expect(&path, ChangeKind::Modified, &["users"]).await;
    }
    told.expect_nothing(&app).await;
}

#[tokio::test]
async fn by_cp() {
    saved_by(|path, text| {
        let new = path.ancestors().nth(3).unwrap().join("elsewhere.js");
        fs::write(&new, text).unwrap();
        run("cp", &[&new, &path]);
    })
    .await;
}

#[tokio::test]
async fn by_mv() {
    saved_by(|path, text| {
        let new = path.ancestors().nth(3).unwrap().join("elsewhere.js");
        fs::write(&new, text).unwrap();
        run("mv", &[&new, &path]);
    })
    .await;
}

/// A writer that doesn't wait for anybody: never an empty file or a part of one, and the last
/// content is told.
#[tokio::test]
async fn in_a_loop_without_rest() {
    let app = App::new();
    let path = app.path("domains/users/domain.js");
    let mut told = app.watch().await;
    let writer = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || {
            for number in 0..1000 {
                fs::write(&path, format!("{number:04};").repeat(200)).unwrap();
                dawdle(Duration::from_micros(200));
            }
        })
    };
    let last = "0999;".repeat(200);
    let mut count = 0;
    loop {
        told.expect(&path, ChangeKind::Modified, &["users"]).await;
        count += 1;
        if fs::read_to_string(&path).unwrap() == last {
            break;
        }
    }
    writer.await.unwrap();
    assert!(count <= 1000, "{count}");
}
