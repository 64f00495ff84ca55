//! What people are shown and secrets: masked by the names that they go by.

use fulcrum_config::is_secret_name;

/// What stands in a secret's place.
const MASK: &str = "***";

/// The value of a variable, or a mask if its name says that it is a secret. The password of an
/// address is masked whatever the name is.
pub(crate) fn redact_value(name: &str, value: &str) -> String {
    if is_secret_name(name) {
        return MASK.to_owned();
    }
    redact_url_password(value)
}

/// Arguments of a command: `--api-key=x` and `--api-key x` keep their names only.
pub(crate) fn masked_arguments(arguments: &[String]) -> Vec<String> {
    let mut secret_follows = false;
    let mask = |argument: &String| {
        if std::mem::take(&mut secret_follows) && !argument.starts_with('-') {
            return MASK.to_owned();
        }
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument.as_str(), None),
        };
        let secret = is_secret_name(&name.trim_start_matches('-').replace('-', "_"));
        let is_option = name.starts_with('-');
        match value {
            Some(_) if secret => format!("{name}={MASK}"),
            Some(_) => redact_url_password(argument),
            None => {
                secret_follows = secret && is_option;
                redact_url_password(argument)
            }
        }
    };
    arguments.iter().map(mask).collect()
}

/// A command line as one text.
pub(crate) fn redact_command_line(command: &str) -> String {
    let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    masked_arguments(&words).join(" ")
}

/// `postgres://user:secret@host` without the secret.
fn redact_url_password(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else {
        return value.to_owned();
    };
    let authority_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(authority_ends);
    match authority.rsplit_once('@') {
        Some((account, host)) => {
            let user = match account.split_once(':') {
                Some((user, _)) => format!("{user}:{MASK}"),
                None => account.to_owned(),
            };
            format!("{scheme}://{user}@{host}{after}")
        }
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_give_secrets_away() {
        for (name, value, shown) in [
            ("SECRET_TOKEN", "hunter2", "***"),
            ("STRIPE_KEY", "hunter2", "***"),
            ("PORT", "3001", "3001"),
            (
                "DATABASE_URL",
                "postgres://shop:hunter2@db:5432/shop?x=1",
                "postgres://shop:***@db:5432/shop?x=1",
            ),
            (
                "URL",
                "https://example.com/a:b@c",
                "https://example.com/a:b@c",
            ),
        ] {
            assert_eq!(redact_value(name, value), shown);
        }
    }

    #[test]
    fn options_keep_their_names() {
        let shown =
            redact_command_line("node x.js --api-key=hunter2 --token hunter2 --token-file f -v");
        assert_eq!(
            shown,
            "node x.js --api-key=*** --token *** --token-file *** -v"
        );
        assert_eq!(
            redact_command_line("node keys.js --port 1"),
            "node keys.js --port 1"
        );
    }
}
