//! Dollar signs of other tools.

/// What `$` means in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dollars {
    /// Nothing.
    Literal,
    /// `$NAME`, `${NAME}` and `$$`, where a variable that is not set is empty.
    Variables,
}

/// A text with the dollar signs of a `fulcrum.yml`.
pub(super) fn convert(text: &str, dollars: Dollars) -> String {
    match dollars {
        Dollars::Literal => text.replace('$', "$$"),
        Dollars::Variables => variables(text),
    }
}

/// A text for a shell, which expands the variables itself.
pub(super) fn for_shell(text: &str, dollars: Dollars) -> String {
    match dollars {
        Dollars::Literal => text.replace('$', "$$"),
        Dollars::Variables => text.replace("$$", "$").replace('$', "$$"),
    }
}

fn variables(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        out.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        if let Some(next) = after.strip_prefix('$') {
            out.push_str("$$");
            rest = next;
            continue;
        }
        let (braces, inner) = match after.strip_prefix('{') {
            Some(inner) => (true, inner),
            None => (false, after),
        };
        let end = inner
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(inner.len());
        let (name, next) = inner.split_at(end);
        match (name.is_empty(), braces, next.strip_prefix('}')) {
            // An operator: the forms are the same.
            (false, true, None) => {
                out.push_str("${");
                rest = inner;
            }
            (false, true, Some(next)) => {
                out.push_str(&format!("${{{name}:-}}"));
                rest = next;
            }
            (false, false, _) => {
                out.push_str(&format!("${{{name}:-}}"));
                rest = next;
            }
            (true, ..) => {
                out.push_str("$$");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_not_set_is_empty_and_a_literal_stays() {
        for (text, expected) in [
            ("a${B}c", "a${B:-}c"),
            ("$B-x", "${B:-}-x"),
            ("${B:-c}", "${B:-c}"),
            ("$$B", "$$B"),
            ("5$", "5$$"),
            ("${A:-${B}}", "${A:-${B:-}}"),
        ] {
            assert_eq!(convert(text, Dollars::Variables), expected, "{text}");
        }
        assert_eq!(convert("a$B", Dollars::Literal), "a$$B");
        assert_eq!(for_shell("$A $$B", Dollars::Variables), "$$A $$B");
    }
}
