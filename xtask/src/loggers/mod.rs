//! `cargo xtask loggers`: real loggers from npm, PyPI and crates.io at pinned versions, in their
//! default formats, with and without colors: the level of each line is that at which it was written.

mod ecosystem;
mod rows;
mod run;

pub(crate) use run::run;
