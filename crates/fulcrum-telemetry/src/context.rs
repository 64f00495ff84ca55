//! Trace contexts as W3C Trace Context defines them, and which traces are recorded.
//! <https://www.w3.org/TR/trace-context/>

use std::fmt::{self, Display};
use std::str::FromStr;

/// The id of a trace, which is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(u128);

impl TraceId {
    /// A random one.
    #[must_use]
    pub fn random() -> Self {
        Self(fastrand::u128(1..))
    }

    /// The id with this number; none for 0.
    #[must_use]
    pub fn new(number: u128) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }

    /// The id with these bytes; none if they are not 16, or all 0.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(u128::from_be_bytes(bytes.try_into().ok()?))
    }

    /// Its number.
    #[must_use]
    pub fn get(self) -> u128 {
        self.0
    }
}

impl Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl FromStr for TraceId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = hex(text, 32).ok_or(())?;
        Self::new(number).ok_or(())
    }
}

/// The id of a span in its trace; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub u64);

impl SpanId {
    /// A random one.
    #[must_use]
    pub fn random() -> Self {
        Self(fastrand::u64(1..))
    }

    /// The id with these bytes; none if they are not 8.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.try_into().map_or(0, u64::from_be_bytes))
    }

    /// Whether it is none.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// A place in a trace: what a header `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

impl TraceContext {
    /// A header `traceparent`, of this version or a later one. None if it is malformed; then the
    /// receiver begins a trace of its own.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut parts = text.split('-');
        let version = parts.next()?;
        let (trace, span) = (parts.next()?, parts.next()?);
        let flags = parts.next()?;
        let more = parts.next().is_some();
        if hex(version, 2)? == 0xff || (version == "00" && more) {
            return None;
        }
        let span = u64::try_from(hex(span, 16)?).ok()?;
        if span == 0 {
            return None;
        }
        Some(Self {
            trace: trace.parse().ok()?,
            span: SpanId(span),
            sampled: hex(flags, 2)? & 1 == 1,
        })
    }
}

impl Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace,
            span,
            sampled,
        } = self;
        write!(formatter, "00-{trace}-{span}-{:02x}", u8::from(*sampled))
    }
}

/// So many lowercase hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let good = text.len() == digits && text.bytes().all(is_digit);
    good.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Which traces are recorded: those that their beginner records, and a part of those that begin
/// here. The name in OpenTelemetry is `parentbased_traceidratio`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Trace ids are recorded if their low 63 bits are less than this.
    below: u64,
    /// Whether what the beginner has decided counts.
    parent_based: bool,
}

impl Sampler {
    /// One that records this part of the traces, between 0 and 1.
    #[must_use]
    pub fn ratio(ratio: f64) -> Self {
        let all = (1_u64 << 63) as f64;
        Self {
            below: (ratio.clamp(0.0, 1.0) * all) as u64,
            parent_based: true,
        }
    }

    /// The sampler that `OTEL_TRACES_SAMPLER` names, with its argument. None for an unknown name.
    #[must_use]
    pub fn named(name: &str, argument: Option<f64>) -> Option<Self> {
        let (name, parent_based) = match name.strip_prefix("parentbased_") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let ratio = match name {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => argument.unwrap_or(1.0),
            _ => return None,
        };
        Some(Self {
            parent_based,
            ..Self::ratio(ratio)
        })
    }

    /// Whether a trace is recorded.
    #[must_use]
    pub fn samples(self, parent: Option<TraceContext>, trace: TraceId) -> bool {
        match parent.filter(|_| self.parent_based) {
            Some(parent) => parent.sampled,
            // As the SDKs do it, so that services with the same ratio choose the same traces.
            None => (trace.get() as u64) >> 1 < self.below,
        }
    }
}

impl Default for Sampler {
    /// Records everything.
    fn default() -> Self {
        Self::ratio(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_it_is_written() {
        let context = TraceContext::parse(PARENT).expect("valid");
        assert_eq!(context.to_string(), PARENT);
        assert!(context.sampled);
        let later = PARENT.replacen("00", "01", 1) + "-more";
        assert_eq!(TraceContext::parse(&later), Some(context));
    }

    #[test]
    fn a_malformed_traceparent_is_none() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let replaced = |from: &str, to: &str| PARENT.replacen(from, to, 1);
        for text in [
            String::new(),
            "x".to_owned(),
            zero_trace.to_owned(),
            zero_span.to_owned(),
            replaced("00", "ff"),
            PARENT.to_uppercase(),
            format!("{PARENT}-more"),
            replaced("-01", "-0"),
            replaced("4bf", "4bg"),
        ] {
            assert_eq!(TraceContext::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn the_beginner_of_a_trace_decides() {
        let parent = TraceContext::parse(PARENT);
        let unsampled = parent.map(|parent| TraceContext {
            sampled: false,
            ..parent
        });
        let trace = TraceId::random();
        assert!(Sampler::ratio(0.0).samples(parent, trace));
        assert!(!Sampler::ratio(1.0).samples(unsampled, trace));
        assert!(Sampler::ratio(1.0).samples(None, trace));
        assert!(!Sampler::ratio(0.0).samples(None, trace));
        let always = Sampler::named("always_on", None).expect("known");
        assert!(always.samples(unsampled, trace));
        assert_eq!(Sampler::named("jaeger_remote", None), None);
    }

    #[test]
    fn a_ratio_is_kept_over_many_traces() {
        let sampler = Sampler::ratio(0.1);
        let sampled = (0..20_000).filter(|_| sampler.samples(None, TraceId::random()));
        let count = sampled.count();
        assert!((1_700..2_300).contains(&count), "{count}");
    }
}
