//! Section K, watching: what counts as a change, and what a running domain is given up for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use fulcrum_e2e::{App, measurement};

/// A domain that imports this file, which it finds by a link.
fn importer(specifier: &str) -> String {
    format!(
        "import {{ DomainBase }} from '@fulcrum/domain';\n\
         import {{ version }} from '{specifier}';\n\
         console.log(`runs ${{version}}`);\n\
         export default class Users extends DomainBase {{}}\n"
    )
}

fn version(number: u32) -> String {
    format!("export const version = 'v{number}';\n")
}

/// Replaces a path by a link at once, as `ln -sfn` and deployments do.
fn swap(link: &Path, target: &str) {
    let beside = link.with_file_name("next-link");
    symlink(target, &beside).expect("a link");
    fs::rename(beside, link).expect("swapped");
}

/// An app whose domain runs version 1, watched.
fn linked_app(kind: &str) -> App {
    let mut app = App::new();
    let entry = match kind {
        "..data of Kubernetes" | "a file" | "a file in its place" => importer("./price.mjs"),
        "a directory" => importer("./current/price.mjs"),
        other => panic!("{other}"),
    };
    app = app.write("domains/users/domain.mjs", &entry);
    for number in [1, 2] {
        let path = format!("domains/users/..v{number}/price.mjs");
        app = app.write(&path, &version(number));
    }
    let dir = app.root().join("domains/users");
    match kind {
        "..data of Kubernetes" => {
            symlink("..v1", dir.join("..data")).expect("a link");
            symlink("..data/price.mjs", dir.join("price.mjs")).expect("a link");
        }
        "a directory" => symlink("..v1", dir.join("current")).expect("a link"),
        _ => symlink("..v1/price.mjs", dir.join("price.mjs")).expect("a link"),
    }
    app.start_watching();
    app
}

#[test]
fn k19_a_swapped_link_is_a_change_of_what_was_loaded_through_it() {
    let kinds = [
        "..data of Kubernetes",
        "a file",
        "a directory",
        "a file in its place",
    ];
    for kind in kinds {
        let app = linked_app(kind);
        let dir = app.root().join("domains/users");
        match kind {
            "..data of Kubernetes" => swap(&dir.join("..data"), "..v2"),
            "a file" => swap(&dir.join("price.mjs"), "..v2/price.mjs"),
            "a directory" => swap(&dir.join("current"), "..v2"),
            _ => {
                let beside = dir.join("next-file");
                fs::write(&beside, version(2)).expect("written");
                fs::rename(beside, dir.join("price.mjs")).expect("renamed");
            }
        }
        app.wait_for_event("users", "reloaded", 1);
        let logs = app.logs("users");
        let ran = logs
            .iter()
            .filter(|line| line.message.starts_with("runs v"));
        let ran: Vec<&str> = ran.map(|line| line.message.as_str()).collect();
        assert_eq!(ran.first(), Some(&"runs v1"), "{kind}: {ran:?}");
        assert_eq!(ran.last(), Some(&"runs v2"), "{kind}: {ran:?}");
        assert_eq!(app.status("users")["generation"], 2, "{kind}: {ran:?}");
        app.down();
    }
    measurement(
        "K19",
        &format!("{} kinds of links swapped, each one reload", kinds.len()),
    );
}

/// Asserts that the running generation is kept, with this reason, until the file is there.
fn assert_kept(app: &App, leader: u32, times: usize, expected: &str) {
    let reason = app.wait_for_event("users", "reload_rejected", times);
    assert!(reason.contains(expected), "{reason}");
    assert_eq!(app.leader("users").pid, leader, "it was restarted");
}

#[test]
fn k20_code_that_cannot_start_leaves_the_running_generation_alone() {
    let app = App::new()
        .write("domains/users/domain.mjs", &importer("./price.mjs"))
        .write("domains/users/price.mjs", &version(1));
    app.start_watching();
    let leader = app.leader("users").pid;
    // An import of a file that is saved later.
    let price = format!("import './tax.mjs';\n{}", version(2));
    app.write_file("domains/users/price.mjs", &price);
    assert_kept(
        &app,
        leader,
        1,
        "domains/users/price.mjs:1:8: imports \"./tax.mjs\", which does not exist",
    );
    app.write_file("domains/users/tax.mjs", "export {};\n");
    app.wait_for_event("users", "reloaded", 1);
    // A file that is removed while it is still imported.
    let leader = app.leader("users").pid;
    fs::remove_file(app.root().join("domains/users/tax.mjs")).expect("removed");
    assert_kept(&app, leader, 2, "imports \"./tax.mjs\"");
    app.write_file("domains/users/tax.mjs", "export {}; // again\n");
    app.wait_for_event("users", "reloaded", 2);
    assert_ne!(app.leader("users").pid, leader);
    app.down();
}

#[test]
fn k20_an_output_directory_that_is_wiped_and_rebuilt_leaves_the_running_generation_alone() {
    let app = App::new()
        .write(
            "domains/users/fulcrum.yml",
            "process: {entry: dist/domain.mjs}\n",
        )
        .write("domains/users/dist/domain.mjs", &importer("./price.mjs"))
        .write("domains/users/dist/price.mjs", &version(1));
    app.start_watching();
    let leader = app.leader("users").pid;
    let dist = app.root().join("domains/users/dist");
    fs::remove_dir_all(&dist).expect("removed");
    app.wait_for_event("fulcrum", "config_invalid", 1);
    fs::create_dir(&dist).expect("created");
    app.write_file("domains/users/dist/domain.mjs", &importer("./price.mjs"));
    assert_kept(&app, leader, 1, "imports \"./price.mjs\"");
    app.write_file("domains/users/dist/price.mjs", &version(2));
    app.wait_for_event("users", "reloaded", 1);
    assert_eq!(app.status("users")["generation"], 2);
    app.down();
}
