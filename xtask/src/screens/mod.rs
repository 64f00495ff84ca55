//! `cargo xtask screens`: captures of what a terminal shows, in `docs/screens`.
//!
//! Each picture is a text, a text with color sequences, and a drawing of it. The screens have process
//! ids and times, so that they differ from run to run.

mod app;
mod run;
mod shots;
mod svg;
mod terminal;

pub(crate) use run::run;
