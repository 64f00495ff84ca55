//! A text that is searched for.

use std::ops::Range;

/// A text that is searched for: in any case, unless it has capital letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    text: String,
    any_case: bool,
}

impl Search {
    /// A search; none for an empty text.
    pub fn new(text: &str) -> Option<Self> {
        let any_case = !text.chars().any(char::is_uppercase);
        (!text.is_empty()).then(|| Self {
            text: text.to_owned(),
            any_case,
        })
    }

    /// What is searched for.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it occurs.
    pub fn is_in(&self, line: &str) -> bool {
        self.find(line, 0).is_some()
    }

    /// Where it occurs, in bytes.
    pub fn matches(&self, line: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(range) = self.find(line, from) {
            from = range.end;
            found.push(range);
        }
        found
    }

    fn find(&self, line: &str, from: usize) -> Option<Range<usize>> {
        if !self.any_case {
            let at = from + line.get(from..)?.find(&self.text)?;
            return Some(at..at + self.text.len());
        }
        let rest = line.get(from..)?;
        rest.char_indices().find_map(|(at, _)| {
            let length = prefix_in_any_case(&rest[at..], &self.text)?;
            Some(from + at..from + at + length)
        })
    }
}

/// The bytes of `line` that are `text`, which is in lower case.
fn prefix_in_any_case(line: &str, text: &str) -> Option<usize> {
    let mut chars = line.chars();
    let mut length = 0;
    let mut wanted = text.chars();
    while let Some(next) = wanted.next() {
        let char = chars.next()?;
        length += char.len_utf8();
        let mut lower = char.to_lowercase();
        if lower.next()? != next {
            return None;
        }
        // Few characters have several in lower case.
        for more in lower {
            if wanted.next()? != more {
                return None;
            }
        }
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capital_letters_are_exact_and_others_in_any_case() {
        let find = |text, line| Search::new(text).expect("a text").matches(line);
        assert_eq!(find("error", "Error: ERROR error"), [0..5, 7..12, 13..18]);
        assert_eq!(find("Error", "Error: ERROR error").first(), Some(&(0..5)));
        assert_eq!(find("ö", "Öl für ÖL"), [0..2, 9..11]);
        assert_eq!(find("aa", "aaaaa"), [0..2, 2..4]);
        assert_eq!(find("x", "abc").len(), 0);
        assert_eq!(Search::new(""), None);
    }
}
