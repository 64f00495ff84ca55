//! Readiness and liveness probes, and the serving status for gRPC health checks.
//!
//! One task runs the probes of a generation, until that exits. `fulcrum-health` decides what the
//! results mean. A domain whose `process.ready` is another check than its registration is as ready
//! as that check says. When a reload changes the probes of a running generation, the same task
//! continues with the new ones.

mod answer;
mod check;
mod exec;
pub(crate) mod late;
pub(crate) mod outlook;
pub(crate) mod probe_set;
pub(crate) mod runner;
pub(crate) mod serving;
pub(crate) mod started;
pub(crate) mod target;
