//! Samples, summed by their stacks.

use std::collections::{BTreeMap, HashMap};

use super::error::ProfileError;
use super::profile::{CpuProfile, Node};

/// The deepest stack that is drawn. Deeper calls count for the frame at this depth.
const MAX_DEPTH: usize = 256;

/// The frame in which V8 has nothing to do.
const IDLE: &str = "(idle)";

/// The frame of V8 around all others.
const ROOT: &str = "(root)";

/// Time by stacks.
#[derive(Debug, Default)]
pub struct FlameGraph {
    pub(super) root: Frame,
    /// Microseconds in which nothing ran.
    pub(super) idle_us: u64,
}

/// Calls of one function from the same stack.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Microseconds in it and in what it called.
    pub(super) total_us: u64,
    pub(super) children: BTreeMap<String, Frame>,
}

impl FlameGraph {
    /// Sums the samples of a `.cpuprofile`.
    ///
    /// # Errors
    /// The text is no CPU profile.
    pub fn from_cpu_profile(text: &str) -> Result<Self, ProfileError> {
        let profile: CpuProfile = serde_json::from_str(text).map_err(ProfileError::new)?;
        if profile.nodes.is_empty() {
            return Err(ProfileError::new("it has no calls"));
        }
        let times = self_times(&profile);
        let nodes: HashMap<u64, &Node> = profile.nodes.iter().map(|node| (node.id, node)).collect();
        let parents = parents(&profile.nodes);
        let mut graph = Self::default();
        for node in &profile.nodes {
            let time = times.get(&node.id).copied().unwrap_or_default();
            if time == 0 {
                continue;
            }
            if node.call_frame.function == IDLE {
                graph.idle_us += time;
                continue;
            }
            graph.add(&stack(node, &nodes, &parents), time);
        }
        Ok(graph)
    }

    /// Microseconds in which something ran.
    #[must_use]
    pub fn busy_us(&self) -> u64 {
        self.root.total_us
    }

    /// The share of the time in which something ran, from 0 to 1.
    #[must_use]
    pub fn busy_share(&self) -> f64 {
        let all = self.root.total_us + self.idle_us;
        self.root.total_us as f64 / all.max(1) as f64
    }

    fn add(&mut self, stack: &[String], time: u64) {
        let mut frame = &mut self.root;
        frame.total_us += time;
        for name in stack {
            frame = frame.children.entry(name.clone()).or_default();
            frame.total_us += time;
        }
    }
}

/// The time of each node without that of its calls, in microseconds.
fn self_times(profile: &CpuProfile) -> HashMap<u64, u64> {
    let mut times = HashMap::new();
    let deltas = profile.time_deltas.iter().copied();
    for (sample, delta) in profile.samples.iter().zip(deltas) {
        // V8 may report samples out of order by some microseconds.
        *times.entry(*sample).or_default() += u64::try_from(delta).unwrap_or_default();
    }
    times
}

fn parents(nodes: &[Node]) -> HashMap<u64, u64> {
    let edges = nodes.iter().flat_map(|node| {
        let children = node.children.iter();
        children.map(|child| (*child, node.id))
    });
    edges.collect()
}

/// The names of the calls from the outermost one to `node`.
fn stack(node: &Node, nodes: &HashMap<u64, &Node>, parents: &HashMap<u64, u64>) -> Vec<String> {
    let mut names = Vec::new();
    let mut current = Some(node);
    // A malformed profile may have a cycle.
    for _ in 0..nodes.len() {
        let Some(node) = current.filter(|node| node.call_frame.function != ROOT) else {
            break;
        };
        names.push(node.call_frame.label());
        let parent = parents.get(&node.id);
        current = parent.and_then(|parent| nodes.get(parent)).copied();
    }
    names.reverse();
    names.truncate(MAX_DEPTH);
    names
}
