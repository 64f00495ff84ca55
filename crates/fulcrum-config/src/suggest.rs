//! Suggestions for mistyped names.

/// The closest known name, if it is close enough to be a suggestion.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = to_snake_case(name);
    if plain.chars().count() > 64 {
        return None;
    }
    let allowed = match plain.chars().count() {
        0..=1 => 0,
        2..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&plain, &to_snake_case(candidate)),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Like [`closest`], where other names are valid too: only a difference of one letter in a long
/// name counts as a typo.
pub(crate) fn likely_typo<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known.into_iter().find(|candidate| {
        name == *candidate
            || (candidate.len() >= 6
                && name.len() < 64
                && strsim::damerau_levenshtein(&to_snake_case(name), candidate) <= 1)
    })
}

/// `dependsOn` and `depends-on` become `depends_on`.
pub(crate) fn to_snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && after_lower {
            out.push('_');
        }
        after_lower = c.is_lowercase();
        if c == '-' {
            out.push('_');
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 6] = [
        "restart",
        "depends_on",
        "user",
        "env",
        "env_file",
        "start_timeout",
    ];

    #[test]
    fn the_closest_name_is_found() {
        for (typed, suggestion) in [
            ("restrat", "restart"),
            ("dependsOn", "depends_on"),
            ("depends", "depends_on"),
            ("start-timeout", "start_timeout"),
            ("evn", "env"),
        ] {
            let known = if typed == "depends" {
                None
            } else {
                Some(suggestion)
            };
            assert_eq!(closest(typed, KEYS), known, "{typed}");
        }
        assert_eq!(closest("color", KEYS), None);
        assert_eq!(closest("x", KEYS), None);
    }

    #[test]
    fn another_name_is_not_a_typo() {
        assert_eq!(likely_typo("restrat", KEYS), Some("restart"));
        assert_eq!(likely_typo("env", KEYS), Some("env"));
        assert_eq!(likely_typo("users", KEYS), None);
        assert_eq!(likely_typo("db", KEYS), None);
    }
}
