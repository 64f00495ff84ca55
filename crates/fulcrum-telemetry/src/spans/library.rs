//! Spans of a domain's client library, which come on its stream as JSON. The library has no exporter
//! of its own, so that a domain needs no package to be traced.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;

use super::own::{Attribute, Attributes, OwnSpan};
use crate::context::SpanId;
use crate::convert::cut;
use crate::traces::{SpanKind, SpanStatus};

const MAX_NAME: usize = 256;
const MAX_TEXT: usize = 2048;
const MAX_ATTRIBUTES: usize = 32;

/// The most names of spans that are shared.
const MAX_SHARED: usize = 1024;

/// A message of type `spans`.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    spans: Vec<LibrarySpan<'a>>,
    /// How many were left out, because too many were recorded at once.
    #[serde(default)]
    dropped: u64,
}

/// One span. Times are in milliseconds, with fractions.
#[derive(Deserialize)]
struct LibrarySpan<'a> {
    trace: &'a str,
    id: &'a str,
    #[serde(default)]
    parent: &'a str,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    kind: &'a str,
    start: f64,
    duration: f64,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
}

/// Reads messages. Most spans have the name of one that was before, and its attributes: they share
/// them.
#[derive(Debug, Default)]
pub(crate) struct LibraryReader {
    shared: HashMap<Arc<str>, Arc<Attributes>>,
}

impl LibraryReader {
    /// The spans of a message, and how many are missing or malformed.
    pub(crate) fn read(&mut self, payload: &str) -> (Vec<OwnSpan>, u64) {
        let Ok(message) = serde_json::from_str::<Message<'_>>(payload) else {
            return (Vec::new(), 1);
        };
        let all = message.spans.len();
        let spans = message.spans.into_iter();
        let spans: Vec<OwnSpan> = spans.filter_map(|span| self.span(span)).collect();
        let malformed = (all - spans.len()) as u64;
        (spans, malformed.saturating_add(message.dropped))
    }

    fn span(&mut self, span: LibrarySpan<'_>) -> Option<OwnSpan> {
        let id = |text: &str| u64::from_str_radix(text, 16).map_or(SpanId(0), SpanId);
        let own = id(span.id);
        let start = Duration::try_from_secs_f64(span.start / 1000.0).ok()?;
        let duration = Duration::try_from_secs_f64(span.duration.max(0.0) / 1000.0).ok()?;
        (!own.is_none()).then_some(())?;
        let (name, attributes) = self.share(cut(&span.name, MAX_NAME), attributes(span.attributes));
        Some(OwnSpan {
            trace: span.trace.parse().ok()?,
            id: own,
            parent: id(span.parent),
            name,
            kind: match span.kind {
                "server" => SpanKind::Server,
                "client" => SpanKind::Client,
                "producer" => SpanKind::Producer,
                "consumer" => SpanKind::Consumer,
                _ => SpanKind::Internal,
            },
            start: UNIX_EPOCH.checked_add(start)?,
            duration,
            status: match span.error {
                Some(text) => SpanStatus::Error(cut(&text, MAX_TEXT)),
                None => SpanStatus::Unset,
            },
            attributes,
        })
    }

    fn share(&mut self, name: String, attributes: Attributes) -> (Arc<str>, Arc<Attributes>) {
        let known = self.shared.get_key_value(name.as_str());
        let (name, known) = match known {
            Some((name, known)) => (Arc::clone(name), Some(known)),
            None => (name.into(), None),
        };
        if let Some(known) = known.filter(|known| ***known == attributes) {
            return (name, Arc::clone(known));
        }
        let attributes = Arc::new(attributes);
        if known.is_some() || self.shared.len() < MAX_SHARED {
            let (name, attributes) = (Arc::clone(&name), Arc::clone(&attributes));
            self.shared.insert(name, attributes);
        }
        (name, attributes)
    }
}

fn attributes(all: BTreeMap<String, Value>) -> Attributes {
    let attributes = all.into_iter().take(MAX_ATTRIBUTES);
    let attributes = attributes.filter_map(|(name, value)| {
        let value = match value {
            Value::String(text) => Attribute::from(cut(&text, MAX_TEXT)),
            Value::Bool(value) => value.into(),
            Value::Number(number) => match number.as_u64() {
                Some(number) => number.into(),
                None => number.as_f64()?.into(),
            },
            _ => return None,
        };
        Some((Cow::Owned(cut(&name, MAX_NAME)), value))
    });
    attributes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(payload: &str) -> (Vec<OwnSpan>, u64) {
        LibraryReader::default().read(payload)
    }

    #[test]
    fn spans_of_the_same_name_share_it_and_equal_attributes() {
        let mut reader = LibraryReader::default();
        let mut read = |name: &str, n: u32| {
            let payload = format!(
                r#"{{"spans":[{{"trace":"4bf92f3577b34da6a3ce929d0e0e4736","id":"f0","name":"{name}",
                "start":1,"duration":1,"attributes":{{"n":{n}}}}}]}}"#
            );
            reader.read(&payload).0.remove(0)
        };
        let [first, same, other] = [read("a", 1), read("a", 1), read("a", 2)];
        assert!(Arc::ptr_eq(&first.name, &same.name) && Arc::ptr_eq(&first.name, &other.name));
        assert!(Arc::ptr_eq(&first.attributes, &same.attributes));
        assert_eq!(other.attributes[0].1, Attribute::Int(2));
        for number in 0..2 * MAX_SHARED {
            assert_eq!(
                &*read(&format!("made up {number}"), 1).name,
                format!("made up {number}")
            );
        }
        assert_eq!(reader.shared.len(), MAX_SHARED);
    }

    #[test]
    fn a_message_has_spans_with_times_and_errors() {
        let payload = r#"{"spans":[{"trace":"4bf92f3577b34da6a3ce929d0e0e4736","id":"00000000000000f0",
            "parent":"00000000000000f1","name":"item_find_request","kind":"server","start":1500.25,
            "duration":2.5,"error":"no such \"item\"","attributes":{"n":1,"x":0.5,"s":"t","o":{}}}],"dropped":3}"#;
        let (spans, dropped) = parse(payload);
        let [span] = &spans[..] else {
            panic!("{spans:?}")
        };
        assert_eq!(dropped, 3);
        assert_eq!((span.id, span.parent), (SpanId(0xf0), SpanId(0xf1)));
        assert_eq!(span.start, UNIX_EPOCH + Duration::from_micros(1_500_250));
        assert_eq!(span.duration, Duration::from_micros(2_500));
        assert_eq!(span.status, SpanStatus::Error("no such \"item\"".into()));
        assert_eq!(span.attributes.len(), 3);
    }

    #[test]
    fn rubbish_is_counted() {
        for payload in ["", "{", r#"{"spans":1}"#] {
            let (spans, dropped) = parse(payload);
            assert_eq!((spans.len(), dropped), (0, 1), "{payload}");
        }
        let bad = r#"{"spans":[{"trace":"x","id":"1","name":"","start":1,"duration":1},
            {"trace":"4bf92f3577b34da6a3ce929d0e0e4736","id":"1","name":"","start":-1,"duration":1},
            {"trace":"4bf92f3577b34da6a3ce929d0e0e4736","id":"0","name":"","start":1,"duration":1}]}"#;
        assert_eq!(parse(bad), (Vec::new(), 3));
    }
}
