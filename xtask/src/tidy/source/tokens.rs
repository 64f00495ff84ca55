//! Paths in tokens that are not parsed: the arguments of macros and attributes.

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};

/// Something that a token stream names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A path of at least two segments.
    Path(Vec<String>),
    /// A function called by its name alone.
    Call(String),
    Macro(String),
}

/// What the tokens name, in order, each with its line.
pub(super) fn names(tokens: TokenStream) -> Vec<(Named, usize)> {
    let mut found = Vec::new();
    scan(tokens, &mut found);
    found
}

fn scan(tokens: TokenStream, found: &mut Vec<(Named, usize)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => {
                scan(group.stream(), found);
                at += 1;
            }
            TokenTree::Ident(first) => {
                let line = first.span().start().line;
                let before = at.checked_sub(1).map(|before| &tokens[before]);
                let mut segments = vec![first.to_string()];
                at += 1;
                while let Some(TokenTree::Ident(next)) = after_colons(&tokens, at) {
                    segments.push(next.to_string());
                    at += 3;
                }
                if let Some(named) = named(segments, before, tokens.get(at)) {
                    found.push((named, line));
                }
            }
            _ => at += 1,
        }
    }
}

/// The token after `::` at `at`.
fn after_colons(tokens: &[TokenTree], at: usize) -> Option<&TokenTree> {
    let is_colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    (is_colon(at) && is_colon(at + 1)).then(|| tokens.get(at + 2))?
}

fn named(
    segments: Vec<String>,
    before: Option<&TokenTree>,
    after: Option<&TokenTree>,
) -> Option<Named> {
    // A method, a field, or a longer path whose beginning is not an identifier.
    let continues = matches!(before, Some(TokenTree::Punct(p)) if ".:".contains(p.as_char()));
    let declares = matches!(before, Some(TokenTree::Ident(name)) if name == "fn");
    let is_macro = matches!(after, Some(TokenTree::Punct(p)) if p.as_char() == '!');
    let is_call = matches!(after, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    if is_macro {
        return segments.last().cloned().map(Named::Macro);
    }
    if continues || declares {
        return None;
    }
    match <[String; 1]>::try_from(segments) {
        Err(path) => Some(Named::Path(path)),
        Ok([name]) => is_call.then_some(Named::Call(name)),
    }
}

/// The path in a string of an attribute, such as `#[serde(with = "crate::duration")]`.
pub(super) fn path_in_literal(literal: &Literal) -> Option<Vec<String>> {
    let text = literal.to_string();
    let text = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let segments: Vec<&str> = text.split("::").collect();
    (segments.len() > 1 && segments.iter().all(|name| is_name(name)))
        .then(|| segments.into_iter().map(str::to_owned).collect())
}

/// The literals of a token stream, at any depth.
pub(super) fn literals(tokens: TokenStream) -> Vec<Literal> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => found.push(literal),
            TokenTree::Group(group) => found.extend(literals(group.stream())),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_calls_and_macros_are_found_at_any_depth() {
        let tokens = "\"{}\", a::b::c(1), self.x.d(), e(f::G), vec![h!()], $crate::i, fn j()";
        let found: Vec<Named> = names(tokens.parse().unwrap())
            .into_iter()
            .map(|(named, _)| named)
            .collect();
        let path = |segments: &[&str]| {
            Named::Path(segments.iter().map(|name| (*name).to_owned()).collect())
        };
        let expected = [
            path(&["a", "b", "c"]),
            Named::Call("e".to_owned()),
            path(&["f", "G"]),
            Named::Macro("vec".to_owned()),
            Named::Macro("h".to_owned()),
            path(&["crate", "i"]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_string_that_is_a_path_is_one() {
        let path = |text: &str| path_in_literal(&Literal::string(text));
        assert_eq!(path("crate::duration").unwrap(), ["crate", "duration"]);
        assert_eq!(path("duration"), None);
        assert_eq!(path("a sentence: with::colons here"), None);
    }
}
