//! A trace as indented rows: each span below the one that it is part of. No I/O.

use std::collections::{HashMap, HashSet};

use super::span::Span;
use crate::context::SpanId;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    /// The span.
    pub span: &'a Span,
    /// How many spans it is below.
    pub depth: usize,
    /// From the begin of the trace to that of the span, in nanoseconds.
    pub offset: u64,
    /// The span that it is part of is missing.
    pub is_orphan: bool,
}

/// The rows of a trace's spans. Spans whose parent is missing are at the left, as is the first one;
/// spans that are their own ancestors are there, too.
#[must_use]
pub fn rows(spans: &[Span]) -> Vec<Row<'_>> {
    let ids: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
    let mut children: HashMap<SpanId, Vec<&Span>> = HashMap::new();
    let mut roots = Vec::new();
    for span in spans {
        match ids.contains(&span.parent) && span.parent != span.id {
            true => children.entry(span.parent).or_default().push(span),
            false => roots.push(span),
        }
    }
    let begin = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let mut rows = Rows {
        begin,
        children,
        seen: HashSet::new(),
        rows: Vec::with_capacity(spans.len()),
    };
    roots.sort_by_key(|span| span.start);
    for root in roots {
        rows.add(root);
    }
    // What is left is part of a circle.
    for span in spans {
        rows.add(span);
    }
    rows.rows
}

struct Rows<'a> {
    begin: u64,
    children: HashMap<SpanId, Vec<&'a Span>>,
    seen: HashSet<SpanId>,
    rows: Vec<Row<'a>>,
}

impl<'a> Rows<'a> {
    /// Adds a span with all below it, without recursion: a trace may be deep.
    fn add(&mut self, span: &'a Span) {
        let mut waiting = vec![(span, 0)];
        while let Some((span, depth)) = waiting.pop() {
            if !self.seen.insert(span.id) {
                continue;
            }
            self.rows.push(Row {
                span,
                depth,
                offset: span.start.saturating_sub(self.begin),
                is_orphan: depth == 0 && !span.parent.is_none(),
            });
            let mut below = self.children.remove(&span.id).unwrap_or_default();
            below.sort_by_key(|child| std::cmp::Reverse((child.start, child.id)));
            waiting.extend(below.into_iter().map(|child| (child, depth + 1)));
        }
    }
}

/// A bar, `width` columns wide, for what lasted from `offset` on in a trace that lasted `total`.
#[must_use]
pub fn bar((offset, duration): (u64, u64), total: u64, width: usize) -> String {
    let column = |time: u64| {
        let part = time as f64 / total.max(1) as f64;
        ((part * width as f64).round() as usize).min(width)
    };
    let end = column(offset.saturating_add(duration));
    let start = column(offset).min(width.saturating_sub(1));
    let length = end.saturating_sub(start).max(1).min(width - start);
    let mut bar = " ".repeat(start);
    bar.push_str(&"━".repeat(length));
    bar.push_str(&" ".repeat(width - start - length));
    bar
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::context::TraceId;
    use crate::traces::span::{Origin, SpanKind, SpanStatus};

    fn span(id: u64, parent: u64, (start, end): (u64, u64)) -> Span {
        Span {
            trace: TraceId::new(1).expect("not 0"),
            id: SpanId(id),
            parent: SpanId(parent),
            name: format!("s{id}"),
            kind: SpanKind::Internal,
            start,
            end,
            status: SpanStatus::Unset,
            origin: Arc::new(Origin::default()),
            attributes: Vec::new(),
            events: Vec::new(),
        }
    }

    fn shown(spans: &[Span]) -> Vec<(u64, usize, u64)> {
        let rows = rows(spans);
        let shown = rows.iter();
        shown
            .map(|row| (row.span.id.0, row.depth, row.offset))
            .collect()
    }

    #[test]
    fn children_are_below_their_parent_in_the_order_of_their_begin() {
        let spans = [
            span(1, 0, (100, 200)),
            span(3, 1, (150, 160)),
            span(2, 1, (110, 140)),
            span(4, 2, (120, 130)),
        ];
        let expected = [(1, 0, 0), (2, 1, 10), (4, 2, 20), (3, 1, 50)];
        assert_eq!(shown(&spans), expected);
    }

    #[test]
    fn orphans_and_circles_are_shown_at_the_left() {
        let spans = [
            span(1, 99, (5, 9)),
            span(2, 2, (6, 7)),
            span(3, 4, (7, 8)),
            span(4, 3, (8, 9)),
        ];
        let expected = [(1, 0, 0), (2, 0, 1), (3, 0, 2), (4, 1, 3)];
        assert_eq!(shown(&spans), expected);
        assert!(rows(&spans)[0].is_orphan);
    }

    #[test]
    fn a_bar_has_the_width_and_is_never_empty() {
        let spans = [
            span(1, 0, (0, 100)),
            span(2, 1, (50, 50)),
            span(3, 1, (100, 100)),
        ];
        let bars: Vec<String> = rows(&spans)
            .iter()
            .map(|row| bar((row.offset, row.span.duration()), 100, 10))
            .collect();
        assert_eq!(bars, ["━━━━━━━━━━", "     ━    ", "         ━"]);
    }

    #[test]
    fn a_deep_trace_does_not_overflow_the_stack() {
        let spans: Vec<Span> = (1..=50_000).map(|id| span(id, id - 1, (id, id))).collect();
        assert_eq!(rows(&spans).last().map(|row| row.depth), Some(49_999));
    }
}
