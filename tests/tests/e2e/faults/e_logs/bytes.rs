//! E6, E7: arbitrary bytes.

use std::fs;

use fulcrum_e2e::{App, LIMIT, SeededRandom, TerminalStep, binary, wait_until};

/// An app whose domain has written these bytes.
#[track_caller]
fn app_that_wrote(bytes: &[u8]) -> App {
    let app = App::new();
    let file = app.scratch_dir().join("bytes");
    fs::write(&file, bytes).expect("written");
    let file = file.to_str().expect("UTF-8").to_owned();
    let app = app.stub_domain("users", &["--write", &file]);
    app.start();
    app.wait_for_event_count("users", "written", 1);
    app
}

/// The bytes that `fulcrum` prints with these arguments.
#[track_caller]
fn printed_bytes(app: &App, args: &str) -> Vec<u8> {
    let file = app.scratch_dir().join("printed");
    let script = format!("{} {args} > {}", binary().display(), file.display());
    app.program("bash", &["-c", &script]).output().exits(0);
    fs::read(file).expect("printed")
}

fn hostile_bytes() -> Vec<u8> {
    let all: Vec<u8> = (0..=255).collect();
    let mut bytes = [
        &all[..],
        b"\n\ncr\rcr\r\r\ncrlf\r\n\r\n\0\0nul\n",
        b"\xff\xfe \xed\xa0\x80 lone \xed\xbf\xbf \xc0\xaf \xf0\x9f\x98 \xf4\x90\x80\x80\n",
        "ünïcödé 😀\u{2028}\u{202e}\n".as_bytes(),
        b"{\"json\":\n\x1b]52;c;eA==\x07\x9b2J\n",
    ]
    .concat();
    // Characters of four bytes, which are split by reads and at 64 KiB.
    bytes.extend("😀".repeat(50_000).as_bytes());
    bytes.extend(b"a\n");
    let mut random = SeededRandom::new(6);
    bytes.extend((0..100_000).map(|_| u8::try_from(random.below(256)).unwrap_or_default()));
    bytes
}

#[test]
fn e06_any_bytes_are_stored_unchanged_and_json_stays_utf8() {
    let bytes = hostile_bytes();
    let app = app_that_wrote(&bytes);
    // An incomplete line is printed once nothing follows it, but for the beginning of a character.
    let is_end = |byte: &u8| *byte == b'\n';
    let ended = bytes.iter().rposition(is_end).expect("lines") + 1;
    wait_until("all of it is read", LIMIT, || {
        let running = printed_bytes(&app, "logs users --stream stdout --raw");
        assert!(bytes.starts_with(&running), "they differ while it runs");
        (running.len() >= ended).then_some(())
    });
    app.down();
    let stored = printed_bytes(&app, "logs users --stream stdout --raw");
    assert!(stored == bytes, "they differ on disk");
    let json = printed_bytes(&app, "logs users --stream stdout -o json");
    let text = String::from_utf8(json).expect("JSON is UTF-8");
    assert!(!text.chars().any(|char| char.is_control() && char != '\n'));
    let lines = fulcrum_e2e::json_lines(&text);
    assert!(lines.len() > 300, "{}", lines.len());
    let whole = lines.iter().filter(|line| line["partial"] != true).count();
    assert_eq!(whole, bytes.iter().filter(|byte| is_end(byte)).count());
}

const ESCAPES: &[u8] = b"\
\x1b[31mred\x1b[0m plain
open \x1b[1;38;5;200mcolor
\x1b]52;c;ZXZpbA==\x07clipboard
\x1b]0;title\x07\x1b]2;title\x1b\\
\x1b[2J\x1b[H\x1b[10A\x1b[?1049h
\xc2\x9b2J\xc2\x9d0;t\xc2\x9c
\x1bPq#0;2;0;0;0\x1b\\ \x1bc
a\x08b\x0bc\x0cd\x7f\ttab
over\rwritten\r
\x1b[6n\x05\x1b[c
";

const PIPED: &str = "\
users   │ red plain
users   │ open color
users   │ ␛]52;c;ZXZpbA==␇clipboard
users   │ ␛]0;title␇␛]2;title␛\\
users   │ ␛[2J␛[H␛[?1049h
users   │ \\x9b2J\\x9d0;t\\x9c
users   │ ␛Pq#0;2;0;0;0␛\\ ␛c
users   │ b␋c␌d␡\ttab
users   │ written
users   │ ␛[6n␅␛[c
";

#[test]
fn e07_escape_sequences_do_nothing_to_a_terminal_or_a_pipe() {
    let app = app_that_wrote(ESCAPES);
    let piped = app.run(&["logs", "users", "--stream", "stdout"]).exits(0);
    assert_eq!(piped.stdout, PIPED);

    let fulcrum = binary().to_str().expect("UTF-8");
    let logs = [fulcrum, "logs", "users", "--stream", "stdout"];
    let session = app.terminal_session(&logs, &[TerminalStep::Exit]);
    let prefix = session
        .output
        .split('│')
        .next()
        .expect("a prefix")
        .to_owned()
        + "│\x1b[0m ";
    let expected: String = PIPED
        .replace("red plain", "\x1b[31mred\x1b[0m plain")
        .replace("open color", "open \x1b[1;38;5;200mcolor\x1b[0m")
        .replace("users   │ ", &prefix)
        .replace('\n', "\r\n");
    assert_eq!(session.output, expected);
    let color = prefix
        .strip_prefix("\x1b[38;5;")
        .and_then(|rest| rest.split_once('m'));
    assert!(
        color.is_some_and(
            |(number, rest)| number.parse::<u8>().is_ok() && rest == "users   │\x1b[0m "
        ),
        "{prefix:?}"
    );

    assert!(printed_bytes(&app, "logs users --stream stdout --raw") == ESCAPES);
    app.down();
}
