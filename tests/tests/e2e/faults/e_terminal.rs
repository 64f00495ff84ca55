//! Section E: terminals: E7.

use fulcrum_e2e::{App, CTRL_C, TerminalStep, binary};

/// Sequences that control a terminal, as they are written and as they are printed.
const SEQUENCES: [(&str, &str); 5] = [
    (
        "clip \x1b]52;c;ZXZpbA==\x07 end",
        "clip ␛]52;c;ZXZpbA==␇ end",
    ),
    ("title \x1b]0;owned\x1b\\ end", "title ␛]0;owned␛\\ end"),
    ("cursor \x1b[2J\x1b[1;1H end", "cursor ␛[2J␛[1;1H end"),
    ("direction \u{202e} end", "direction \\u202e end"),
    ("c1 \u{9b}2J end", "c1 \\x9b2J end"),
];

/// In `dev` and in `logs` sequences are escaped; only `--raw` prints them unchanged.
#[test]
fn e07_a_domain_does_not_control_the_terminal_except_with_raw() {
    // The window's title is a sequence of Fulcrum's own.
    let app = App::new()
        .domain("users", "drives-the-terminal")
        .write("fulcrum.yml", "runtime:\n  terminal:\n    title: false\n");
    let fulcrum = binary().to_str().expect("a UTF-8 path");
    let steps = [
        TerminalStep::Expect("1 domain ready in "),
        CTRL_C,
        TerminalStep::Exit,
    ];
    let dev = app.terminal_session(&[fulcrum, "dev"], &steps).output;
    app.start();
    let logs = app
        .terminal_session(&[fulcrum, "logs", "users"], &[TerminalStep::Exit])
        .output;
    let raw = app.terminal_session(&[fulcrum, "logs", "users", "--raw"], &[TerminalStep::Exit]);
    app.down();
    for shown in [dev, logs] {
        for (written, visible) in SEQUENCES {
            assert!(shown.contains(visible), "no {visible:?}: {shown:?}");
            assert!(!shown.contains(written), "{written:?}: {shown:?}");
        }
        // Colors are printed, and are reset at the end of their line.
        let red = "left \u{1b}[31mred\u{1b}[0m\r\n";
        assert!(shown.contains(red), "{shown:?}");
        for sequence in ["\u{1b}]", "\u{1b}[2J", "\u{202e}", "\u{9b}"] {
            assert!(!shown.contains(sequence), "{sequence:?}: {shown:?}");
        }
    }
    for (written, _) in SEQUENCES {
        assert!(
            raw.output.contains(written),
            "{written:?}: {:?}",
            raw.output
        );
    }
}
