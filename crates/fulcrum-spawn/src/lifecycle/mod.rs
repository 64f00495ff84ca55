//! The lifecycle of one domain as a pure machine: (state, input, now) in, effects out.
//!
//! [`Machine::step`] is synchronous, reads no clock and does nothing but decide; the driver
//! (`crate::supervisor`) carries its [`Effect`]s out. Two rules carry the rest:
//!
//! - A running domain can only leave life through [`Phase::Stopping`], and only
//!   [`Fact::GroupEmpty`] ends it. So two generations never overlap.
//! - The future is decided in one place, `settle`: goal down means stopped, an operator's stop or
//!   restart is carried out, and everything else is asked of the [`RestartPolicy`].

mod cause;
mod machine;
mod policy;
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
    Command, CommandRejected, Effect, Fact, Failure, Goal, HUNG_GRACE, Input, Phase, StopSignal,
    Timer, Timing,
};
