//! Installs the packages that a domain needs and that are missing.

mod installer;
mod manager;
mod marker;
mod needed;
mod output;
mod plan;
pub(super) mod pnp;
mod progress;
mod root;

pub(super) use needed::PROVIDED_PACKAGES;

pub use installer::{InstallEvent, InstallRequest, PackageInstaller};
pub use manager::PackageManager;
pub use output::InstallOutput;
pub use plan::{InstallPlan, PackageQuery, plan_install};
pub use root::YamlReader;
