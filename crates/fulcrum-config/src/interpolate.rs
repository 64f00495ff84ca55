//! `${NAME}` and its forms in values, as docker compose expands them.

use std::collections::BTreeMap;

/// What references before the name of a domain whose port is meant: `${ports.users}`.
const PORTS: &str = "ports.";

/// The deepest nesting of defaults in defaults.
const MAX_DEPTH: u32 = 16;

/// Why a reference cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InterpolationError {
    /// The variable is not set, and there is no default.
    Unset(String),
    /// `${ports.NAME}`: the domain has no port, or there is none of that name.
    UnknownPort(String),
    /// `${NAME:?message}`: the variable is not set or empty.
    Required {
        /// The variable.
        name: String,
        /// The message, which may be empty.
        message: String,
    },
    /// `${` without the `}` that belongs to it; the text in question.
    Unclosed(String),
    /// `${…}` with something else than a name and an operator; the text in question.
    Malformed(String),
}

/// What references stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct References<'a> {
    /// The variables of the environment.
    pub(crate) env: &'a BTreeMap<String, String>,
    /// The ports by domain; `None` for a domain without one.
    pub(crate) ports: &'a BTreeMap<String, Option<String>>,
}

impl<'a> References<'a> {
    fn get(self, name: &str) -> Option<&'a str> {
        match name.strip_prefix(PORTS) {
            Some(domain) => self.ports.get(domain)?.as_deref(),
            None => self.env.get(name).map(String::as_str),
        }
    }
}

/// An expanded text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interpolated {
    pub(crate) text: String,
    /// Names after a dollar sign without braces, which stay as they are.
    pub(crate) bare: Vec<String>,
}

/// Expands the references of a text.
///
/// `${NAME}` is the variable, and `${ports.NAME}` the port of a domain. `${NAME:-default}` is the default if the variable is unset or empty,
/// `${NAME:?message}` then is an error, and `${NAME:+other}` is the other text unless it is unset or
/// empty. Without the colon an empty variable counts as set. Defaults may contain references, and
/// braces that match. `$$` is a dollar sign; any other dollar sign is literal.
///
/// # Errors
/// All errors of the text, not only the first.
pub(crate) fn interpolate(
    text: &str,
    references: References<'_>,
) -> Result<Interpolated, Vec<InterpolationError>> {
    let mut expansion = Expansion {
        references,
        bare: Vec::new(),
        errors: Vec::new(),
    };
    let text = expansion.expand(text, 0);
    let Expansion { bare, errors, .. } = expansion;
    if errors.is_empty() {
        Ok(Interpolated { text, bare })
    } else {
        Err(errors)
    }
}

struct Expansion<'a> {
    references: References<'a>,
    bare: Vec<String>,
    errors: Vec<InterpolationError>,
}

impl Expansion<'_> {
    fn expand(&mut self, text: &str, depth: u32) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('$') {
            let (before, from) = rest.split_at(start);
            out.push_str(before);
            if let Some(after) = from.strip_prefix("$$") {
                out.push('$');
                rest = after;
            } else if let Some(after) = from.strip_prefix("${") {
                let Some(end) = closing_brace(after) else {
                    self.errors
                        .push(InterpolationError::Unclosed(from.to_owned()));
                    return out;
                };
                self.reference(&after[..end], &mut out, depth);
                rest = &after[end + 1..];
            } else {
                let name = leading_name(&from[1..]);
                if !name.is_empty() {
                    self.bare.push(name.to_owned());
                }
                out.push('$');
                rest = &from[1..];
            }
        }
        out.push_str(rest);
        out
    }

    /// Appends the value of `${inside}`.
    fn reference(&mut self, inside: &str, out: &mut String, depth: u32) {
        let name = reference_name(inside);
        let operator = &inside[name.len()..];
        let (colon, operator) = match operator.strip_prefix(':') {
            Some(operator) => (true, operator),
            None => (false, operator),
        };
        let value = self.references.get(name);
        let value = value.filter(|value| !(colon && value.is_empty()));
        let mut chars = operator.chars();
        let kind = chars.next();
        let word = chars.as_str();
        let malformed = name.is_empty() || depth >= MAX_DEPTH || (colon && kind.is_none());
        match (kind, value) {
            _ if malformed => self.malformed(inside),
            (None | Some('-' | '?'), Some(value)) => out.push_str(value),
            (None, None) => self.errors.push(match name.strip_prefix(PORTS) {
                Some(domain) => InterpolationError::UnknownPort(domain.to_owned()),
                None => InterpolationError::Unset(name.to_owned()),
            }),
            (Some('-'), None) | (Some('+'), Some(_)) => {
                let word = self.expand(word, depth + 1);
                out.push_str(&word);
            }
            (Some('+'), None) => {}
            (Some('?'), None) => {
                let message = self.expand(word, depth + 1);
                let name = name.to_owned();
                self.errors
                    .push(InterpolationError::Required { name, message });
            }
            _ => self.malformed(inside),
        }
    }

    fn malformed(&mut self, inside: &str) {
        self.errors
            .push(InterpolationError::Malformed(format!("${{{inside}}}")));
    }
}

