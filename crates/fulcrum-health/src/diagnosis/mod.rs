//! From the last lines of a process to the cause of its exit and a hint.

mod module_errors;
mod node_options;
mod other_runtimes;
mod reported;
mod rules;
mod stack;
mod stderr_tail;
mod system_errors;
mod types;

pub use rules::diagnose;
pub use types::{DIAGNOSED_LINES, Diagnosis, ExitContext};
