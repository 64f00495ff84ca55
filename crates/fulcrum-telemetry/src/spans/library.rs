//! Spans of a domain's client library, which come on its stream as JSON. The library has no exporter
//! of its own, so that a domain needs no package to be traced. They come as a table, or from older
//! libraries as an object each.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;

use super::own::{Attribute, Attributes, OwnSpan};
use super::table::{Row, Table};
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
    /// What spans of a table have in common, by the numbers in its rows.
    #[serde(borrow, default)]
    kinds: Vec<LibraryKind<'a>>,
    /// The headers `traceparent` of a table's spans, one after the other.
    #[serde(default)]
    parents: &'a str,
    /// The rest of a table's spans, in hexadecimal digits.
    #[serde(default)]
    rows: &'a str,
    /// The errors of a table's spans, by the numbers of their rows.
    #[serde(borrow, default)]
    errors: Vec<(usize, Cow<'a, str>)>,
    /// How many were left out, because too many were recorded at once.
    #[serde(default)]
    dropped: u64,
}

/// What spans have in common.
#[derive(Deserialize)]
struct LibraryKind<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    kind: &'a str,
    #[serde(borrow, default)]
    attributes: BTreeMap<Cow<'a, str>, Value>,
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
    #[serde(borrow, default)]
    attributes: BTreeMap<Cow<'a, str>, Value>,
}

