//! `cargo xtask tidy`: the rules that a reviewer would otherwise have to check.
//!
//! Each check is a function from parsed input to [findings](finding::Finding), and none stops at
//! its first one. Rules and limits are tables in [`policy`].

mod code_map;
mod cycles;
mod dependencies;
mod error_codes;
mod file_rules;
mod finding;
mod forbidden;
mod layers;
mod limits;
mod modules;
mod names;
mod needs;
mod policy;
mod report;
mod run;
mod source;
mod tree;

pub(crate) use run::run;
