//! `${NAME}` and `${NAME:-default}` in values.

use std::collections::BTreeMap;

/// Why a reference cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InterpolationError {
    /// The variable is not set, and there is no default.
    Unset(String),
    /// `${` without a name and `}`; the text in question.
    Malformed(String),
}

/// Replaces each `${NAME}` by the variable, and each `${NAME:-default}` by the variable or, if that
/// is unset or empty, the default. `$$` is a dollar sign; any other dollar sign is literal.
///
/// # Errors
/// All errors of the text, not only the first.
pub(crate) fn interpolate(
    text: &str,
    env: &BTreeMap<String, String>,
) -> Result<String, Vec<InterpolationError>> {
    let mut out = String::with_capacity(text.len());
    let mut errors = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        if let Some(after) = from.strip_prefix("$$") {
            out.push('$');
            rest = after;
        } else if let Some(after) = from.strip_prefix("${") {
            let Some((inside, after)) = after.split_once('}') else {
                errors.push(InterpolationError::Malformed(from.to_owned()));
                rest = "";
                break;
            };
            match expand(inside, env) {
                Ok(value) => out.push_str(value),
                Err(error) => errors.push(error),
            }
            rest = after;
        } else {
            out.push('$');
            rest = &from[1..];
        }
    }
    out.push_str(rest);
    if errors.is_empty() {
        Ok(out)
    } else {
        Err(errors)
    }
}

fn expand<'a>(
    inside: &'a str,
    env: &'a BTreeMap<String, String>,
) -> Result<&'a str, InterpolationError> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_name(name) {
        return Err(InterpolationError::Malformed(format!("${{{inside}}}")));
    }
    match (env.get(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok(default),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(InterpolationError::Unset(name.to_owned())),
    }
}

/// Whether this is a valid variable name in `${…}`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn env() -> BTreeMap<String, String> {
        [("HOST", "db"), ("EMPTY", ""), ("RECURSE", "${HOST}")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn variables_and_defaults_are_expanded() {
        for (text, expected) in [
            ("plain", "plain"),
            ("${HOST}:${PORT:-5432}/x", "db:5432/x"),
            ("${EMPTY}", ""),
            ("${EMPTY:-d}", "d"),
            ("${UNSET:-}", ""),
            ("$$HOST $HOST $", "$HOST $HOST $"),
            ("$${HOST}", "${HOST}"),
            ("${RECURSE}", "${HOST}"),
            ("${UNSET:-a:-b}", "a:-b"),
        ] {
            assert_eq!(interpolate(text, &env()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_error_is_reported() {
        assert_eq!(
            interpolate("${A} ${B:-x} ${C}", &env()),
            Err(vec![
                InterpolationError::Unset("A".into()),
                InterpolationError::Unset("C".into())
            ])
        );
        for text in ["${", "${HOST", "${}", "${1A}", "${A-b}", "${A B}"] {
            assert!(
                matches!(
                    interpolate(text, &env()).expect_err("an error").as_slice(),
                    [InterpolationError::Malformed(_)]
                ),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn doubled_dollar_signs_are_literal(text in ".{0,40}") {
            prop_assert_eq!(interpolate(&text.replace('$', "$$"), &env()), Ok(text));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[${}:A-C-]{0,30}") {
            let _ = interpolate(&text, &env());
        }
    }
}
