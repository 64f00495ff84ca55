//! The lifecycle of one domain as a pure state machine: state, one input and the time go in,
//! effects come out.
//!
//! [`Machine::step`] is synchronous and reads no clock. The driver ([`crate::supervisor`]) executes
//! its [`Effect`]s. Two rules govern the table:
//!
//! - A running domain leaves [`Phase::Running`] only through [`Phase::Stopping`], and only
//!   [`Fact::GroupEmpty`] ends that phase. So two generations never overlap.
//! - One function, `settle`, decides what follows: with goal down the domain is stopped, a
//!   requested stop, restart or reload is executed, and everything else is decided by the
//!   [`RestartPolicy`].

mod cause;
mod machine;
mod policy;
mod starting;
mod stopping;
mod types;

#[cfg(test)]
mod model_check;
#[cfg(test)]
mod random_walk;
#[cfg(test)]
mod transition_table;

pub use crate::exit::ExitReport;
pub use cause::TransitionCause;
pub use machine::Machine;
pub use policy::{GenerationEnd, RestartPolicy, Verdict};
pub use types::{
    Command, CommandRejected, Effect, Fact, Failure, Goal, HUNG_GRACE, Input, Phase,
    STOP_REST_DELAY, STOP_REST_SHARE, StopSignal, Timer, Timing,
};
