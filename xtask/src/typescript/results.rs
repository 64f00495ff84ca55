//! The outcome of all rows, and what follows from it.

use std::time::Duration;

use serde_json::{Value, json};

use super::row::Row;
use crate::node_tools::NodeVersion;

/// What is wrong with an output; empty if nothing is.
pub(super) type Differences = Vec<String>;

/// A row on one Node.
pub(super) struct Outcome<'a> {
    pub(super) row: &'a Row,
    pub(super) node: NodeVersion,
    pub(super) fulcrum: Differences,
    pub(super) tsx: Differences,
    /// `None` for a Node that cannot transform types.
    pub(super) native: Option<Differences>,
    pub(super) planned: Duration,
    pub(super) ran: Duration,
}

impl Outcome<'_> {
    /// Fulcrum passes, and tsx does not.
    pub(super) fn beats_tsx(&self) -> bool {
        self.fulcrum.is_empty() && !self.tsx.is_empty()
    }

    /// tsx passes, and Fulcrum does not.
    pub(super) fn is_behind_tsx(&self) -> bool {
        !self.fulcrum.is_empty() && self.tsx.is_empty()
    }

    /// The row says something else about tsx than what tsx does.
    pub(super) fn contradicts_note(&self) -> bool {
        self.row.explains_tsx(self.node) == self.tsx.is_empty()
    }
}

/// Figures of one Node.
pub(super) struct Summary {
    pub(super) node: NodeVersion,
    pub(super) rows: usize,
    pub(super) fulcrum: usize,
    pub(super) tsx: usize,
    pub(super) native: Option<usize>,
    pub(super) beats: usize,
    pub(super) behind: usize,
}

/// The figures of each Node.
pub(super) fn summaries(outcomes: &[Outcome<'_>], nodes: &[NodeVersion]) -> Vec<Summary> {
    let summary = |node: &NodeVersion| {
        let of_node: Vec<_> = outcomes
            .iter()
            .filter(|outcome| outcome.node == *node)
            .collect();
        let count = |is: fn(&Outcome<'_>) -> bool| of_node.iter().filter(|one| is(one)).count();
        let native: Option<Vec<_>> = of_node.iter().map(|one| one.native.as_ref()).collect();
        Summary {
            node: *node,
            rows: of_node.len(),
            fulcrum: count(|one| one.fulcrum.is_empty()),
            tsx: count(|one| one.tsx.is_empty()),
            native: native.map(|all| all.iter().filter(|one| one.is_empty()).count()),
            beats: count(|one| one.beats_tsx()),
            behind: count(|one| one.is_behind_tsx()),
        }
    };
    nodes.iter().map(summary).collect()
}

/// The outcomes and figures for programs.
pub(super) fn to_json(outcomes: &[Outcome<'_>], nodes: &[NodeVersion]) -> Value {
    let rows = outcomes.iter().map(|one| {
        json!({
            "area": one.row.area,
            "title": one.row.title,
            "node": one.node.version,
            "fulcrum": one.fulcrum.is_empty(),
            "tsx": one.tsx.is_empty(),
            "node_transform_types": one.native.as_ref().map(Vec::is_empty),
            "beats_tsx": one.beats_tsx(),
            "note": one.row.tsx.as_ref().map(|failure| &failure.reason),
            "differences": one.fulcrum,
            "plan_ms": one.planned.as_secs_f64() * 1e3,
            "run_ms": one.ran.as_secs_f64() * 1e3,
        })
    });
    let summary = summaries(outcomes, nodes).into_iter().map(|one| {
        json!({
            "node": one.node.version,
            "rows": one.rows,
            "fulcrum": one.fulcrum,
            "tsx": one.tsx,
            "node_transform_types": one.native,
            "beats_tsx": one.beats,
            "behind_tsx": one.behind,
        })
    });
    json!({ "rows": rows.collect::<Vec<_>>(), "summary": summary.collect::<Vec<_>>() })
}
