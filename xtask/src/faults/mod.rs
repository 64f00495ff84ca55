//! `cargo xtask faults`: the failure catalog as a table, row by row, from the end-to-end tests.
//!
//! Each test runs in a process of its own, so that its time and its output are its own, and a
//! crash ends no other. Ordinary tests run in parallel, one for each core; the long ones
//! (`#[ignore]`) afterwards, one at a time, since they measure.

mod catalog;
mod discovery;
mod results;
mod row;
mod run;
mod runner;
mod table;

pub(crate) use run::{Options, run};
