//! Spans of a client library as a table: two texts with a row of fixed width for each span. A span is
//! read without a search and without memory of its own.

use std::iter::zip;

use crate::context::{SpanId, TraceId};

/// `00-TRACE-PARENT-FLAGS`, a `traceparent` of version 00.
const PARENT: usize = 55;

/// The digits of two bytes and of three times eight: the number of the kind, the id, begin and duration.
const ROW: usize = 52;

/// The texts of a table.
pub(super) struct Table<'a> {
    parents: &'a [u8],
    rows: &'a [u8],
}

/// One span, without what it shares with others.
pub(super) struct Row {
    /// The number of what it shares with others.
    pub(super) kind: usize,
    pub(super) trace: TraceId,
    pub(super) parent: SpanId,
    pub(super) id: SpanId,
    /// In milliseconds since 1970, with fractions.
    pub(super) start: f64,
    /// In milliseconds, with fractions.
    pub(super) duration: f64,
}

impl<'a> Table<'a> {
    /// None if the texts have no rows of these widths, or not the same number of them.
    pub(super) fn new(parents: &'a str, rows: &'a str) -> Option<Self> {
        let count = rows.len() / ROW;
        let fits = rows.len() == count * ROW && parents.len() == count * PARENT;
        fits.then_some(Self {
            parents: parents.as_bytes(),
            rows: rows.as_bytes(),
        })
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> usize {
        self.rows.len() / ROW
    }

    /// The rows; none for those that are malformed.
    pub(super) fn rows(&self) -> impl Iterator<Item = Option<Row>> {
        let parents = self.parents.chunks_exact(PARENT);
        zip(parents, self.rows.chunks_exact(ROW)).map(|(parent, row)| read(parent, row))
    }
}

fn read(parent: &[u8], row: &[u8]) -> Option<Row> {
    let [high, low] = [3, 19].map(|at| hex(&parent[at..at + 16]));
    Some(Row {
        kind: usize::try_from(hex(&row[..4])?).ok()?,
        trace: TraceId::new(u128::from(high?) << 64 | u128::from(low?))?,
        parent: SpanId(hex(&parent[36..52])?),
        id: SpanId(hex(&row[4..20])?),
        start: f64::from_bits(hex(&row[20..36])?),
        duration: f64::from_bits(hex(&row[36..])?),
    })
}

/// The number with at most 16 hexadecimal digits. All are looked at, and judged at the end: the path has
/// no branches.
fn hex(digits: &[u8]) -> Option<u64> {
    let (mut number, mut seen) = (0, 0);
    for digit in digits {
        let value = VALUES[usize::from(*digit)];
        seen |= value;
        number = number << 4 | u64::from(value & 0xf);
    }
    (seen <= 0xf).then_some(number)
}

/// The values of digits, by their characters; more than 15 for others.
const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    values
};
