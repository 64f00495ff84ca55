//! Node's inspector, and what a hung process was doing, found out before it is replaced.
//!
//! [`describe_process`] works for any program: it reads `/proc`. For a Node program, [`Inspector`]
//! opens Node's own inspector, pauses the JavaScript and takes a diagnostic report;
//! [`describe_stack`] names the calls in which it was paused, and [`save_report`] stores the report.
//! [`Inspector::evaluate`] evaluates an expression in a program that is not hung.

mod evaluate;
mod node;
mod process;
mod profile;
mod profile_file;
mod report;
mod stack;

pub use evaluate::{Evaluation, EvaluationError};
pub use node::{Inspector, inspector_url, is_inspector_output};
pub use process::describe_process;
pub use profile_file::ProfileFile;
pub use report::{report_file_name, save_report};
pub use stack::{Frame, describe_stack};
