//! Standby processes: started ahead of time, so that the next start or restart of a domain is fast.
//!
//! A [`StandbyFactory`] starts and ends the processes; [`StandbyPool`] is the handle to the one task
//! that owns them.

mod policy;
mod pool;

pub use pool::{StandbyFactory, StandbyPool, end_in_background};
