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
mod words;

#[cfg(test)]
mod explore;
#[cfg(test)]
mod random;
#[cfg(test)]
mod table;

pub use cause::Cause;
pub use machine::Machine;
pub use policy::{End, RestartPolicy, Verdict};
pub use words::{
    Command, Effect, ExitReport, Fact, Fault, Goal, HUNG_GRACE, Input, Phase, Refused, StopSignal,
    Timer, Timing,
};
