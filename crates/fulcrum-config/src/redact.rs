//! Redaction of secrets in text for people, by the names of variables and options.

use serde_json::{Value, json};

/// Replaces a secret.
const MASK: &str = "***";

/// Whether a variable of that name probably holds a secret, so that its value must not be shown.
///
/// A guess by common words: `DB_PASSWORD`, `API_KEY`, `GITHUB_TOKEN`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "PRIVATE",
        "APIKEY",
    ];
    /// Words that are part of harmless names, such as `KEYBOARD` or `PASSENGERS`.
    const WHOLE: [&str; 8] = [
        "KEY",
        "PASS",
        "AUTH",
        "AUTHORIZATION",
        "BEARER",
        "COOKIE",
        "COOKIES",
        "JWT",
    ];
    let name = name.to_ascii_uppercase();
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    WORDS.iter().any(|word| name.contains(word))
        || WHOLE.contains(&last)
        // Not the working directory.
        || name.ends_with("_PWD")
}

/// The value of a variable, or `***` if its name is that of a secret, such as `DB_PASSWORD`,
/// `API_KEY` or `GITHUB_TOKEN`. In any variable, passwords in URLs, credentials after `Bearer` and
/// `Basic`, and values such as `password=…` in a connection string are replaced.
pub fn redact_value(name: &str, value: &str) -> String {
    if is_secret_name(name) {
        return MASK.to_owned();
    }
    redact_text(value)
}

/// Arguments of a command without secret values: of `--api-key=x` and `--api-key x` only the names
/// are kept.
pub fn redact_arguments(arguments: &[String]) -> Vec<String> {
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
            Some(_) => redact_text(argument),
            None => {
                secret_follows = secret && is_option;
                redact_text(argument)
            }
        }
    };
    arguments.iter().map(mask).collect()
}

/// A command line, split at spaces, without secret values.
pub fn redact_command_line(command: &str) -> String {
    let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    redact_arguments(&words).join(" ")
}

/// Masks the secrets of a tree whose settings are `{"value": …, "origin": …}`.
pub(crate) fn mask_settings(tree: &mut Value) {
    mask_named("", "", tree);
}

/// Masks what is called `name` in `section`.
fn mask_named(section: &str, name: &str, tree: &mut Value) {
    let Value::Object(map) = tree else { return };
    if !map.get("origin").is_some_and(Value::is_string) {
        for (key, below) in map {
            mask_named(name, key, below);
        }
        return;
    }
    let Some(value) = map.get("value") else {
        return;
    };
    let masked = match section {
        // Headers of the export usually contain credentials.
        "headers" => json!(MASK),
        "runtime" if name == "notify" => mask_webhooks(value),
        "env" => match value {
            Value::String(text) => json!(redact_value(name, text)),
            other => other.clone(),
        },
        _ => mask_value(value),
    };
    if masked != *value {
        map.insert("value".to_owned(), masked);
        map.insert("masked".to_owned(), json!(true));
    }
}

/// Webhooks without the secret, and without the path of the URL, which is one for many receivers.
pub(crate) fn mask_webhooks(webhooks: &Value) -> Value {
    let mut masked = webhooks.clone();
    for webhook in masked.as_array_mut().into_iter().flatten() {
        if let Some(url) = webhook["webhook"].as_str() {
            webhook["webhook"] = json!(redact_url_path(url));
        }
        if webhook.get("secret").is_some() {
            webhook["secret"] = json!(MASK);
        }
    }
    masked
}

/// `https://hooks.example.com/services/T0/B0/x` as `https://hooks.example.com/***`.
pub fn redact_url_path(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return MASK.to_owned();
    };
    let ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[ends..].len() {
        0 | 1 => url.to_owned(),
        _ => format!("{scheme}://{}/{MASK}", &rest[..ends]),
    }
}

