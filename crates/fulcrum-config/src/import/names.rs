//! Names of domains for names of other tools.

use crate::discover::{check_name, plain_name};

/// A valid domain name for `name` that `taken` does not contain, in any case.
pub(super) fn domain_name(name: &str, taken: &[&str]) -> String {
    let mut plain = plain_name(name);
    if plain.is_empty() {
        plain = "app".to_owned();
    }
    // Reserved names are valid but for their meaning.
    if check_name(&plain).is_some() {
        plain = format!("{plain}-app");
    }
    let is_free = |name: &str| taken.iter().all(|other| !other.eq_ignore_ascii_case(name));
    if is_free(&plain) {
        return plain;
    }
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    numbered
        .into_iter()
        .find(|name| is_free(name))
        .unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_valid_and_different() {
        for (name, taken, expected) in [
            ("api", &[][..], "api"),
            ("@shop/api", &[], "shop-api"),
            ("my.app v2", &[], "my-app-v2"),
            ("all", &[], "all-app"),
            ("_x", &[], "x"),
            ("äöü", &[], "app"),
            ("Api", &["api", "api-2"], "Api-3"),
        ] {
            assert_eq!(domain_name(name, taken), expected, "{name}");
        }
    }
}
