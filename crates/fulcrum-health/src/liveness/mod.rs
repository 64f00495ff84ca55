//! Whether a registered generation is still alive: heartbeats or traffic, judged together with what
//! its processes do.

mod activity;
mod monitor;
mod timeouts;

pub use activity::{MemberActivity, ProcessActivity};
pub use monitor::{CheckResult, InspectionResult, LivenessMonitor, LivenessSource};
pub use timeouts::LivenessTimeouts;
