//! Spans that are recorded here: those of this process, of calls, and of domains' client libraries.

mod call;
mod library;
mod own;

pub use call::{CallName, CallRecord};
pub(crate) use library::parse;
pub(crate) use own::key_value;
pub use own::{Attribute, Attributes, OwnSpan};
