//! Installs the packages that a domain needs and that are missing.

mod installer;
mod manager;
mod marker;
mod plan;

pub use installer::{InstallEvent, InstallRequest, PackageInstaller};
pub use manager::PackageManager;
pub use plan::{InstallPlan, plan_install};
