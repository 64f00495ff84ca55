//! The Node that runs a domain: `process.node`, else what a version file or `package.json` requires, else PATH.

mod detect;
pub(super) mod find;
mod installed;
mod origin;
pub(super) mod other;
pub(super) mod other_runtime;
pub(super) mod path;
mod requirement;
mod version_file;
mod version_range;

pub use find::{MIN_VERSION, NodeRequest, NodeRuntime, find_node};
pub use origin::NodeOrigin;
pub use other_runtime::OtherRuntime;
