//! Runs the lifecycle machine of each domain: one task per domain executes what the machine
//! decides.
//!
//! Commands, facts, timers, the dependency gate and the preparation become one closed enum of
//! wake-ups, which the task handles one after another. So concurrent commands are serialized, and
//! two generations cannot overlap. The task publishes the state as a [`Snapshot`] and each change
//! as a [`Transition`]. Processes are behind [`Backend`], so that the same driver runs over real
//! processes and over a fake under paused time.
//!
//! One [`DomainManager`] adds, updates and removes domains. Everything else reads the set through a
//! [`Supervisor`].

mod backend;
mod blocker;
mod condition;
mod domain_set;
mod driver;
mod gate;
mod handle;
mod manager;
#[cfg(test)]
mod membership_tests;
mod messages;
mod publish;
#[cfg(test)]
mod random_tests;
mod shutdown;
mod snapshot;
mod start_limiter;
mod step;
mod suspend;
#[cfg(test)]
mod tests;
mod turn;
#[cfg(test)]
mod turn_tests;
mod turns;
mod wait;
#[cfg(test)]
mod wait_tests;
mod wait_view;

pub use backend::{Backend, FactSender, ProcessGroup};
pub use blocker::Blocker;
pub use condition::Condition;
pub use domain_set::Supervisor;
pub use handle::{DomainHandle, Outcome, Ticket};
pub use manager::{DomainManager, DomainSpec, DomainUpdate};
pub use snapshot::{LastExit, Snapshot, Transition};
pub use start_limiter::{StartLimiter, StartPermit};
pub use suspend::suspend_extension;
pub use turn::{Place, Turn};
pub use wait::{WaitCondition, WaitFailure};
