//! Whatever happens to the files, what was told last is what is there.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::App;
use fulcrum_watch::ChangeKind;

const BURSTS: u64 = 40;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

/// One thing that happens to a tree. Some can't, which is fine.
fn happens(dice: &mut Dice, root: &Path, number: u64) {
    let folder = |dice: &mut Dice| root.join(["", "lib", "a", "a/b", "c"][dice.roll(5) as usize]);
    let file = |dice: &mut Dice| folder(dice).join(format!("{}.js", dice.roll(4)));
    let _ = match dice.roll(10) {
        0..=3 => {
            let file = file(dice);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("content {number}"))
        }
        4 | 5 => {
            let file = file(dice);
            let new = file.with_extension("tmp");
            fs::write(&new, format!("content {number}")).and_then(|()| fs::rename(new, file))
        }
        6 => fs::remove_file(file(dice)),
        7 => fs::rename(file(dice), file(dice)),
        8 => fs::rename(folder(dice), folder(dice)),
        _ => match folder(dice) {
            folder if folder == root && dice.roll(4) > 0 => Ok(()),
            folder => fs::remove_dir_all(folder),
        },
    };
}

fn there(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            there(&path, found);
        } else if path.extension().is_some_and(|end| end == "js") {
            found.insert(path.clone(), fs::read_to_string(path).unwrap());
        }
    }
}

#[tokio::test]
async fn no_final_state_is_lost() {
    let app = App::new();
    let root = app.path("domains/users");
    let mut told = app.watch().await;
    let mut known = BTreeMap::new();
    there(&root, &mut known);
    let mut dice = Dice(5);
    for burst in 0..BURSTS {
        for step in 0..dice.roll(40) {
            happens(&mut dice, &root, burst * 100 + step);
        }
        let mut found = BTreeMap::new();
        there(&root, &mut found);
        while known != found {
            let change = told.change().await;
            match change.kind {
                ChangeKind::Removed => known.remove(&change.path),
                ChangeKind::Created | ChangeKind::Modified => {
                    match fs::read_to_string(&change.path) {
                        Ok(text) => known.insert(change.path, text),
                        Err(_) => known.remove(&change.path),
                    }
                }
            };
        }
    }
}
