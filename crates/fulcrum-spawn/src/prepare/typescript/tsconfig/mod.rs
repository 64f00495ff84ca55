//! The effective `tsconfig.json` of a file: what decides how it is compiled and how its imports are
//! resolved.

mod chain;
mod effective;
mod json;

pub(super) use chain::load;
pub(in crate::prepare) use effective::TSCONFIG;
pub(super) use effective::{Tsconfig, normalize};
pub(super) use json::first_error;
