//! Section G, reloading.

mod broken;
mod configuration;
mod editors;
mod floods;
mod directories;
mod limits;
mod loops;
mod watch_scope;
