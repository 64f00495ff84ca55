//! Checks of a machine and an app: what would keep domains from running well, why it matters, and the
//! command that cures it.
//!
//! ```
//! use fulcrum_doctor::{EnvironmentFacts, Status, checks};
//!
//! let facts = EnvironmentFacts {
//!     proxies: vec!["HTTP_PROXY".to_owned()],
//!     ..EnvironmentFacts::default()
//! };
//! let check = checks::proxy(&facts);
//! assert_eq!(check.status, Status::Warn);
//! assert!(check.cure.is_some_and(|cure| cure.contains("NO_PROXY")));
//! ```
//!
//! # Theory of operation
//! 1. [`gather`] reads [`Facts`] from the system, the app and the environment. It changes nothing and
//!    starts nothing but `node --version`, and only for a Node that is not known yet. What cannot be
//!    read is left out: a missing fact is never a failure.
//! 2. [`checks::run`] turns facts into [`Check`]s. Each check is a pure function with a stable id.
//! 3. [`repair`] carries out the cures that are safe without a question. After it, the facts are
//!    gathered again.
//!
//! # Scope
//! The crate prints nothing and knows no arguments. How domains are found, Nodes are chosen, code is
//! compiled, logs are stored and sockets are owned is asked of the crates that do these things when an
//! instance runs, so that the doctor sees what an instance would see.

mod check;
pub mod checks;
mod facts;
mod gather;
mod node_options;
mod repair;
mod report;
mod words;

pub use check::{Check, Repair, Status};
pub use facts::{
    AppFacts, CgroupFacts, ClockFacts, CodeFacts, DiskFacts, DomainFacts, EnvironmentFacts, Facts,
    Holder, InstanceFacts, LimitFacts, LogFacts, MachineFacts, NodeFacts, NodeOptionsFacts,
    PortFacts, Problem, SdkCopy, SizeFacts,
};
pub use gather::{Request, gather};
pub use repair::repair;
pub use report::{Report, Summary};
