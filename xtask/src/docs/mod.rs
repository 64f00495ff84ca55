//! `cargo xtask docs [--check]`: generates `docs/configuration.md` from the table of settings,
//! `docs/cli.md` from the help of the built `fulcrum`, and the index of `docs/errors`.

mod cli;
mod configuration;
mod errors;
mod run;

pub(crate) use run::run;
