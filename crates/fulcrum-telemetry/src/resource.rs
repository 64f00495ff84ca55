//! What a process is, by OpenTelemetry's semantic conventions of resources.

use std::borrow::Cow;

use crate::spans::{Attribute, Attributes};

const SERVICE: &str = "service.name";
const INSTANCE: &str = "service.instance.id";

/// The attributes of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    attributes: Attributes,
}

impl Resource {
    /// A process of this service, and what distinguishes it from others of the same service.
    #[must_use]
    pub fn new(service: impl Into<String>, instance: impl Into<String>) -> Self {
        Self::default()
            .with(SERVICE, service.into())
            .with(INSTANCE, instance.into())
    }

    /// With another attribute, which replaces one of the same name.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Attribute>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.attributes.iter_mut().find(|(set, _)| *set == name) {
            Some((_, set)) => *set = value,
            None => self.attributes.push((name, value)),
        }
        self
    }

    /// With the attributes of `OTEL_RESOURCE_ATTRIBUTES`: `NAME=VALUE,…`, percent-encoded. What is
    /// malformed is left out.
    #[must_use]
    pub fn with_list(mut self, list: &str) -> Self {
        for (name, value) in parse_list(list) {
            self = self.with(name, value);
        }
        self
    }

    /// All attributes.
    #[must_use]
    pub fn attributes(&self) -> &[(Cow<'static, str>, Attribute)] {
        &self.attributes
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        self.text(SERVICE)
    }

    /// What distinguishes this process.
    #[must_use]
    pub fn instance(&self) -> &str {
        self.text(INSTANCE)
    }

    fn text(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(set, _)| set == name);
        match found {
            Some((_, Attribute::Text(text))) => text,
            _ => "",
        }
    }
}

/// The pairs of a list in the format of W3C Baggage: `NAME=VALUE,…`, percent-encoded.
pub(crate) fn parse_list(list: &str) -> impl Iterator<Item = (String, String)> {
    list.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (decode(name.trim()), decode(value.trim()));
        (!name.is_empty()).then_some((name, value))
    })
}

/// Writes a list that `parse_list` reads.
#[must_use]
pub fn write_list<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter();
    let encoded = pairs.map(|(name, value)| format!("{name}={}", encode(value)));
    encoded.collect::<Vec<_>>().join(",")
}

fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b':' | b'@' => {
                encoded.push(byte.into());
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_replaces_attributes_and_is_decoded() {
        let resource = Resource::new("fulcrum", "1")
            .with("process.pid", 42_u64)
            .with_list("service.name=shop, deployment.environment.name=caf%C3%A9 1,broken,=x,");
        assert_eq!((resource.service(), resource.instance()), ("shop", "1"));
        assert_eq!(resource.text("deployment.environment.name"), "café 1");
        assert_eq!(resource.attributes().len(), 4);
    }

    #[test]
    fn a_written_list_is_read_the_same() {
        let list = write_list([("a", "1,2=3 %"), ("b", "plain-1.2/x")]);
        let read: Vec<_> = parse_list(&list).collect();
        let expected = [("a", "1,2=3 %"), ("b", "plain-1.2/x")];
        assert_eq!(
            read,
            expected.map(|(name, value)| (name.into(), value.into()))
        );
    }
}
