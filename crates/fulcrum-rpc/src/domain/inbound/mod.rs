//! What domains send, checked message by message before tonic decodes it.
//!
//! tonic ends a stream at the first message that is too large, not UTF-8 or compressed in an unknown
//! way, and with the stream all other calls of its domain. Here such a message is replaced by a
//! small one with its request id, so that only that message fails.

mod body;
mod call_body;
mod collector;
mod filter;
mod layer;
mod rejected;
mod scanner;

pub(crate) use call_body::{Admission, MAX_READ, SharedAdmission};
pub(crate) use collector::{Encoding, Reader};
pub(crate) use layer::InboundLayer;
pub(crate) use rejected::RejectedMessage;
