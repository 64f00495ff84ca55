//! Section G, reloading.

mod broken;
mod configuration;
mod editors;
mod floods;
mod folders;
mod limits;
mod loops;
mod watched;
