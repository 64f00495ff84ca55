//! Checks over the network. They need a tokio runtime with I/O; the caller sets the time limit.

mod error;
mod http;
mod tcp;

pub use error::CheckError;
pub use http::check_http;
pub use tcp::{check_tcp, host_port};
