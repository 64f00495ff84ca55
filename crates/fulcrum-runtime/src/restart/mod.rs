//! Whether and when domains are restarted.

pub(crate) mod groups;
pub(crate) mod policy;
