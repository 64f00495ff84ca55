//! Expected lines, in which `…` matches any text.

/// Whether the whole text is as expected.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    match find_all(middle, rest) {
        Some(rest) => rest.ends_with(last),
        None => false,
    }
}

/// Whether a part of the text is as expected.
pub(super) fn is_in(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('…').collect();
    text.lines().any(|line| find_all(&parts, line).is_some())
}

/// What follows the parts, if they are in the text in this order.
fn find_all<'a>(parts: &[&str], text: &'a str) -> Option<&'a str> {
    parts.iter().try_fold(text, |rest, part| {
        rest.find(part).and_then(|at| rest.get(at + part.len()..))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipsis_matches_any_text_of_a_line() {
        assert!(matches("at … (…:5:9)", "at fail (/tmp/w.ts:5:9)"));
        assert!(matches("…w.ts:7:1…", "  at w.ts:7:1)"));
        assert!(matches("plain", "plain"));
        assert!(!matches("plain", "plain text"));
        assert!(!matches("a…a", "a"));
        assert!(!matches("…x", "y"));
    }

    #[test]
    fn a_part_is_looked_for_in_each_line() {
        assert!(is_in("b…d", "a\nxbcdx\n"));
        assert!(!is_in("a…b", "a\nb"));
    }
}
