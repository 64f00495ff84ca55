//! What is passed on to a collector.

mod forwarder;

pub use forwarder::{Forwarder, Signal};
