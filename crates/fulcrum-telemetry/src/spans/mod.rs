//! Spans that are recorded here: those of this process, of calls, and of domains' client libraries.

mod call;
mod call_name;
mod library;
mod own;
mod table;

pub use call::CallRecord;
pub use call_name::{CallName, CallNames};
pub(crate) use library::LibraryReader;
pub(crate) use own::key_value;
pub use own::{Attribute, Attributes, OwnSpan};
