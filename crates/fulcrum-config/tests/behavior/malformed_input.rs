//! Malformed and hostile files: a clear diagnostic, in bounded time, without a panic.

use std::time::{Duration, Instant};

use crate::support::Case;
use proptest::prelude::*;

/// Generous for an unoptimized build on a busy machine, but far from minutes.
const LIMIT: Duration = Duration::from_secs(10);

#[expect(clippy::disallowed_methods, reason = "the elapsed time is tested")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let done = work();
    (done, begin.elapsed())
}

/// Each is rejected with one diagnostic, which names the file and contains the text.
#[test]
fn hostile_files_are_rejected_quickly() {
    let bomb = {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let below = level - 1;
            text += &format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{below}"); 9].join(", ")
            );
        }
        text.into_bytes()
    };
    let many_aliases = format!("a: &a x\nb: [{}]\n", "*a, ".repeat(200_000)).into_bytes();
    let merges = {
        let mut text = String::from("m0: &m0 {a: 1}\n");
        for level in 1..100_000 {
            text += &format!("m{level}: &m{level} {{<<: *m{}, k{level}: 1}}\n", level - 1);
            if text.len() > 1_000_000 {
                break;
            }
        }
        text.into_bytes()
    };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("alias bomb", bomb, "more than 100000 values"),
        ("many aliases", many_aliases, "more than 100000 values"),
        ("chain of merges", merges, "more than 100000 values"),
        ("nested flow", vec![b'['; 100_000], "more than 64 levels"),
        (
            "nested block",
            (0..500)
                .map(|depth| format!("{}a:\n", " ".repeat(depth)))
                .collect::<String>()
                .into_bytes(),
            "more than 64 levels",
        ),
        (
            "alias to itself",
            b"a: &a [*a]\n".to_vec(),
            "inside the value that it refers to",
        ),
        (
            "merge of itself",
            b"a: &a {<<: *a}\n".to_vec(),
            "inside the value that it refers to",
        ),
        ("unknown alias", b"a: *b\n".to_vec(), "refers to no anchor"),
        ("large", vec![b'#'; 2 * 1024 * 1024], "larger than 1 MiB"),
        (
            "binary",
            b"\x7fELF\x02\x00\x01".to_vec(),
            "contains binary data",
        ),
        (
            "latin-1",
            b"process:\n  user: m\xfcller\n".to_vec(),
            "not valid UTF-8",
        ),
        ("UTF-16", b"\xff\xfep\x00:\x00".to_vec(), "is UTF-16"),
        (
            "complex key",
            b"? [a, b]\n: c\n".to_vec(),
            "a key must be a text",
        ),
        (
            "unclosed quote",
            b"process: {user: \"a}\n".to_vec(),
            "quoted text is not closed",
        ),
    ];
    for (what, bytes, word) in cases {
        let case = Case::domain("process: {}");
        case.write("domains/a/fulcrum.yml", &bytes);
        let (reported, took) = timed(|| case.diagnostic());
        assert!(
            reported.starts_with("domains/a/fulcrum.yml") && reported.contains(word),
            "{what}: {reported}"
        );
        assert!(took < LIMIT, "{what}: {took:?}");
    }
}

/// What YAML makes of a line is told in the user's terms, and no variable is lost.
#[test]
fn a_line_that_yaml_misreads_is_explained() {
    for (line, message, hint) in [
        (
            "A: a: b",
            "cannot contain `: `",
            "needs quotes: `A: \"a: b\"`",
        ),
        (
            "A: @x",
            "cannot start with `@`",
            "needs quotes: `A: \"@x\"`",
        ),
        ("A: `x`", "cannot start with ``", "needs quotes"),
        (
            "A: %x",
            "cannot start with `%`",
            "needs quotes: `A: \"%x\"`",
        ),
        (
            "A: {{x}}",
            "cannot start with `{{`",
            "needs quotes: `A: \"{{x}}\"`",
        ),
        ("A: *x", "alias refers to no anchor", "needs quotes"),
        ("A: !x y", "the tag `!x` has no meaning", "needs quotes"),
        ("A: !!binary aGk=", "has no meaning", "remove it"),
        (
            "\u{a0} B: 1",
            "indented with a no-break space",
            "normal space",
        ),
        ("A:\u{a0}1", "expected", "space"),
        (
            "A: \u{a0}1",
            "begins or ends with a no-break space",
            "normal space",
        ),
        ("A\u{a0}: 1", "contains a no-break space", "normal space"),
        ("A:1", "expected", "space after the colon: `A: 1`"),
        ("{A:1}", "found nothing", "space after the colon: `A: 1`"),
        ("- A=1", "expected", "NAME: value"),
        ("A: \"x\" y", "invalid YAML", "check"),
        ("A: [a, b", "`[` is not closed", ""),
        ("A: $HOME", "`$HOME` is not expanded", "`$$HOME`"),
    ] {
        let case = Case::domain(&format!("process:\n  env:\n    {line}\n"));
        let reported = case.diagnostics();
        let found = reported
            .iter()
            .any(|text| text.contains(message) && text.contains(hint) && text.contains("yml:3:"));
        assert!(found, "{line}: {reported:#?}");
        for word in [
            "mapping",
            "scalar",
            "token",
            "node content",
            "simple key",
            "flow",
        ] {
            assert!(!reported.concat().contains(word), "{line}: {reported:#?}");
        }
    }
    // As all of the indentation, where it would make the variable a key of another tool.
    let case = Case::domain("process:\n  env:\n    A: 1\n\u{a0}\u{a0}\u{a0}\u{a0}B: 2\n");
    let reported = case.diagnostic();
    assert!(
        reported.contains("yml:4:1") && reported.contains("no-break space"),
        "{reported}"
    );
}

