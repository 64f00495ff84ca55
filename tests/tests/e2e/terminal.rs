//! G1: output without a terminal.

use fulcrum_e2e::{App, Signal};

/// Piped output has no escape sequences of Fulcrum; each line is prefixed with its domain's name.
#[test]
fn piped_output_is_plain_and_prefixed() {
    let app = App::new()
        .domain("users", "steady")
        .domain("catalog", "steady");
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("2 domains ready in ");
    dev.signal(Signal::INT);
    let output = dev.wait_exit().exits(0);
    assert!(
        !output.stdout.contains('\x1b') && !output.stderr.contains('\x1b'),
        "{output}"
    );
    let prefix_width = |name: &str, text: &str| {
        let line = output.stdout.lines().find(|line| line.ends_with(text));
        let line = line.unwrap_or_else(|| panic!("no line {text:?}: {output}"));
        let (before, after) = line.split_once(" │ ").unwrap_or_else(|| panic!("{line:?}"));
        assert_eq!((before.trim_end(), after), (name, text), "{output}");
        before.chars().count()
    };
    let width = prefix_width("users", "hello from users");
    assert_eq!(
        width,
        prefix_width("catalog", "hello from catalog"),
        "the columns are not aligned"
    );
    assert_eq!(output.stderr, "", "log lines go to standard output");
}

/// Colors of a domain's own output are printed to a terminal only.
#[test]
fn colors_of_a_domain_do_not_reach_a_pipe() {
    let app = App::new().domain("users", "colors-its-output");
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("1 domain ready in ");
    dev.signal(Signal::INT);
    let output = dev.wait_exit().exits(0);
    assert!(output.stdout.contains("red text"), "{output}");
    assert!(!output.stdout.contains('\x1b'), "{output}");
}
