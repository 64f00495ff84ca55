//! Section T: completions and man pages.

use std::fs;
use std::os::unix::fs::symlink;

use fulcrum_e2e::{App, binary};

/// The candidates that a shell gets for a command line, whose last word is being completed.
fn candidates(app: &App, shell: &str, line: &[&str]) -> Vec<String> {
    let args = [&["--"][..], line].concat();
    let index = (line.len() - 1).to_string();
    let output = app
        .fulcrum(&args)
        .env("COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", index)
        .env("_CLAP_IFS", "\n")
        .output()
        .exits(0);
    assert_eq!(output.stderr, "");
    output.stdout.lines().map(str::to_owned).collect()
}

/// The words of candidates, without descriptions.
fn names(app: &App, line: &[&str]) -> Vec<String> {
    let mut found = candidates(app, "bash", line);
    found.retain(|name| !name.starts_with('-'));
    found
}

#[test]
fn t05_names_are_those_of_the_configuration_and_then_of_the_instance() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady");
    assert_eq!(
        names(&app, &["fulcrum", "domains", "restart", "u"]),
        ["users"]
    );
    assert_eq!(names(&app, &["fulcrum", "dev", ""]), ["orders", "users"]);
    app.start();
    for line in [
        &["fulcrum", "domains", "restart", ""][..],
        &["fulcrum", "restart", ""],
    ] {
        assert_eq!(names(&app, line), ["orders", "users", "all"], "{line:?}");
    }
    let types = names(&app, &["fulcrum", "domains", "call", "users", ""]);
    assert!(types.contains(&"text_echo_request".to_owned()), "{types:?}");
    app.run(&["domains", "restart", "users"]).exits(0);
    let generations = names(&app, &["fulcrum", "logs", "users", "--generation", ""]);
    assert_eq!(generations, ["2", "1"]);
    // With what they are, where a shell shows it.
    let described = candidates(&app, "fish", &["fulcrum", "domains", "why", "us"]);
    assert!(
        described[0].starts_with("users\trunning: "),
        "{described:?}"
    );
    app.down();
    // A directory without an app has none, and says nothing.
    let nowhere = app
        .fulcrum(&["--", "fulcrum", "logs", ""])
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "2")
        .current_dir(std::path::Path::new("/"))
        .output()
        .exits(0);
    assert_eq!(nowhere.stderr, "");
}

#[test]
fn t05_commands_and_flags_are_completed_for_every_shell() {
    let app = App::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let commands = candidates(&app, shell, &["fulcrum", "domains", "rest"]);
        assert!(commands[0].starts_with("restart"), "{shell}: {commands:?}");
        let flags = candidates(&app, shell, &["fulcrum", "dev", "--det"]);
        assert!(flags[0].starts_with("--detach"), "{shell}: {flags:?}");
        let script = app.run(&["completions", shell]).exits(0).stdout;
        assert!(script.contains("COMPLETE"), "{shell}: {script}");
    }
    app.run(&["completions", "tcsh"]).exits(2);
    let hidden = candidates(&app, "bash", &["fulcrum", "__"]);
    assert!(hidden.iter().all(|name| name.is_empty()), "{hidden:?}");
}

#[test]
fn t05_bash_completes_with_the_script() {
    let app = App::new().domain("users", "steady");
    let bin = app.scratch_dir().join("bin");
    fs::create_dir_all(&bin).expect("a directory");
    symlink(binary(), bin.join("fulcrum")).expect("a link");
    let path = std::env::var("PATH").expect("PATH is set");
    let script = "source <(fulcrum completions bash) \
        && COMP_WORDS=(fulcrum domains stop us) COMP_CWORD=3 COMP_TYPE=9 \
        && _clap_complete_fulcrum fulcrum us stop 2>/dev/null; printf '%s\\n' \"${COMPREPLY[@]}\"";
    app.program("bash", &["-c", script])
        .env("PATH", format!("{}:{path}", bin.display()))
        .output()
        .exits(0)
        .stdout_contains(&["users\n"]);
}

#[test]
fn t05_every_command_has_a_man_page() {
    let app = App::new();
    let dir = app.scratch_dir().join("man");
    fs::create_dir(&dir).expect("a directory");
    app.run(&["__man", dir.to_str().expect("UTF-8")]).exits(0);
    for page in [
        "fulcrum.1",
        "fulcrum-dev.1",
        "fulcrum-domains-restart.1",
        "fulcrum-init.1",
    ] {
        let text = fs::read_to_string(dir.join(page)).expect(page);
        assert!(
            text.contains(".SH NAME") && text.contains(".SH OPTIONS"),
            "{page}: {text}"
        );
    }
    let names = fs::read_dir(&dir).expect("it exists").flatten();
    assert!(
        names
            .map(|entry| entry.file_name())
            .all(|name| !name.to_string_lossy().contains("__"))
    );
}
