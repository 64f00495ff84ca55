//! Probes, limits and supervision groups.

mod groups;
mod liveness;
mod memory;
mod readiness;
mod server;
