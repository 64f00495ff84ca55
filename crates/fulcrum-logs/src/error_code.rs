//! Codes of errors in texts: `no route [FUL0310]`, `error[FUL0104]: no app`.

use std::fmt::Display;

const OPEN: &str = "[FUL";

/// The text with a code behind its first line, unless it has one already.
#[must_use]
pub fn with_code(text: &str, code: impl Display) -> String {
    if error_code(text).is_some() {
        return text.to_owned();
    }
    match text.split_once('\n') {
        Some((first, rest)) => format!("{first} [{code}]\n{rest}"),
        None => format!("{text} [{code}]"),
    }
}

/// The first code in a text, such as `FUL0310`.
#[must_use]
pub fn error_code(text: &str) -> Option<&str> {
    let codes = text.match_indices(OPEN);
    codes.into_iter().find_map(|(at, _)| {
        let rest = text.get(at + 1..)?;
        let code = rest.get(..7)?;
        let digits = &code[3..];
        let is_code =
            digits.bytes().all(|byte| byte.is_ascii_digit()) && rest[7..].starts_with(']');
        is_code.then_some(code)
    })
}

/// The text without its code, for a sentence around it.
#[must_use]
pub fn without_code(text: &str) -> String {
    split_code(text).1
}

/// The first code in a text, and the text without it, wherever it is repeated.
#[must_use]
pub fn split_code(text: &str) -> (Option<&str>, String) {
    let Some(code) = error_code(text) else {
        return (None, text.to_owned());
    };
    let mark = format!("[{code}]");
    let (before, after) = text.split_once(&mark).unwrap_or((text, ""));
    let rest = match (before.strip_suffix("error"), after.strip_prefix(": ")) {
        (Some(before), Some(after)) => format!("{before}{after}"),
        _ => format!("{}{after}", before.trim_end_matches(' ')),
    };
    (Some(code), rest.replace(&format!(" {mark}"), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_follows_the_first_line_once() {
        assert_eq!(with_code("a\nhint: b", "FUL0001"), "a [FUL0001]\nhint: b");
        assert_eq!(with_code("a [FUL0002]; b", "FUL0001"), "a [FUL0002]; b");
        assert_eq!(with_code("x [FULL]", "FUL0001"), "x [FULL] [FUL0001]");
    }

    #[test]
    fn a_code_is_found_and_taken_out_in_both_forms() {
        for (text, code, rest) in [
            ("error[FUL0104]: no app", Some("FUL0104"), "no app"),
            (
                "fulcrum.yml:1:2: error[FUL0120]: unknown key",
                Some("FUL0120"),
                "fulcrum.yml:1:2: unknown key",
            ),
            (
                "users: no route [FUL0310]\n  hint: x",
                Some("FUL0310"),
                "users: no route\n  hint: x",
            ),
            ("a [FUL0001]; b [FUL0001]", Some("FUL0001"), "a; b"),
            ("[FUL12] [FUL0001]", Some("FUL0001"), "[FUL12]"),
            ("users: [FULL]", None, "users: [FULL]"),
            ("[FULäöü]", None, "[FULäöü]"),
        ] {
            assert_eq!(error_code(text), code, "{text}");
            assert_eq!(split_code(text), (code, rest.to_owned()));
        }
    }
}
