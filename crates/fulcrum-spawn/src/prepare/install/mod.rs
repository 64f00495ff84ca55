//! Packages that a domain needs and doesn't have.

mod installer;
mod manager;
mod marker;
mod plan;

pub use installer::{InstallEvent, InstallRequest, PackageInstaller};
pub use manager::PackageManager;
pub use plan::{InstallPlan, plan_install};
