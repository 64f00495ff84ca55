//! Types are replaced by spaces: all positions stay the same, no input causes a panic, and syntax
//! that cannot be stripped is reported with its position.
#![cfg(feature = "node")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]

use std::fs;

use fulcrum_spawn::prepare::{Format, StripError, StripErrorKind, Stripped, strip_file};
use proptest::prelude::*;

fn strip_as(name: &str, text: impl AsRef<[u8]>) -> Result<Stripped, StripError> {
    let dir = tempfile::tempdir().unwrap();
    // Ends the search for a package.json: the temporary directory may be below one.
    fs::write(dir.path().join("package.json"), "{}").unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    strip_file(&path)
}

fn strip(text: &str) -> Stripped {
    strip_as("a.ts", text).unwrap_or_else(|error| panic!("{error}"))
}

/// Asserts that every UTF-16 unit of the output is the one at the same offset of the input, or a
/// space, or one of the three characters that separate the neighbors of a removed type.
fn assert_in_place(input: &str, output: &str) {
    let (before, after): (Vec<u16>, Vec<u16>) = (
        input.encode_utf16().collect(),
        output.encode_utf16().collect(),
    );
    assert_eq!(
        before.len(),
        after.len(),
        "the length changed:\n{input}\n{output}"
    );
    for (offset, (was, is)) in before.iter().zip(&after).enumerate() {
        let added = [' ', ';', '(', ')']
            .iter()
            .any(|c| *c as u32 == u32::from(*is));
        assert!(
            was == is || added,
            "unit {offset} moved:\n{input}\n{output}"
        );
    }
    let lines = |text: &str| text.matches('\n').count();
    assert_eq!(
        lines(input),
        lines(output),
        "lines were lost:\n{input}\n{output}"
    );
}

#[test]
fn types_become_spaces() {
    let stripped = strip("const a: number = f<string>(b as T)!;\ninterface I { c: d }\n");
    assert_eq!(
        stripped.code,
        "const a         = f        (b     ) ;\n                    \n"
    );
    assert_eq!(stripped.format, Format::CommonJs);
}

#[test]
fn formats_by_extension_then_package_then_syntax() {
    let format = |name, text: &str| strip_as(name, text).unwrap().format;
    assert_eq!(format("a.mts", "let a"), Format::Module);
    assert_eq!(format("a.cts", "let a"), Format::CommonJs);
    assert_eq!(format("a.ts", "export const a: T = 1"), Format::Module);
    assert_eq!(
        format("a.ts", "import type { T } from './t.ts'; let a: T"),
        Format::CommonJs
    );
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("package.json"), r#"{"type":"module"}"#).unwrap();
    fs::write(dir.path().join("a.ts"), "let a: T").unwrap();
    assert_eq!(
        strip_file(&dir.path().join("a.ts")).unwrap().format,
        Format::Module
    );
}

#[test]
fn syntax_that_needs_more_is_reported_with_its_position() {
    let cases = [
        ("let a;\n  enum E { A }", "an enum", (2, 3)),
        ("namespace N { export const a = 1 }", "a namespace", (1, 1)),
        (
            "class A { constructor(private b: string) {} }",
            "a parameter property",
            (1, 31),
        ),
        ("@d class A {}", "a decorator", (1, 1)),
        ("import a = require('a')", "an `import … = …`", (1, 1)),
        ("export = 1", "an `export = …`", (1, 1)),
        ("let a = <T>b", "a type assertion in angle brackets", (1, 9)),
    ];
    for (text, syntax, position) in cases {
        let error = strip_as("a.ts", text).unwrap_err();
        assert_eq!(
            error.kind,
            StripErrorKind::NeedsTransform(syntax.to_owned()),
            "{text}"
        );
        assert_eq!((error.line, error.column), position, "{text}");
    }
    strip("declare enum E { A }\ndeclare namespace N { const a: number }");
}

#[test]
fn a_syntax_error_shows_its_line() {
    let error = strip_as("a.ts", "let a = 1;\n\tlet b = ;\n").unwrap_err();
    assert_eq!(error.kind, StripErrorKind::Syntax);
    assert_eq!((error.line, error.column), (2, 10));
    assert!(
        error
            .to_string()
            .ends_with("\n    \tlet b = ;\n    \t        ^"),
        "{error}"
    );
}

#[test]
fn a_byte_order_mark_and_a_hash_bang_are_accepted() {
    assert_eq!(strip("\u{feff}let a: T = 1").code, "let a    = 1");
    assert_eq!(
        strip("#!/usr/bin/env node\nlet a: T").code,
        "#!/usr/bin/env node\nlet a   "
    );
}

