//! What the start of an instance took: for those who watch it, and for clients that ask later.

mod chain;
mod describe;
mod domain_start;
mod report;
#[cfg(test)]
mod test_starts;
mod timings;

pub use chain::ChainLink;
pub use domain_start::{DomainStart, Milestone, Preparation};
pub use report::{StartRow, StartupReport};
pub use timings::Timings;
