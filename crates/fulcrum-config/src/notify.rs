//! `runtime.notify`: a list of webhooks.

use std::collections::BTreeSet;

use crate::diagnostic::quoted;
use crate::node::{Node, NodeKind};
use crate::runtime::{NotifyEvent, WebhookFormat, WebhookSettings};
use crate::scalars::{parse_string_list, scalar};
use crate::setting::Setting;
use crate::suggest::closest;
use crate::value_error::ValueError;

const KEYS: [&str; 4] = ["webhook", "on", "format", "secret"];
const WHAT: &str = "a list of `{webhook: URL, on: [failed, hung]}`";

/// Parses the value of `notify`.
pub(crate) fn parse(node: &Node) -> Result<Setting, ValueError> {
    let NodeKind::Sequence(items) = &node.value else {
        return Err(ValueError::expected(WHAT, node));
    };
    let webhooks = items.iter().enumerate().map(|(index, item)| {
        webhook(item).map_err(|error| ValueError {
            message: format!("webhook {}: {}", index + 1, error.message),
            ..error
        })
    });
    Ok(Setting::Webhooks(webhooks.collect::<Result<_, _>>()?))
}

fn webhook(node: &Node) -> Result<WebhookSettings, ValueError> {
    let NodeKind::Mapping(entries) = &node.value else {
        return Err(ValueError::expected("`{webhook: URL, on: […]}`", node));
    };
    if let Some(unknown) = entries
        .iter()
        .find(|entry| !KEYS.contains(&entry.key.as_str()))
    {
        let error = ValueError::invalid(format!("{} is not a key of it", quoted(&unknown.key)));
        return Err(match closest(&unknown.key, KEYS) {
            Some(key) => error.hint(format!("did you mean `{key}`?")),
            None => error.hint(format!(
                "the keys are {}",
                KEYS.map(|key| format!("`{key}`")).join(", ")
            )),
        });
    }
    let Some(url) = node.get("webhook") else {
        return Err(ValueError::invalid("it has no `webhook`")
            .hint("write `{webhook: https://example.com/hook, on: [failed]}`"));
    };
    let url = scalar(&url.value, "a URL")?;
    let secret = match node.get("secret") {
        Some(secret) => Some(parse_secret(&secret.value)?),
        None => None,
    };
    Ok(WebhookSettings {
        url: parse_url(url)?,
        on: match node.get("on") {
            Some(on) => events(&on.value)?,
            None => NotifyEvent::ALL.into(),
        },
        format: match node.get("format") {
            Some(format) => parse_format(&format.value)?,
            None => WebhookFormat::Json,
        },
        secret,
    })
}

fn parse_secret(node: &Node) -> Result<String, ValueError> {
    match scalar(node, "a text")? {
        "" => Err(ValueError::invalid("`secret` is empty")
            .hint("omit it to send bodies without a signature")),
        secret => Ok(secret.to_owned()),
    }
}

/// A URL of HTTP. The message does not contain it: its path is a secret for many receivers.
fn parse_url(text: &str) -> Result<String, ValueError> {
    let shape = |why: &str| {
        ValueError::invalid(format!("`webhook` is not a URL of HTTP: {why}"))
            .hint("write it like `https://example.com/hook`")
    };
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or_else(|| shape("it does not start with `https://` or `http://`"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(shape("a user name is not supported"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Err(shape("it has no host"));
    }
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        return Err(shape("its port is not one from 1 to 65535"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(shape("it has a space or a character that must be encoded"));
    }
    Ok(text.to_owned())
}

fn events(node: &Node) -> Result<BTreeSet<NotifyEvent>, ValueError> {
    let words = parse_string_list(node, true, true)?;
    words.iter().map(|word| event(word)).collect()
}

fn event(word: &str) -> Result<NotifyEvent, ValueError> {
    let known = NotifyEvent::ALL.map(NotifyEvent::as_str);
    let found = NotifyEvent::ALL
        .into_iter()
        .find(|event| event.as_str() == word);
    found.ok_or_else(|| {
        let list = known.map(|word| format!("`{word}`")).join(", ");
        let error = ValueError::invalid(format!("`on`: {} is none of {list}", quoted(word)));
        match closest(word, known) {
            Some(close) => error.hint(format!("did you mean `{close}`?")),
            None => error,
        }
    })
}

fn parse_format(node: &Node) -> Result<WebhookFormat, ValueError> {
    match scalar(node, "`json` or `slack`")? {
        "json" => Ok(WebhookFormat::Json),
        "slack" => Ok(WebhookFormat::Slack),
        _ => Err(ValueError::expected("`json` or `slack`", node)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Setting, ValueError> {
        parse(&crate::yaml::parse(text).expect("valid YAML").root)
    }

    #[test]
    fn a_webhook_is_for_all_events_unless_it_names_some() {
        let parsed = parse_text(
            "[{webhook: 'https://a.example/x'}, {webhook: 'http://[::1]:80', on: hung, format: slack, secret: s}]",
        );
        let Ok(Setting::Webhooks(webhooks)) = parsed else {
            panic!("{parsed:?}");
        };
        assert_eq!(webhooks[0].on, NotifyEvent::ALL.into());
        assert_eq!(webhooks[0].format, WebhookFormat::Json);
        assert_eq!(webhooks[1].on, [NotifyEvent::Hung].into());
        assert_eq!(webhooks[1].format, WebhookFormat::Slack);
        assert_eq!(webhooks[1].secret.as_deref(), Some("s"));
    }

    #[test]
    fn mistakes_are_named_without_the_url() {
        for (text, message) in [
            ("x", "a list of"),
            ("[x]", "webhook 1: "),
            ("[{on: [failed]}]", "webhook 1: it has no `webhook`"),
            ("[{webhook: 'ftp://topsecret'}]", "does not start with"),
            ("[{webhook: 'https://topsecret:0/'}]", "its port"),
            ("[{webhook: 'https:///topsecret'}]", "no host"),
            ("[{webhook: 'https://u:topsecret@x'}]", "user name"),
            ("[{webhook: 'https://x', on: [crash_lop]}]", "none of"),
            ("[{webhook: 'https://x', on: []}]", "empty"),
            ("[{webhook: 'https://x', urls: 1}]", "not a key"),
            ("[{webhook: 'https://x', secret: ''}]", "`secret` is empty"),
        ] {
            let error = parse_text(text).expect_err(text);
            assert!(error.message.contains(message), "{text}: {}", error.message);
            assert!(!error.message.contains("topsecret"), "{}", error.message);
        }
    }
}
