//! Section T: every error has a code, and every code an explanation.

use fulcrum_e2e::{App, TerminalStep, measurement};

/// The codes in a text.
fn codes(text: &str) -> Vec<String> {
    let parts = text.split("[FUL").skip(1);
    let digits = parts.filter_map(|part| part.split_once(']'));
    let mut found: Vec<String> = digits.map(|(digits, _)| format!("FUL{digits}")).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn t04_errors_of_commands_have_codes_that_explain_finds() {
    let app = App::new().domain("users", "steady");
    let mut seen = Vec::new();
    for (args, code, exit) in [
        (&["domains", "list"][..], "FUL0501", 3),
        (&["domains", "restart"], "FUL0901", 2),
        (&["dev", "--nope"], "FUL0901", 2),
        (&["dev", "--only", "usres"], "FUL0521", 4),
        (&["config", "show", "usres"], "FUL0521", 4),
        (&["explain", "FUL1"], "FUL0905", 1),
        (&["logs", "--since", "5m", "--until", "1h"], "FUL0702", 2),
        (&["--app", "/nowhere", "dev"], "FUL0104", 5),
    ] {
        let output = app.run(args).exits(exit);
        assert!(
            output.stderr.contains(&format!("error[{code}]: ")),
            "{code}: {output}"
        );
        seen.extend(codes(&output.stderr));
    }
    app.write_file("domains/users/fulcrum.yml", "process: {restrat: never}\n");
    let output = app.run(&["dev"]).exits(5);
    assert_eq!(codes(&output.stderr), ["FUL0100", "FUL0120"]);
    seen.extend(codes(&output.stderr));
    for code in &seen {
        app.run(&["explain", code])
            .exits(0)
            .stdout_contains(&[code, "Example", "What to do"]);
    }
    let found = app
        .run(&["config", "validate", "-o", "json"])
        .exits(5)
        .json();
    assert_eq!(found[0]["code"], "FUL0120", "{found}");
    assert_eq!(found[0]["kind"], "unknown-key", "{found}");
    let all = app.run(&["explain", "-o", "json"]).exits(0).json();
    let number = all.as_array().expect("a list").len();
    assert!(number > 80, "{number}");
    measurement("T4", &format!("{number} codes, each with its explanation"));
}

/// The line with a mark on a terminal, and one line of text elsewhere.
#[test]
fn t04_a_terminal_shows_the_line_that_is_wrong() {
    let app = App::new()
        .domain("users", "steady")
        .write("fulcrum.yml", "runtime:\n  grcp: {}\n");
    let fulcrum = fulcrum_e2e::binary().to_str().expect("UTF-8");
    let session = app.terminal_session(
        &[fulcrum, "config", "validate", "--no-color"],
        &[TerminalStep::Expect("FUL0100"), TerminalStep::Exit],
    );
    for part in [
        "error[FUL0120]: `runtime`: unknown key `grcp`",
        "--> fulcrum.yml:2:3",
        "2 |   grcp: {}",
        "  |   ^^^^",
        "= hint: did you mean `grpc`?",
    ] {
        assert!(session.output.contains(part), "{part}: {}", session.output);
    }
    let piped = app.run(&["config", "validate"]).exits(5);
    assert!(
        piped
            .stderr
            .starts_with("fulcrum.yml:2:3: error[FUL0120]: `runtime`: unknown key `grcp`\n"),
        "{piped}"
    );
}
