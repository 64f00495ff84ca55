//! Packages that a domain needs and doesn't have.

mod manager;
mod marker;
mod plan;

pub use manager::PackageManager;
pub use plan::{InstallPlan, plan_install};
