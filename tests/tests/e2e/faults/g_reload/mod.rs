//! Section G: reloading.

mod broken;
mod configuration;
mod directories;
mod editors;
mod floods;
mod limits;
mod loops;
mod watch_scope;
