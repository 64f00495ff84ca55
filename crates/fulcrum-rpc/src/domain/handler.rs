//! Requests of domains to the runtime.

use std::future::Future;
use std::pin::Pin;

use super::message_response::MessageResponse;

/// A request of a registered domain to the runtime: a message that is not a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRequest {
    /// The domain, from its registration.
    pub domain: String,
    /// The generation.
    pub generation: u64,
    /// The type of the request, such as `db_create`.
    pub type_: String,
    /// A JSON text, unchanged.
    pub payload: String,
}

/// Handles requests of domains to the runtime, such as `db_create` or `email_send`.
///
/// Requests of one domain run concurrently, at most 256 of them. They are canceled when the
/// domain's stream ends. A handler that panics fails only that request.
pub trait RuntimeHandler: Send + Sync + 'static {
    /// Handles one request. By default the response is the failure for an unknown type.
    fn handle(&self, request: DomainRequest) -> impl Future<Output = MessageResponse> + Send {
        async move { MessageResponse::unknown_type(&request.type_) }
    }
}

/// A handler without any message type: the response to every request is the failure "Unknown
/// message type".
#[derive(Clone, Copy, Debug, Default)]
pub struct UnimplementedHandler;

impl RuntimeHandler for UnimplementedHandler {}

/// [`RuntimeHandler`] as a trait object.
pub(crate) trait DynHandler: Send + Sync {
    fn handle_boxed<'a>(
        &'a self,
        request: DomainRequest,
    ) -> Pin<Box<dyn Future<Output = MessageResponse> + Send + 'a>>;
}

impl<H: RuntimeHandler> DynHandler for H {
    fn handle_boxed<'a>(
        &'a self,
        request: DomainRequest,
    ) -> Pin<Box<dyn Future<Output = MessageResponse> + Send + 'a>> {
        Box::pin(self.handle(request))
    }
}
