//! After any sequence of file operations, the reported state is the state on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::App;
use fulcrum_watch::ChangeKind;

const BURSTS: u64 = 20;

/// Pseudo-random numbers, the same in every run.
struct SeededRandom(u64);

impl SeededRandom {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

/// One random operation on a directory tree. Some fail, which does not matter.
fn change_something(random: &mut SeededRandom, root: &Path, number: u64) {
    let dir = |random: &mut SeededRandom| {
        root.join(["", "lib", "a", "a/b", "c"][random.below(5) as usize])
    };
    let file = |random: &mut SeededRandom| dir(random).join(format!("{}.js", random.below(4)));
    let _ = match random.below(10) {
        0..=3 => {
            let file = file(random);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("content {number}"))
        }
        4 | 5 => {
            let file = file(random);
            let new = file.with_extension("tmp");
            fs::write(&new, format!("content {number}")).and_then(|()| fs::rename(new, file))
        }
        6 => fs::remove_file(file(random)),
        7 => fs::rename(file(random), file(random)),
        8 => fs::rename(dir(random), dir(random)),
        _ => match dir(random) {
            dir if dir == root && random.below(4) > 0 => Ok(()),
            dir => fs::remove_dir_all(dir),
        },
    };
}

fn read_tree(dir: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_tree(&path, found);
        } else if path.extension().is_some_and(|end| end == "js") {
            found.insert(path.clone(), fs::read_to_string(path).unwrap());
        }
    }
}

#[tokio::test]
async fn no_final_state_is_lost() {
    let app = App::new();
    let root = app.path("domains/users");
    let mut events = app.watch().await;
    let mut known = BTreeMap::new();
    read_tree(&root, &mut known);
    let mut random = SeededRandom(5);
    for burst in 0..BURSTS {
        for step in 0..random.below(40) {
            change_something(&mut random, &root, burst * 100 + step);
        }
        let mut found = BTreeMap::new();
        read_tree(&root, &mut found);
        while known != found {
            let change = events.next_change().await;
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
