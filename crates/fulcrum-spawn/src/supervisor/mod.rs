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
#[cfg(test)]
mod changes;
mod driver;
mod gate;
mod handle;
mod keeper;
mod lateness;
mod mail;
#[cfg(test)]
mod random;
mod roster;
mod shutdown;
mod snapshot;
#[cfg(test)]
mod tests;

pub use backend::{Backend, Group, News};
pub use gate::{Condition, Gate};
pub use handle::{Handle, Outcome, Ticket};
pub use keeper::{DomainSetup, Keeper, Revision};
pub use lateness::reprieve;
pub use roster::Supervisor;
pub use snapshot::{LastExit, Snapshot, Transition};
