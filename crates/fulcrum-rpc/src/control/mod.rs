//! The control API of a running instance: the messages of the package
//! `fulcrum.control.v1`, and what it takes to find an instance, be one, and talk to it.
//!
//! One instance an app. The proof that it lives is a lock held for its whole life, never
//! the socket's file:
//!
//! 1. **find**: [`RuntimeDir::for_app`] gives the folder of an app, the same for all.
//! 2. **lock**: [`RuntimeDir::try_lock`] makes a process the instance, or names the one
//!    that is.
//! 3. **recheck**: a lock counts only on the file that still lies in the folder, and
//!    [`bind_control`], which replaces a stale socket, asks for the lock as a witness.
//! 4. **hello**: [`ControlClient::connect`] exchanges versions before anything else.

mod client;
mod handler;
mod lock;
pub mod progress;
mod runtime_dir;
mod serve;
mod service;
mod socket;

pub use crate::generated::control::*;
pub use client::{ConnectError, ControlClient, ControlStream};
pub use handler::{ControlError, ControlHandler, MessageStream};
pub use lock::{InstanceLock, LockError};
pub use runtime_dir::RuntimeDir;
pub use serve::{ControlServeError, serve_control};
pub use socket::{ControlListener, bind_control};

/// The number of the control protocol that this build speaks. A client goes on only with
/// an instance of the same number.
pub const PROTOCOL: u32 = 2;

/// The package's encoded file descriptor set, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("../generated/control.bin");

/// The version that both sides tell in their hello.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
