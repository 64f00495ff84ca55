//! `cargo xtask docs [--check]`: generates `docs/configuration.md` from the table of settings and
//! `docs/cli.md` from the help of the built `fulcrum`.

mod cli;
mod configuration;
mod run;

pub(crate) use run::run;
