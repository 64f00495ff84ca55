//! Which Node runs a domain: `process.node`, else what `.nvmrc` or `engines` asks for, else PATH.

mod constraint;
mod detect;
mod find;
mod installed;

pub use find::{MIN_VERSION, NodeOrigin, NodeRequest, NodeRuntime, find_node};
