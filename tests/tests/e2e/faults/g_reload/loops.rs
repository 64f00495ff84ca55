//! A domain that sets off its own reloads.

use std::fs;

use fulcrum_e2e::{App, figure};

/// W9: it is found, told with the file, and reloads no more for that; other changes count on.
#[test]
fn g06_who_writes_into_its_own_folder_is_found() {
    let app = App::new().impatient().shell_domain("users", "");
    let script = app.root().join("domains/users/run.sh");
    let normal = fs::read_to_string(&script).expect("readable");
    fs::write(&script, format!("date +%N > built.conf; {normal}")).expect("writable");
    app.up_watching();
    app.put("domains/users/code", "one");
    let told = app.wait_for_event("users", "watch_loop", 1);
    assert!(told.contains("built.conf"), "{told}");
    let starts = app.starts("users").len();
    assert!(starts <= 7, "{starts} starts");
    app.put("domains/users/code", "two");
    app.wait_for_start("users", "two");
    assert_eq!(app.starts("users").len(), starts + 1);
    assert_eq!(app.reasons("users", "watch_loop").len(), 1);
    figure(
        "G6",
        &format!("a loop is told after {} restarts", starts - 1),
    );
    app.down();
}
