//! Templates with words to fill in.

/// Replaces each `{{word}}` of a template by the value of that word.
///
/// # Panics
/// In tests and debug builds, if the template has a word without a value.
pub(crate) fn fill(template: &str, words: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        text.push_str(before);
        let value = from
            .find("}}")
            .and_then(|end| Some((end, lookup(words, &from[2..end])?)));
        match value {
            Some((end, value)) => {
                text.push_str(value);
                rest = &from[end + 2..];
            }
            None => {
                debug_assert!(false, "no value for {}", &from[..from.len().min(24)]);
                text.push_str("{{");
                rest = &from[2..];
            }
        }
    }
    text.push_str(rest);
    text
}

fn lookup<'a>(words: &[(&str, &'a str)], word: &str) -> Option<&'a str> {
    let found = words.iter().find(|(name, _)| *name == word);
    found.map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced_and_single_braces_stay() {
        let text = fill("a {{x}} {b} ${c} {{y}}{{x}}", &[("x", "1"), ("y", "{{x}}")]);
        assert_eq!(text, "a 1 {b} ${c} {{x}}1");
    }
}
