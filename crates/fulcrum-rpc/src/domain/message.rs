//! Facts about single messages: types that are the runtime's own, sizes.

use crate::framework::RuntimeMessage;
use crate::transport::MAX_MESSAGE;
use prost::Message;

/// Type of a stream's first message.
pub(crate) const REGISTER: &str = "domain_register";
/// Type of the answer to it.
pub(crate) const REGISTERED: &str = "register_success";
/// Type of a sign of life.
pub(crate) const HEARTBEAT: &str = "heartbeat";
/// Type of the announcement that a domain will be stopped.
pub(crate) const DRAIN: &str = "drain";
/// Type of the news that a file has changed that is no code.
pub(crate) const ASSET_CHANGED: &str = "asset_changed";

/// What an answer's texts may take together: the largest message less its framing.
pub(crate) const MAX_BODY: usize = MAX_MESSAGE - 1024;

/// Whether a type belongs to the runtime and its domains alone, so that a caller can't
/// have a domain drained or make it believe that it is registered.
pub(crate) fn is_reserved(type_: &str) -> bool {
    [REGISTER, REGISTERED, HEARTBEAT, DRAIN, ASSET_CHANGED].contains(&type_)
}

/// Whether the type says that a message answers another one.
pub(crate) fn is_response(type_: &str) -> bool {
    type_.ends_with("_response") || type_ == "error"
}

/// Whether a message may be sent: one that is too large would end the whole stream.
pub(crate) fn fits(message: &RuntimeMessage) -> bool {
    message.encoded_len() <= MAX_MESSAGE
}
