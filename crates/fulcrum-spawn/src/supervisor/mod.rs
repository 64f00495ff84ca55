//! The driver: carries out what the machine decides, one task a domain.
//!
//! Commands, facts, timers, the dependency gate and the preparation all become one closed enum of
//! wake-ups, which the task takes one after another; so concurrent commands serialise, and two
//! generations can't overlap. What is so is published as a [`Snapshot`]; what happened, as a
//! [`Transition`]. Processes are behind [`Backend`], so that the same driver runs over real ones
//! and over a fake under paused time.
//!
//! Which domains there are changes at the hand of one [`Keeper`], which adds, revises and removes
//! them; everybody else reads the set through a [`Supervisor`].

mod backend;
mod domain_set;
mod driver;
mod gate;
mod handle;
mod manager;
#[cfg(test)]
mod membership_tests;
mod messages;
#[cfg(test)]
mod random_tests;
mod shutdown;
mod snapshot;
mod start_limiter;
mod suspend;
#[cfg(test)]
mod tests;
mod wait;

pub use backend::{Backend, FactSender, ProcessGroup};
pub use domain_set::Supervisor;
pub use gate::{Condition, DependencyGate};
pub use handle::{DomainHandle, Outcome, Ticket};
pub use manager::{DomainManager, DomainSpec, DomainUpdate};
pub use snapshot::{LastExit, Snapshot, Transition};
pub use start_limiter::{StartLimiter, StartPermit};
pub use suspend::suspend_extension;
pub use wait::WaitCondition;