#[test]
fn binary_and_missing_files_are_reported() {
    let binary = strip_as("a.ts", [0xff, 0xfe, 0]).unwrap_err();
    assert!(binary.message.contains("UTF-8"), "{binary}");
    let missing = strip_file("/no/such/file.ts".as_ref()).unwrap_err();
    assert!(missing.message.contains("cannot be read"), "{missing}");
}

#[test]
fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
    let chains = [
        "[".repeat(300_000),
        format!("let a = {}1", "!".repeat(300_000)),
        format!("let a = 1{}", "+1".repeat(300_000)),
        format!("let a = b{}", ".c".repeat(300_000)),
        format!("let a = {}1", "b=>".repeat(200_000)),
        format!("let a: {} = 1", "A<".repeat(200_000)),
        format!("let a: b{} = 1", "[]".repeat(200_000)),
        format!("let a: {}b = 1", "keyof ".repeat(200_000)),
    ];
    for chain in chains {
        let error = strip_as("a.ts", &chain).unwrap_err();
        assert!(
            error.message.contains("too deeply"),
            "{}: {}",
            &chain[..20],
            error.message
        );
    }
    // Just below the limits, where the stack has to be large enough.
    for chain in [
        "[".repeat(1_990),
        format!("let a = {}1", "b=>".repeat(9_900)),
    ] {
        let result = strip_as("a.ts", &chain);
        assert!(result.is_ok_and(|s| s.code == chain) || chain.starts_with('['));
    }
    let long = format!("let a = ''{}", " +\n  'line'".repeat(5_000));
    assert_eq!(strip(&long).code, long);
}

/// A type, nested up to three levels.
fn type_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("string".to_owned()),
        Just("'é\u{1f600}'".to_owned()),
        Just("typeof x".to_owned()),
        Just("A.B".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("{a}[]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} |\n {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("Map<{a}, {b}>")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(p: {a}) => {b}")),
            inner.prop_map(|a| format!("{{ k?: {a}; /* c */ readonly [i: number]: {a} }}")),
        ]
    })
}

/// A statement with a type in one of the positions in which types are allowed.
fn statement() -> impl Strategy<Value = String> {
    (type_text(), 0..14_usize).prop_map(|(t, position)| match position {
        0 => format!("let a: {t} = 1"),
        1 => format!("type A = {t};"),
        2 => format!("interface I {{ m(a: {t}): void }}"),
        3 => format!("function f<T extends {t}>(this: X, a?: {t}): {t} {{ return a!; }}"),
        4 => format!("const g = async <T,>(a: {t}):\n {t} => a as {t};"),
        5 => {
            format!("class C<T> extends D<{t}> implements I {{ private a?: {t}; declare b: {t}; }}")
        }
        6 => format!("abstract class E {{ abstract m(): {t}; static readonly x: {t} = 1 }}"),
        7 => format!("call<{t}>(y satisfies {t});"),
        8 => "import type { T } from './t.ts'; import { a, type U } from './u.ts';".to_owned(),
        9 => format!("export type {{ V }} from './v.ts'; export const h = `é${{z as {t}}}`;"),
        10 => format!("declare const d: {t}"),
        11 => format!("for (const k of l as {t}) {{ if (k) type Q = {t} }}"),
        12 => format!("function o(a: string): {t}\nfunction o(a: any) {{ return a }}"),
        _ => format!("n = new M<{t}>(); /é/u.test(s as {t});"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_position_changes(statements in prop::collection::vec(statement(), 1..6)) {
        let text = statements.join("\n");
        if let Ok(stripped) = strip_as("a.ts", &text) {
            assert_in_place(&text, &stripped.code);
        }
    }

    #[test]
    fn each_statement_is_stripped(text in statement()) {
        let stripped = strip_as("a.ts", &text);
        prop_assert!(stripped.is_ok(), "{}", stripped.unwrap_err());
        assert_in_place(&text, &stripped.unwrap().code);
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = strip_as("a.ts", bytes) {
            prop_assert!(error.line >= 1 && error.column >= 1);
        }
    }

    #[test]
    fn no_tokens_cause_a_panic(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "class", "{", "}", "<", ">", "(", ")", "enum", "@", "a", ":", "=>", "`", "${", "export",
                "default", "import", "type", "as", "!", "?", "\u{2028}", "é", "\n", "abstract", "=",
                "await", "async", "/", "'", "[", "]", "...", "declare", "1", ";", ",", "function",
            ]),
            0..40,
        )
    ) {
        let text = tokens.join(" ");
        if let Ok(stripped) = strip_as("a.ts", &text) {
            assert_in_place(&text, &stripped.code);
        }
    }
}