/// The index of the `}` that closes a reference whose `${` was just read.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 1;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(index);
        }
    }
    None
}

/// The name that a reference starts with: that of a variable, or `ports.` and that of a domain. A
/// domain's name may have a hyphen, so only `:-` starts the default of a port.
fn reference_name(inside: &str) -> &str {
    let Some(domain) = inside.strip_prefix(PORTS) else {
        return leading_name(inside);
    };
    let end = domain
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .unwrap_or(domain.len());
    match end {
        0 => "",
        end => &inside[..PORTS.len() + end],
    }
}

/// The variable name that a text starts with; empty if it starts with none.
fn leading_name(text: &str) -> &str {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return "";
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    &text[..end]
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

    /// Expands with the variables of [`env`], and the ports of `users` and `my-api`.
    fn interpolate(text: &str) -> Result<Interpolated, Vec<InterpolationError>> {
        let ports = [
            ("users", Some("3000")),
            ("my-api", Some("3001")),
            ("db", None),
        ];
        let ports = ports
            .map(|(name, port)| (name.to_owned(), port.map(str::to_owned)))
            .into();
        super::interpolate(
            text,
            References {
                env: &env(),
                ports: &ports,
            },
        )
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
            ("${UNSET:-${HOST}}/x", "db/x"),
            ("${UNSET:-${UNSET2:-${EMPTY:-deep}}}", "deep"),
            ("${UNSET:-{\"a\": {}}}", "{\"a\": {}}"),
            ("${UNSET:-$$5}", "$5"),
            ("${HOST:-${UNSET}}", "db"),
            ("${EMPTY-d}${UNSET-d}", "d"),
            ("${HOST:?needed}${EMPTY?needed}", "db"),
            (
                "${HOST:+set}${EMPTY:+set}${UNSET+set}${EMPTY+set}",
                "setset",
            ),
        ] {
            let expanded = interpolate(text).map(|expanded| expanded.text);
            assert_eq!(expanded, Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_port_of_a_domain_is_expanded() {
        for (text, expected) in [
            (
                "http://127.0.0.1:${ports.users}/x",
                "http://127.0.0.1:3000/x",
            ),
            ("${ports.my-api}", "3001"),
            ("${ports.db:-5432}", "5432"),
            ("${ports.users:+on}", "on"),
            (
                "$ports.users $${ports.users}",
                "$ports.users ${ports.users}",
            ),
        ] {
            let expanded = interpolate(text).map(|expanded| expanded.text);
            assert_eq!(expanded, Ok(expected.to_owned()), "{text}");
        }
        for (text, domain) in [("${ports.db}", "db"), ("${ports.users-3000}", "users-3000")] {
            let unknown = InterpolationError::UnknownPort(domain.to_owned());
            assert_eq!(interpolate(text), Err(vec![unknown]), "{text}");
        }
    }

    #[test]
    fn a_name_without_braces_is_literal_and_reported() {
        let expanded = interpolate("$HOST-$$HOST-$5-${UNSET:-$A}$").expect("valid");
        assert_eq!(expanded.text, "$HOST-$HOST-$5-$A$");
        assert_eq!(expanded.bare, ["HOST", "A"]);
    }

    #[test]
    fn a_required_variable_is_an_error_with_its_message() {
        let required = |name: &str, message: &str| InterpolationError::Required {
            name: name.into(),
            message: message.into(),
        };
        assert_eq!(
            interpolate("${EMPTY:?set it for ${HOST}}${UNSET?}"),
            Err(vec![
                required("EMPTY", "set it for db"),
                required("UNSET", "")
            ])
        );
    }

    #[test]
    fn every_error_is_reported() {
        assert_eq!(
            interpolate("${A} ${B:-x} ${C}"),
            Err(vec![
                InterpolationError::Unset("A".into()),
                InterpolationError::Unset("C".into())
            ])
        );
        let deep = "${A:-".repeat(100_000) + &"}".repeat(100_000);
        for text in [
            "${}",
            "${1A}",
            "${A:b}",
            "${A B}",
            "${A:}",
            "${ports.}",
            "${A.b}",
            &deep,
        ] {
            assert!(
                matches!(
                    interpolate(text).expect_err("an error").as_slice(),
                    [InterpolationError::Malformed(_)]
                ),
                "{text}"
            );
        }
        for text in ["${", "${HOST", "${A:-${B}"] {
            assert_eq!(
                interpolate(text),
                Err(vec![InterpolationError::Unclosed(text.to_owned())])
            );
        }
    }

    proptest! {
        #[test]
        fn doubled_dollar_signs_are_literal(text in ".{0,40}") {
            let expanded = interpolate(&text.replace('$', "$$"));
            prop_assert_eq!(expanded.map(|expanded| expanded.text), Ok(text));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[${}:A-C?+-]{0,30}") {
            let _ = interpolate(&text);
        }
    }
}
