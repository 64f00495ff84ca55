//! Requests of domains to the runtime.

use std::future::Future;
use std::pin::Pin;

use super::MessageResponse;

/// A message of a registered domain that is no response: a request to the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRequest {
    /// The domain that asks, by its registration.
    pub domain: String,
    /// Which life of it.
    pub generation: u64,
    /// What it asks for, such as `db_create`.
    pub type_: String,
    /// A JSON text, as it came.
    pub payload: String,
}

/// Serves what domains ask of the runtime, such as `db_create` or `email_send`.
///
/// Requests of one domain run side by side, at most 64; they end when its stream does. A
/// handler that panics fails that one request.
pub trait RuntimeHandler: Send + Sync + 'static {
    /// Answers one request. Unless overridden, nothing is served.
    fn handle(&self, request: DomainRequest) -> impl Future<Output = MessageResponse> + Send {
        async move { MessageResponse::unknown_type(&request.type_) }
    }
}

/// The handler that serves nothing: every request is answered with "Unknown message type".
#[derive(Clone, Copy, Debug, Default)]
pub struct UnimplementedHandler;

impl RuntimeHandler for UnimplementedHandler {}

/// [`RuntimeHandler`] in the form that can be kept behind a pointer.
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
