//! Packages that a domain needs and doesn't have.

mod manager;
mod marker;
mod needed;

pub use manager::Manager;
pub use needed::{Install, install_needed};
