//! From the last lines of standard error to the cause of an exit and a hint.

mod module_errors;
mod rules;
mod stderr_tail;
mod system_errors;
mod types;

pub use rules::diagnose;
pub use types::{DIAGNOSED_LINES, Diagnosis, ExitContext};
