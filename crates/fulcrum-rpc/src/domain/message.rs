//! Reserved types and size limits of messages.

use crate::framework::RuntimeMessage;
use crate::transport::MAX_MESSAGE;
use prost::Message;

/// The type of a stream's first message.
pub(crate) const REGISTER: &str = "domain_register";
/// The type of the response to it.
pub(crate) const REGISTERED: &str = "register_success";
/// The type of a heartbeat.
pub(crate) const HEARTBEAT: &str = "heartbeat";
/// The type of the notification that a domain will be stopped.
pub(crate) const DRAIN: &str = "drain";
/// The type of the notification that a file that is not code has changed.
pub(crate) const ASSET_CHANGED: &str = "asset_changed";
/// The type of the notification that the caller of a request has given up.
pub(crate) const CANCEL: &str = "cancel";
/// The type of the notification that more parts of a response are wanted.
pub(crate) const CREDIT: &str = "credit";
/// The type of an event that a domain has subscribed to.
pub(crate) const EVENT: &str = "event";

/// The size of a response's texts together, in bytes: the largest message without its framing.
pub(crate) const MAX_BODY: usize = MAX_MESSAGE - 1024;

/// Whether a type is reserved for the runtime and its domains. Otherwise a caller of
/// `SendMessage` could drain a domain, or confirm its registration.
pub(crate) fn is_reserved(type_: &str) -> bool {
    [
        REGISTER,
        REGISTERED,
        HEARTBEAT,
        DRAIN,
        ASSET_CHANGED,
        CANCEL,
        CREDIT,
        EVENT,
    ]
    .contains(&type_)
}

/// Whether a message of this type is a response.
pub(crate) fn is_response(type_: &str) -> bool {
    type_.ends_with("_response") || type_ == "error"
}

/// Whether a message may be sent. A message that is too large would end the stream.
pub(crate) fn fits(message: &RuntimeMessage) -> bool {
    message.encoded_len() <= MAX_MESSAGE
}
