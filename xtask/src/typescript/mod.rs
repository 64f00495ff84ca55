//! `cargo xtask typescript`: TypeScript as people write it, under Fulcrum and beside it under tsx and
//! `node --experimental-transform-types`.
//!
//! # Theory of operation
//! The rows are in `tests/typescript/rows`, in Markdown: files, and what the program prints. Each row
//! is written to a directory of its own for each runner and Node. Fulcrum's command is planned by
//! [`fulcrum_spawn::prepare::plan_node`], as at a start, and executed as it is. What the others print
//! for an unchanged row does not change, so it is kept; `--fresh` runs them again.
//!
//! After the rows come breakpoints ([`breakpoints`]): a debugger pauses at the source's line. Then the
//! real frameworks ([`apps`]): apps in `tests/typescript/apps`, started by the real program.

mod apps;
mod breakpoints;
mod execute;
mod fulcrum;
mod layout;
mod parallel;
mod parse;
mod pattern;
mod peers;
mod results;
mod row;
mod run;
mod table;
mod verdict;

pub(crate) use run::{Options, Output, run};
