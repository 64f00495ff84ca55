//! CPU profiles of V8 as flame graphs.
//!
//! [`FlameGraph::from_cpu_profile`] sums the samples of a `.cpuprofile` by their stacks, and
//! [`FlameGraph::to_svg`] draws them: the width of a frame is the time that was spent in it and in
//! what it called. A click on a frame makes it as wide as the picture.

mod error;
mod graph;
mod profile;
mod svg;
#[cfg(test)]
mod tests;

pub use error::ProfileError;
pub use graph::FlameGraph;
