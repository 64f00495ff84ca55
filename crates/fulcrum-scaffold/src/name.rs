//! Names in code, derived from the name of a domain.

/// The name of a domain's class: `user-accounts` has the class `UserAccounts`.
#[must_use]
pub fn class_name(domain: &str) -> String {
    let mut name = String::with_capacity(domain.len());
    for word in words(domain) {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    // A name in JavaScript does not begin with a digit.
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert_str(0, "Domain");
    }
    name
}

/// The thing that a domain is about, as a word of a message type: `users` is about a `user`,
/// `order-lines` about an `order_line`.
#[must_use]
pub fn singular(domain: &str) -> String {
    let mut all: Vec<String> = words(domain).map(str::to_ascii_lowercase).collect();
    if let Some(last) = all.last_mut() {
        *last = singular_word(last);
    }
    all.join("_")
}

/// English plurals that end in `s`, as far as a rule finds them. A wrong guess is a name that the user
/// changes.
fn singular_word(word: &str) -> String {
    let is_plural = word.len() > 3
        && word.ends_with('s')
        && !["ss", "us", "is", "as", "os", "news"]
            .iter()
            .any(|end| word.ends_with(end));
    if !is_plural {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies")
        && stem.len() > 2
    {
        return format!("{stem}y");
    }
    let after_hiss = ["sses", "shes", "ches", "xes", "zes"];
    let cut = if after_hiss.iter().any(|end| word.ends_with(end)) {
        2
    } else {
        1
    };
    word[..word.len() - cut].to_owned()
}

/// The words of a name, which `-` and `_` separate.
pub(crate) fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['-', '_']).filter(|word| !word.is_empty())
}

/// The message type that a method handles, by the rules of `@fulcrum/domain`: `userCreateHandler`
/// handles `user_create_request`. `None` for a method that is no handler.
#[must_use]
pub fn request_type_of(method: &str) -> Option<String> {
    let stem = method
        .strip_suffix("_handler")
        .or_else(|| method.strip_suffix("Handler"))?;
    if stem.is_empty() || stem.starts_with('_') {
        return None;
    }
    let letters: Vec<char> = stem.chars().collect();
    let mut type_ = String::with_capacity(stem.len() + 8);
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        let starts_word = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    // The last capital of a run begins the next word.
                    || (before.is_ascii_uppercase()
                        && after.is_some_and(char::is_ascii_lowercase))
            });
        if starts_word {
            type_.push('_');
        }
        type_.push(letter.to_ascii_lowercase());
    }
    type_.push_str("_request");
    Some(type_)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_named_after_its_domain() {
        for (domain, class) in [
            ("users", "Users"),
            ("user-accounts", "UserAccounts"),
            ("web_2", "Web2"),
            ("2fa", "Domain2fa"),
            ("API", "API"),
        ] {
            assert_eq!(class_name(domain), class);
        }
    }

    #[test]
    fn the_thing_of_a_domain_is_its_singular() {
        for (domain, thing) in [
            ("users", "user"),
            ("categories", "category"),
            ("boxes", "box"),
            ("addresses", "address"),
            ("status", "status"),
            ("news", "news"),
            ("catalog", "catalog"),
            ("gas", "gas"),
            ("order-lines", "order_line"),
            ("Mails", "mail"),
        ] {
            assert_eq!(singular(domain), thing, "{domain}");
        }
    }

    #[test]
    fn a_method_handles_the_type_that_the_package_says() {
        for (method, type_) in [
            ("userCreateHandler", Some("user_create_request")),
            ("parseHTTPBodyHandler", Some("parse_http_body_request")),
            ("oauth2TokenHandler", Some("oauth2_token_request")),
            ("userV2Handler", Some("user_v2_request")),
            ("oauth_2_token_handler", Some("oauth_2_token_request")),
            ("oauth_2TokenHandler", Some("oauth_2_token_request")),
            ("Handler", None),
            ("_privateHandler", None),
            ("create", None),
        ] {
            assert_eq!(request_type_of(method).as_deref(), type_, "{method}");
        }
    }
}