/// A text without secrets; a list of texts as the arguments of a command.
fn mask_value(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(redact_text(text)),
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect();
            match texts {
                Some(texts) => json!(redact_arguments(&texts)),
                None => value.clone(),
            }
        }
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), mask_value(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// A text without the secrets that are recognized by what is around them.
fn redact_text(value: &str) -> String {
    redact_assignments(&redact_credentials(&redact_urls(value)))
}

/// `postgres://user:secret@host` without the secret, for each URL of a text.
fn redact_urls(value: &str) -> String {
    const SCHEME_END: &str = "://";
    let mut redacted = String::new();
    let mut rest = value;
    while let Some(at) = rest.find(SCHEME_END) {
        let (scheme, after) = rest.split_at(at + SCHEME_END.len());
        redacted.push_str(scheme);
        let ends = after.find(['/', '?', '#', ' ', '"']).unwrap_or(after.len());
        // In a list of URLs the scheme of the next one ends here.
        let is_list = after[ends..].starts_with("//") && after[..ends].ends_with(':');
        let separator = is_list.then(|| after[..ends].rfind([',', ';'])).flatten();
        let (authority, after) = after.split_at(separator.unwrap_or(ends));
        match authority.rsplit_once('@') {
            Some((account, host)) => {
                let (user, password) = account.split_once(':').unzip();
                redacted.push_str(user.unwrap_or(account));
                if password.is_some() {
                    redacted.push(':');
                    redacted.push_str(MASK);
                }
                redacted.push('@');
                redacted.push_str(host);
            }
            None => redacted.push_str(authority),
        }
        rest = after;
    }
    redacted + rest
}

/// `Authorization: Bearer …` without the credentials.
fn redact_credentials(value: &str) -> String {
    for scheme in ["Bearer ", "Basic "] {
        let found = value.match_indices(scheme).find(|(at, _)| {
            let before = value[..*at].chars().next_back();
            before.is_none_or(|before| !before.is_alphanumeric())
        });
        if let Some((at, _)) = found {
            let (before, after) = value.split_at(at + scheme.len());
            let ends = after.find([' ', '"', '\'']).unwrap_or(after.len());
            return format!("{before}{MASK}{}", &after[ends..]);
        }
    }
    value.to_owned()
}

/// `host=db password=…` and `?sslmode=on&password=…` without the secret.
fn redact_assignments(value: &str) -> String {
    let words = value.split_inclusive([' ', ';', '&', '?', ',']);
    let redact = |word: &str| {
        let text = word.trim_end_matches([' ', ';', '&', '?', ',']);
        let (name, secret) = text.split_once('=')?;
        let is_masked = secret.is_empty() || secret == MASK || !is_secret_name(name);
        (!is_masked).then(|| format!("{name}={MASK}{}", &word[text.len()..]))
    };
    let words = words.map(|word| redact(word).unwrap_or_else(|| word.to_owned()));
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_name_and_in_urls() {
        for (name, value, redacted) in [
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
            (
                "REDIS",
                "redis://:hunter2@h,redis://u:hunter2@i",
                "redis://:***@h,redis://u:***@i",
            ),
            (
                "REPO",
                "git+https://token@example.com/x",
                "git+https://token@example.com/x",
            ),
            ("SMTP_PASS", "hunter2", "***"),
            ("PROXY_AUTH", "hunter2", "***"),
            ("PWD", "/app", "/app"),
            ("COMPASS", "north", "north"),
            ("KEYBOARD", "us", "us"),
            ("AUTHOR", "Ada", "Ada"),
            (
                "HEADER",
                "Authorization: Bearer hunter2",
                "Authorization: Bearer ***",
            ),
            (
                "CURL",
                "-H 'x: Basic aHVudGVyMg==' -v",
                "-H 'x: Basic ***' -v",
            ),
            ("TEXT", "NotBasic things", "NotBasic things"),
            (
                "DSN",
                "host=db password=hunter2 port=1",
                "host=db password=*** port=1",
            ),
            (
                "ADO",
                "Server=x;Password=hunter2;",
                "Server=x;Password=***;",
            ),
            (
                "WEBHOOK",
                "https://x.io/h?a=1&token=hunter2&b=2",
                "https://x.io/h?a=1&token=***&b=2",
            ),
        ] {
            assert_eq!(redact_value(name, value), redacted);
        }
    }

    #[test]
    fn webhooks_are_shown_without_secret_and_path() {
        let webhooks = json!([
            {"webhook": "https://hooks.example.com/services/hunter2", "secret": "hunter2"},
            {"webhook": "http://127.0.0.1:9000?key=hunter2", "on": ["failed"]},
            {"webhook": "https://example.com"},
        ]);
        let expected = json!([
            {"webhook": "https://hooks.example.com/***", "secret": "***"},
            {"webhook": "http://127.0.0.1:9000/***", "on": ["failed"]},
            {"webhook": "https://example.com"},
        ]);
        assert_eq!(mask_webhooks(&webhooks), expected);
    }

    #[test]
    fn options_keep_their_names_and_lose_secret_values() {
        let redacted =
            redact_command_line("node x.js --api-key=hunter2 --token hunter2 --token-file f -v");
        assert_eq!(
            redacted,
            "node x.js --api-key=*** --token *** --token-file *** -v"
        );
        let arguments = [
            "--header",
            "Authorization: Bearer hunter2",
            "--url=x?key=hunter2",
        ];
        let redacted = redact_arguments(&arguments.map(str::to_owned));
        assert_eq!(
            redacted,
            ["--header", "Authorization: Bearer ***", "--url=x?key=***"]
        );
        assert_eq!(
            redact_command_line("node keys.js --port 1"),
            "node keys.js --port 1"
        );
    }
}