#[test]
fn tags_of_other_tools_are_left_alone() {
    let app = Case::domain("db: {url: !secret x}\nprocess: {replicas: !!int 2}\n").app();
    assert_eq!(app.domains[0].process.replicas, 2);
}

#[test]
fn the_number_of_diagnostics_is_limited() {
    let keys: String = (0..40_000).map(|n| format!("  key{n}: 1\n")).collect();
    let case = Case::domain(&format!("process:\n{keys}"));
    let (reported, took) = timed(|| case.diagnostics());
    assert_eq!(reported.len(), 501);
    assert!(
        reported[500].contains("more than 500 diagnostics"),
        "{}",
        reported[500]
    );
    assert!(took < LIMIT, "{took:?}");
}

#[test]
fn a_large_file_is_not_read() {
    let case = Case::domain("process: {}");
    let file = std::fs::File::create(case.root().join("domains/a/fulcrum.yml")).expect("writable");
    file.set_len(100 << 30).expect("a sparse file");
    let reported = case.diagnostic();
    assert!(
        reported.contains("larger than 1 MiB") || reported.contains("binary"),
        "{reported}"
    );
}

#[test]
fn other_kinds_of_files_are_rejected() {
    let case = Case::new(&[("domains/a/domain.js", ""), ("domains/a/fulcrum.yml/x", "")]);
    assert!(
        case.diagnostic()
            .starts_with("domains/a/fulcrum.yml: is a directory")
    );
    let case = Case::new(&[("domains/a/domain.js", "")]);
    case.symlink("fulcrum.yml", "domains/a/fulcrum.yml");
    assert!(case.diagnostic().contains("symlinks form a loop"));
    let case = Case::new(&[("domains/a/domain.js", "")]);
    case.symlink("/dev/zero", "domains/a/fulcrum.yml");
    assert!(case.diagnostic().contains("not a regular file"));
}

#[test]
fn harmless_oddities_are_read() {
    for config in [
        "\u{feff}process: {replicas: 2}\n",
        "process: {replicas: 2}\r\n",
        "%YAML 1.2\n---\nprocess:\n  replicas: 2\n...\n",
        "base: &base {replicas: 2}\nprocess: *base\n",
        "base: &base {replicas: 2, args: [x]}\nprocess:\n  <<: *base\n  args: []\n",
        "process:\n  <<: [{replicas: 2}, {replicas: 3}]\n",
        "{\"process\": {\"replicas\": 2}}",
        "process: # nothing\n  replicas: !!int 2",
    ] {
        let app = Case::domain(config).app();
        assert_eq!(app.domains[0].process.replicas, 2, "{config}");
        assert!(app.domains[0].process.args.is_empty());
    }
}

const SAMPLE: &str = "process:\n  args: [\"a\", 'b', ${X:-c}]\n  env: &e {A: 1.10, B: |\n    x\n  }\n  restart: {policy: always, backoff: {initial: 1s}}\n  ready: {http: /x, interval: 5s}\n  depends_on: {a: {condition: started}}\n  <<: *e\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let case = Case::domain("");
        case.write("domains/a/fulcrum.yml", &bytes);
        case.write("fulcrum.yml", &bytes);
        case.load();
    }

    #[test]
    fn yaml_like_text_never_panics(text in "[a-c:{}\\[\\],&*!|>'\"#%@`<?~ \n\t-]{0,80}") {
        Case::domain(&text).load();
        Case::new(&[("fulcrum.yml", &format!("runtime:\n  defaults:\n    env:\n      {text}\n"))]).load();
    }

    #[test]
    fn mutations_never_panic_and_locations_are_in_the_file(
        edits in proptest::collection::vec((0usize..400, proptest::option::of(any::<char>())), 1..6)
    ) {
        let mut chars: Vec<char> = SAMPLE.chars().collect();
        for (at, edit) in edits {
            let at = at % chars.len();
            match edit {
                Some(c) => chars[at] = c,
                None => { chars.remove(at); }
            }
        }
        let text: String = chars.into_iter().collect();
        let case = Case::domain(&text);
        let lines = text.lines().count() as u32 + 1;
        for diagnostic in case.load().diagnostics {
            let location = diagnostic.at.expect("all of it is about the file");
            prop_assert!(location.line <= lines, "{location} of {lines}");
        }
    }

    #[test]
    fn overrides_never_panic(path in "(runtime|process)(\\.[a-z_]{1,8}){0,3}", value in ".{0,30}") {
        Case::domain("process: {}").flag(&path, &value).load();
        let name = format!("FULCRUM_{}", path.to_uppercase().replace('.', "__"));
        Case::domain("process: {}").env(&name, &value).load();
    }
}
