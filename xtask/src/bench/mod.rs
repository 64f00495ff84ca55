//! `cargo xtask bench`: the speed of Fulcrum, as ratios to references of the same run.
//!
//! Measurements vary with the machine, so none is a test and none is printed alone: each is the
//! median of several rounds, taken in turns with its reference. The binary is an optimized build.

mod all;
mod app;
mod calls;
mod calm;
mod cold;
mod cost;
mod instructions;
mod log_query;
mod log_writer;
mod logs;
mod managers;
mod marks;
mod median;
mod nodes;
mod plot;
mod reload;
mod report;
mod run;
mod scale;
mod start;
mod typescript;

pub(crate) use instructions::run as count_instructions;
pub(crate) use log_writer::write as write_lines;
pub(crate) use run::{Bench, run};
