//! Type checks beside the domains: the app's own TypeScript compiler runs in the background, and its
//! errors are log lines of the domains. No start waits for it.

mod compiler;
mod errors;
pub(crate) mod task;
