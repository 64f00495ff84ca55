//! Parsers of argument values.

pub(crate) mod duration;
pub(crate) mod time_range;
