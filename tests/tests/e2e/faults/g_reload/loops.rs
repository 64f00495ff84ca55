//! Domains that cause their own reloads.

use std::fs;

use fulcrum_e2e::{App, measurement};

/// W9: the loop is detected, reported with the file, and that file is ignored; other changes still
/// reload.
#[test]
fn g06_a_domain_that_writes_into_its_own_directory_is_a_reload_loop() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    let script = app.root().join("domains/users/run.sh");
    let normal = fs::read_to_string(&script).expect("readable");
    fs::write(&script, format!("date +%N > built.conf; {normal}")).expect("writable");
    app.start_watching();
    app.write_file("domains/users/code", "one");
    let reason = app.wait_for_event("users", "watch_loop", 1);
    assert!(reason.contains("built.conf"), "{reason}");
    // The edit is another cause, after which is counted anew.
    let edited = app
        .starts("users")
        .iter()
        .filter(|code| *code == "one")
        .count();
    assert!(edited <= 7, "{edited} starts with the same code");
    let starts = app.starts("users").len();
    app.write_file("domains/users/code", "two");
    app.wait_for_start("users", "two");
    assert_eq!(app.starts("users").len(), starts + 1);
    assert_eq!(app.event_reasons("users", "watch_loop").len(), 1);
    measurement(
        "G6",
        &format!("a loop is reported after {} restarts", starts - 1),
    );
    app.down();
}

/// A Node domain that generates code when it starts, and loads it.
#[test]
fn g06_a_domain_that_generates_its_own_code_is_a_reload_loop() {
    let app = App::new().write(
        "domains/users/domain.mjs",
        "import { DomainBase } from '@fulcrum/domain';\n\
         import { writeFileSync } from 'node:fs';\n\
         const file = new URL('./generated.mjs', import.meta.url);\n\
         writeFileSync(file, `export const at = ${Date.now()}${process.pid};\\n`);\n\
         await import(file);\n\
         export default class Users extends DomainBase {}\n",
    );
    app.start_watching();
    let entry = app.root().join("domains/users/domain.mjs");
    let text = fs::read_to_string(&entry).expect("readable");
    fs::write(&entry, format!("{text}// edited\n")).expect("writable");
    let reason = app.wait_for_event("users", "watch_loop", 1);
    assert!(reason.contains("generated.mjs"), "{reason}");
    let generation = app.status("users")["generation"].as_u64();
    let reloads = app.event_reasons("users", "reloading");
    let by_itself = reloads.iter().rev();
    // The edit is another cause, after which is counted anew.
    let by_itself = by_itself
        .take_while(|reason| !reason.contains("domain.mjs"))
        .count();
    assert!(by_itself <= 6, "{reloads:?}");
    let before = app.event_reasons("users", "reloaded").len();
    fs::write(&entry, format!("{text}// edited again\n")).expect("writable");
    app.wait_for_event("users", "reloaded", before + 1);
    assert_eq!(
        app.status("users")["generation"].as_u64(),
        generation.map(|last| last + 1)
    );
    measurement(
        "G6",
        &format!(
            "a loop of a Node domain is reported in generation {}",
            generation.unwrap_or(0)
        ),
    );
    app.down();
}
