//! However a file is saved, one save is one restart.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use super::PARTIAL_SAVE;
use fulcrum_e2e::{App, Pace, measurement};

/// The ways in which programs save a file: its path is `$1`, its new content `$2`.
const WAYS: &[(&str, &str)] = &[
    ("in place", r#"printf %s "$2" > "$1""#),
    (
        "truncated first, written later",
        r#": > "$1"; sleep 0.05; printf %s "$2" > "$1""#,
    ),
    (
        "renamed over",
        r#"printf %s "$2" > "$1.tmp-1"; mv "$1.tmp-1" "$1""#,
    ),
    (
        "copied over",
        r#"printf %s "$2" > "$TMPDIR/new"; cp "$TMPDIR/new" "$1""#,
    ),
    ("sed -i", r#"sed -i "1s/.*/$2/" "$1""#),
    (
        "removed and recreated",
        r#"rm "$1"; sleep 0.05; printf %s "$2" > "$1""#,
    ),
    ("VS Code", r#"printf %s "$2" | dd of="$1" status=none"#),
    (
        "vim",
        r#"command -v vim > /dev/null && exec vim -u NONE -N -es -c "call setline(1, '$2')" -c wq "$1" < /dev/null
           mv "$1" "$1~"; printf '%s\n' "$2" > "$1"; rm "$1~""#,
    ),
    (
        "vim with backupcopy=no and a swap file",
        r#"command -v vim > /dev/null && exec vim -u NONE -N -es -c "set backup backupcopy=no swapfile" -c "call setline(1, '$2')" -c wq "$1" < /dev/null
           mv "$1" "$1~"; printf '%s\n' "$2" > "$1""#,
    ),
];

/// Saves `rounds` times in each way, each time after the previous content runs.
fn save_repeatedly(rounds: usize) -> usize {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    app.start_watching();
    let code = app.root().join("domains/users/code");
    let (mut saves, mut more) = (0, 0);
    for round in 0..rounds {
        for (way, script) in WAYS {
            saves += 1;
            let content = format!("content {round} of {saves}");
            let before = app.starts("users").len();
            let path = code.to_str().expect("UTF-8");
            let run = app.program("sh", &["-c", script, "sh", path, &content]);
            let out = app.scratch_dir();
            let out = out.to_str().expect("UTF-8");
            let begun_at = Instant::now();
            run.env("TMPDIR", out).output();
            let took = begun_at.elapsed();
            app.wait_for_start("users", &content);
            // Further changes of a save arrive within a burst: the next save would be part of it,
            // so the final count is checked at the end.
            let starts = app.starts("users");
            let most = if took < PARTIAL_SAVE { 1 } else { 2 };
            let restarts = starts.len() - before;
            assert!(
                (1..=most).contains(&restarts),
                "{way} in {took:?}: {starts:?}"
            );
            more += restarts - 1;
        }
    }
    // A last save, apart from the others: late changes have arrived by then.
    fs::write(&code, "the last").expect("writable");
    app.wait_for_start("users", "the last");
    assert_eq!(app.starts("users").len(), saves + more + 2);
    app.down();
    saves
}

#[test]
fn g04_each_way_to_save_is_one_restart() {
    let saves = save_repeatedly(2);
    measurement(
        "G4",
        &format!("{saves} saves in {} ways, {saves} restarts", WAYS.len()),
    );
}

#[test]
#[ignore = "long: 504 saves"]
fn g04_five_hundred_saves_are_five_hundred_restarts() {
    let saves = save_repeatedly(56);
    measurement(
        "G4",
        &format!("{saves} saves in {} ways, {saves} restarts", WAYS.len()),
    );
}

/// As Kubernetes mounts a ConfigMap: files are links through a link that is swapped.
#[test]
fn g04_a_link_that_is_swapped_is_one_restart() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    let dir = app.root().join("domains/users");
    let version = |name: &str, code: &str| {
        fs::create_dir(dir.join(name)).expect("a directory");
        fs::write(dir.join(name).join("code"), code).expect("writable");
    };
    version("..v1", "one");
    symlink("..v1", dir.join("..data")).expect("a link");
    fs::remove_file(dir.join("code")).expect("removed");
    symlink(Path::new("..data").join("code"), dir.join("code")).expect("a link");
    app.start_watching();
    for (name, code) in [("..v2", "two"), ("..v3", "three")] {
        version(name, code);
        symlink(name, dir.join("..data_tmp")).expect("a link");
        fs::rename(dir.join("..data_tmp"), dir.join("..data")).expect("swapped");
        app.wait_for_start("users", code);
    }
    app.down();
}

/// A file that is truncated and written later is not read in between.
#[test]
fn g03_a_partial_save_is_never_acted_on() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    app.start_watching();
    let dir = app.root().join("domains/users");
    let valid = fs::read_to_string(dir.join("fulcrum.yml")).expect("readable");
    for round in 0..200 {
        for (file, text) in [
            ("code", format!("round {round}")),
            ("fulcrum.yml", format!("{valid}# {round}\n")),
        ] {
            fs::write(dir.join(file), "").expect("truncated");
            fs::write(dir.join(file), text).expect("written");
        }
    }
    app.wait_for_start("users", "round 199");
    let changes = app.event_reasons("fulcrum", "config_changed");
    assert_eq!(changes, Vec::<String>::new(), "an empty file was acted on");
    assert_eq!(
        app.event_reasons("fulcrum", "config_invalid"),
        Vec::<String>::new()
    );
    app.down();
}

/// A save that changes nothing restarts no domain.
#[test]
fn g15_saving_the_same_content_restarts_no_domain() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    app.start_watching();
    let code = app.root().join("domains/users/code");
    let mut pace = Pace::start();
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        app.program("touch", &[code.to_str().expect("UTF-8")])
            .output()
            .exits(0);
        pace.step();
        fs::write(&code, "zero").expect("writable");
        longest = longest.max(pace.step());
        let beside = code.with_extension("new");
        fs::write(&beside, "zero").expect("writable");
        fs::rename(&beside, &code).expect("renamed");
    }
    // Later changes are reported after earlier ones.
    fs::write(&code, "another").expect("writable");
    app.wait_for_start("users", "another");
    // Where this test was stopped between the truncation and the write, the file was empty.
    if longest < PARTIAL_SAVE {
        assert_eq!(app.starts("users"), ["zero", "another"]);
    }
    app.down();
}
