//! The control API of a running instance: the messages of the package `fulcrum.control.v1`, how an
//! instance is found, how a process becomes the instance, and how a client connects to it.
//!
//! An app has one instance. The proof that it runs is a lock that it holds as long as it runs, not
//! the file of its socket:
//!
//! 1. **Find**: [`RuntimeDir::for_app`] finds the lock of an app, which does not depend on the
//!    environment, and the directory of a socket.
//! 2. **Lock**: [`RuntimeDir::try_lock`] makes a process the instance, or returns the pid of the
//!    one that is. The lock names the socket, which is where clients connect.
//! 3. **Check**: a lock counts only on the file that is still in the directory. [`bind_control`],
//!    which replaces a stale socket, takes the lock as a proof.
//! 4. **Hello**: [`ControlClient::connect`] exchanges versions before anything else.

mod client;
mod finished_request;
mod handler;
mod lock;
mod natural_order;
mod observe;
pub mod progress;
mod runtime_dir;
mod serve;
mod service;
mod socket;
mod state_dir;
mod sweep;
mod version;

pub use crate::generated::control::*;
pub use client::{ConnectError, ControlClient, ControlStream};
pub use finished_request::FinishedRequest;
pub use handler::{ControlError, ControlHandler, MessageStream};
pub use lock::{Holder, InstanceLock, LockError};
pub use natural_order::compare_names;
pub use runtime_dir::RuntimeDir;
pub use serve::{ControlServeError, serve_control};
pub use socket::{ControlListener, bind_control};
pub use state_dir::create_state_dir;
pub use version::PROTOCOL;
