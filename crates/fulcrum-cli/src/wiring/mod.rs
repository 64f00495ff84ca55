//! Wiring: opens the lock, sockets, store and process tracker of an instance, builds the parts, and
//! hands them to `fulcrum-runtime`.

mod ci;
pub(crate) mod claim;
mod http;
mod listen;
pub(crate) mod log_store;
mod logging;
pub(crate) mod options;
pub(crate) mod run;
mod servers;
mod signals;
mod telemetry;
mod tie;

use fulcrum_runtime::startup::Timings;

/// The steps of a start, which `FULCRUM_TIMINGS=1` logs.
pub(crate) fn begin_timings() -> Timings {
    Timings::begin(std::env::var_os("FULCRUM_TIMINGS").is_some_and(|value| value == "1"))
}
