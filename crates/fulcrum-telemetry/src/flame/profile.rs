//! The format `.cpuprofile`, which the inspector's domain `Profiler` defines.

use serde::Deserialize;

/// A CPU profile.
#[derive(Debug, Deserialize)]
pub(super) struct CpuProfile {
    /// The calls: each refers to those that it made.
    pub(super) nodes: Vec<Node>,
    /// The innermost call of each sample, by its id.
    #[serde(default)]
    pub(super) samples: Vec<u64>,
    /// Microseconds from each sample's predecessor to it.
    #[serde(default, rename = "timeDeltas")]
    pub(super) time_deltas: Vec<i64>,
}

/// A call in its stack.
#[derive(Debug, Deserialize)]
pub(super) struct Node {
    pub(super) id: u64,
    #[serde(rename = "callFrame")]
    pub(super) call_frame: CallFrame,
    #[serde(default)]
    pub(super) children: Vec<u64>,
}

/// A function.
#[derive(Debug, Deserialize)]
pub(super) struct CallFrame {
    #[serde(rename = "functionName")]
    pub(super) function: String,
    #[serde(default)]
    pub(super) url: String,
    /// Counted from 0; -1 if there is none.
    #[serde(default, rename = "lineNumber")]
    pub(super) line: i64,
}

impl CallFrame {
    /// The name as it is shown: `price src/price.ts:12`.
    pub(super) fn label(&self) -> String {
        let function = match self.function.as_str() {
            "" => "(anonymous)",
            name => name,
        };
        if self.url.is_empty() {
            return function.to_owned();
        }
        let file = self.url.strip_prefix("file://").unwrap_or(&self.url);
        format!("{function} {}:{}", short_path(file), self.line + 1)
    }
}

/// The last three parts of a path, which tell files apart well enough.
fn short_path(path: &str) -> &str {
    let mut slashes = path.rmatch_indices('/').map(|(at, _)| at);
    match slashes.nth(2) {
        Some(at) => &path[at + 1..],
        None => path,
    }
}
