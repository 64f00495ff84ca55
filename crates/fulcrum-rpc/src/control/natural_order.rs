//! The order of names for people: `web-2` before `web-10`.

use std::cmp::Ordering;

/// Compares two names, numbers in them by their value.
#[must_use]
pub fn compare_names(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let (one, left_rest) = split(left);
        let (other, right_rest) = split(right);
        let order = match (is_number(one), is_number(other)) {
            (true, true) => compare_numbers(one, other),
            _ => one.cmp(other),
        };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    // Names that differ in leading zeros only.
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The digits or other characters that a text starts with, and the rest.
fn split(text: &str) -> (&str, &str) {
    let digits = is_number(text);
    let end = text
        .find(|c: char| c.is_ascii_digit() != digits)
        .unwrap_or(text.len());
    text.split_at(end)
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Numbers of any length.
fn compare_numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_ordered_by_value() {
        let mut names = vec![
            "web-10", "web-2", "api", "web-1", "web", "web-02", "v2-b", "v2-a", "v10-a",
        ];
        names.sort_by(|a, b| compare_names(a, b));
        let expected = [
            "api", "v2-a", "v2-b", "v10-a", "web", "web-1", "web-02", "web-2", "web-10",
        ];
        assert_eq!(names, expected);
    }
}
