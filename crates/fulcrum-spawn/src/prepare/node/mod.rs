//! The Node that runs a domain: `process.node`, else what `.nvmrc` or `engines` requires, else PATH.

mod detect;
pub(super) mod find;
mod installed;
pub(super) mod path;
mod requirement;

pub use find::{MIN_VERSION, NodeOrigin, NodeRequest, NodeRuntime, find_node};
