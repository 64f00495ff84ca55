//! Reserved types and size limits of messages.

/// The type of a stream's first message.
pub(crate) const REGISTER: &str = "domain_register";
/// The type of the response to it.
pub(crate) const REGISTERED: &str = "register_success";
/// The type of a heartbeat.
pub(crate) const HEARTBEAT: &str = "heartbeat";
/// The type of the message with spans of a domain's client library.
pub(crate) const SPANS: &str = "spans";
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

/// The type that stands for a message of a domain that cannot be delivered; see
/// [`RejectedMessage`](super::inbound::RejectedMessage).
pub(crate) const REJECTED: &str = "message_rejected";

/// The largest message that a client receives without [`CAPABILITY_LARGE_MESSAGES`], in bytes. It
/// is the default of stock gRPC clients, which end their stream at a larger one.
///
/// [`CAPABILITY_LARGE_MESSAGES`]: super::CAPABILITY_LARGE_MESSAGES
pub(crate) const STOCK_MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// The part of a message that is left for everything but its type, payload and error, in bytes.
pub(crate) const FRAMING: usize = 1024;

/// Whether a type is reserved for the runtime and its domains. Otherwise a caller of
/// `SendMessage` could drain a domain, or confirm its registration.
pub(crate) fn is_reserved(type_: &str) -> bool {
    [
        REGISTER,
        REGISTERED,
        HEARTBEAT,
        SPANS,
        DRAIN,
        ASSET_CHANGED,
        CANCEL,
        REJECTED,
        CREDIT,
        EVENT,
    ]
    .contains(&type_)
}

/// Whether a message of this type is a response.
pub(crate) fn is_response(type_: &str) -> bool {
    type_.ends_with("_response") || type_ == "error"
}
