//! `cargo xtask dist`: what users install, for this platform. Everything is made offline, and the same
//! sources have the same result: no file has the time of the build, its user or its place.

mod archive;
mod check;
mod deb;
mod manual;
mod npm;
mod platform;
mod run;
mod tree;

pub(crate) use manual::write_man_pages;
pub(crate) use run::{Options, run};
