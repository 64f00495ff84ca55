//! Names of domains that were typed.

/// For people: that there is no such domain, which one was probably meant, and which there are.
pub fn unknown_domain<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.collect();
    let meant = match nearest(name, &known) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => String::new(),
    };
    let there = match known.as_slice() {
        [] => "the app has no domains".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    };
    let name: String = name.escape_debug().take(80).collect();
    format!("there is no domain `{name}`{meant}\n  hint: {there}")
}

/// The name that differs least, if it differs little: one letter in three at most.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let length = name.chars().count();
    known
        .iter()
        .map(|candidate| (distance(name, candidate), *candidate))
        .filter(|(distance, _)| *distance <= (length / 3).max(1) && *distance < length)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, removed, changed or swapped with the next one.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.to_lowercase().chars().take(64).collect();
    let other: Vec<char> = other.to_lowercase().chars().collect();
    // Rows of the table of distances between beginnings: of `one` without its last two, one and
    // no letters.
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = last[j] + usize::from(a != b);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found() {
        let known = ["catalog", "notifications", "orders", "users"];
        for (typed, meant) in [
            ("usres", Some("users")),
            ("Users", Some("users")),
            ("catalogue", Some("catalog")),
            ("order", Some("orders")),
            ("notification", Some("notifications")),
            ("payments", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, &known), meant, "{typed}");
        }
    }

    #[test]
    fn distances_count_single_slips() {
        for (one, other, slips) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "ab", 1),
            ("abc", "xbc", 1),
            ("ab", "cd", 2),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(one, other), slips, "{one} {other}");
            assert_eq!(distance(other, one), slips, "{other} {one}");
        }
    }

    #[test]
    fn the_message_lists_what_there_is_and_is_harmless() {
        assert_eq!(
            unknown_domain("usres", ["orders", "users"].into_iter()),
            "there is no domain `usres`; did you mean `users`?\n  hint: there are: orders, users"
        );
        let text = unknown_domain("\x1b[2J", std::iter::empty());
        assert!(
            !text.contains('\x1b') && text.contains("no domains"),
            "{text:?}"
        );
    }
}
