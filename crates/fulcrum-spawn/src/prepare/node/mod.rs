//! Which Node runs a domain: `process.node`, else what `.nvmrc` or `engines` asks for, else PATH.

mod constraint;
mod find;
mod installed;
mod probe;

pub use find::{MINIMUM, NodeOrigin, NodeRequest, NodeRuntime, find_node};