/// What spans share.
struct Shared {
    name: Arc<str>,
    kind: SpanKind,
    attributes: Arc<Attributes>,
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
        let (mut spans, mut lost) = self.read_table(&message);
        lost = lost.saturating_add(message.dropped);
        for span in message.spans {
            match self.span(span) {
                Some(span) => spans.push(span),
                None => lost = lost.saturating_add(1),
            }
        }
        (spans, lost)
    }

    fn read_table(&mut self, message: &Message<'_>) -> (Vec<OwnSpan>, u64) {
        let Some(table) = Table::new(message.parents, message.rows) else {
            return (Vec::new(), 1);
        };
        let kinds = message.kinds.iter();
        let kinds: Vec<Shared> = kinds.map(|kind| self.kind(kind)).collect();
        let errors = message.errors.iter();
        let errors: HashMap<usize, &str> = errors.map(|(row, text)| (*row, &**text)).collect();
        let mut spans = Vec::with_capacity(table.count());
        for (index, row) in table.rows().enumerate() {
            let error = errors.get(&index).copied();
            spans.extend(row.and_then(|row| row.span(kinds.get(row.kind)?, error)));
        }
        let malformed = (table.count() - spans.len()) as u64;
        (spans, malformed)
    }

    fn kind(&mut self, kind: &LibraryKind<'_>) -> Shared {
        let (name, attributes) = self.share(&kind.name, &kind.attributes);
        Shared {
            name,
            kind: span_kind(kind.kind),
            attributes,
        }
    }

    fn span(&mut self, span: LibrarySpan<'_>) -> Option<OwnSpan> {
        let id = |text: &str| u64::from_str_radix(text, 16).map_or(SpanId(0), SpanId);
        let row = Row {
            kind: 0,
            trace: span.trace.parse().ok()?,
            parent: id(span.parent),
            id: id(span.id),
            start: span.start,
            duration: span.duration,
        };
        let (name, attributes) = self.share(&span.name, &span.attributes);
        let shared = Shared {
            name,
            kind: span_kind(span.kind),
            attributes,
        };
        row.span(&shared, span.error.as_deref())
    }

    fn share(
        &mut self,
        name: &str,
        attributes: &BTreeMap<Cow<'_, str>, Value>,
    ) -> (Arc<str>, Arc<Attributes>) {
        let name = &name[..name.floor_char_boundary(MAX_NAME)];
        let attributes = own_attributes(attributes);
        let known = self.shared.get_key_value(name);
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

impl Row {
    /// The span; none if it has no id or impossible times.
    fn span(&self, shared: &Shared, error: Option<&str>) -> Option<OwnSpan> {
        (!self.id.is_none()).then_some(())?;
        Some(OwnSpan {
            trace: self.trace,
            id: self.id,
            parent: self.parent,
            name: Arc::clone(&shared.name),
            kind: shared.kind,
            start: UNIX_EPOCH.checked_add(millis(self.start)?)?,
            duration: millis(self.duration.max(0.0))?,
            status: match error {
                Some(text) => SpanStatus::Error(cut(text, MAX_TEXT)),
                None => SpanStatus::Unset,
            },
            attributes: Arc::clone(&shared.attributes),
        })
    }
}

/// A time; none if it is negative, or too long to be nanoseconds of 64 bits.
fn millis(number: f64) -> Option<Duration> {
    let nanos = (number * 1e6).round();
    let is_time = (0.0..u64::MAX as f64).contains(&nanos);
    is_time.then(|| Duration::from_nanos(nanos as u64))
}

fn span_kind(name: &str) -> SpanKind {
    match name {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

fn own_attributes(all: &BTreeMap<Cow<'_, str>, Value>) -> Attributes {
    let attributes = all.iter().take(MAX_ATTRIBUTES);
    let attributes = attributes.filter_map(|(name, value)| {
        let value = match value {
            Value::String(text) => Attribute::from(cut(text, MAX_TEXT)),
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => match number.as_u64() {
                Some(number) => number.into(),
                None => number.as_f64()?.into(),
            },
            _ => return None,
        };
        Some((Cow::Owned(cut(name, MAX_NAME)), value))
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

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// 1500.25 ms, and half a one.
    const TIMES: &str = "40977100000000003fe0000000000000";

    fn table(parents: &str, rows: &str) -> (Vec<OwnSpan>, u64) {
        parse(&format!(
            r#"{{"kinds":[{{"name":"a","kind":"server","attributes":{{"n":1}}}},{{"name":"b \"c\""}}],
            "parents":"{parents}","rows":"{rows}","errors":[[1,"no \"item\""]],"dropped":2}}"#
        ))
    }

    #[test]
    fn a_table_has_what_spans_have_in_common_once() {
        let rows = format!("000000000000000000f0{TIMES}000100000000000000f1{TIMES}");
        let (spans, dropped) = table(&PARENT.repeat(2), &rows);
        let [first, second] = &spans[..] else {
            panic!("{spans:?}")
        };
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736".parse();
        let parent = SpanId(0x00f0_67aa_0ba9_02b7);
        assert_eq!(dropped, 2);
        assert_eq!((Ok(first.trace), first.parent), (trace, parent));
        assert_eq!((first.id, second.id), (SpanId(0xf0), SpanId(0xf1)));
        assert_eq!((&*first.name, &*second.name), ("a", "b \"c\""));
        assert_eq!(
            (first.kind, second.kind),
            (SpanKind::Server, SpanKind::Internal)
        );
        assert_eq!(first.start, UNIX_EPOCH + Duration::from_micros(1_500_250));
        assert_eq!(first.duration, Duration::from_micros(500));
        assert_eq!(first.attributes[0].1, Attribute::Int(1));
        assert_eq!(first.status, SpanStatus::Unset);
        assert_eq!(second.status, SpanStatus::Error("no \"item\"".into()));
    }

    #[test]
    fn rows_of_a_table_that_are_malformed_are_counted() {
        let id = "00000000000000f0";
        let good = format!("0000{id}{TIMES}");
        for bad in [
            format!("0002{id}{TIMES}"),
            format!("0000{}{TIMES}", "0".repeat(16)),
            format!("0000{id}{}", "f".repeat(32)),
            format!("000x{id}{TIMES}"),
            // The first digit of a time: the sign.
            format!("0000{id}c{}", &TIMES[1..]),
        ] {
            let (spans, lost) = table(&PARENT.repeat(2), &format!("{bad}{good}"));
            assert_eq!((spans.len(), lost), (1, 3), "{bad}");
        }
        let untraced = PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        assert_eq!(table(&untraced, &good), (Vec::new(), 3));
        assert_eq!(table(&"é".repeat(55), &good.repeat(2)), (Vec::new(), 4));
        for (parents, rows) in [("x", ""), ("", "x"), (PARENT, ""), ("", &*good)] {
            assert_eq!(table(parents, rows), (Vec::new(), 3), "{parents} {rows}");
        }
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
