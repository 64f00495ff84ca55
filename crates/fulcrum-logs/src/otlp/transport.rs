//! How requests reach a receiver. This crate makes them; who sends them is the caller's choice.

use std::future::Future;
use std::pin::Pin;

/// Why a request was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// The receiver would reject it again.
    Rejected(String),
    /// The receiver cannot be reached, or may accept it later.
    Unreachable(String),
}

/// Carries requests to a receiver, one after the other.
pub trait OtlpTransport: Send + 'static {
    /// Sends an encoded `ExportLogsServiceRequest`. Its time is limited by the transport.
    ///
    /// # Errors
    /// Why it was not accepted.
    fn send(&mut self, request: Vec<u8>)
    -> impl Future<Output = Result<(), TransportError>> + Send;
}

/// A transport of any type.
pub(super) trait DynTransport: Send {
    fn send_boxed(&mut self, request: Vec<u8>) -> BoxedSend<'_>;
}

pub(super) type BoxedSend<'a> =
    Pin<Box<dyn Future<Output = Result<(), TransportError>> + Send + 'a>>;

impl<T: OtlpTransport> DynTransport for T {
    fn send_boxed(&mut self, request: Vec<u8>) -> BoxedSend<'_> {
        Box::pin(self.send(request))
    }
}
