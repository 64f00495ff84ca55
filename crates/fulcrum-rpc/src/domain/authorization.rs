//! The request of a stream to register, and the decision about it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// A stream's request to register.
#[derive(Clone)]
pub struct RegistrationRequest {
    /// The name to register.
    pub domain: String,
    /// The token from the metadata `x-fulcrum-token`. Clients from before Fulcrum send none.
    pub token: Option<String>,
    /// The capabilities in the registration, such as `heartbeat`.
    pub capabilities: Vec<String>,
    /// The server's address of the connection.
    pub local: SocketAddr,
    /// The client's address of the connection, by which its process can be found.
    pub peer: SocketAddr,
}

/// Prints everything except the token, which must not reach a log.
impl fmt::Debug for RegistrationRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RegistrationRequest")
            .field("domain", &self.domain)
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("capabilities", &self.capabilities)
            .field("local", &self.local)
            .field("peer", &self.peer)
            .finish()
    }
}

/// An accepted registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationGrant {
    /// The generation of the domain's process; 0 for a process that Fulcrum did not start.
    pub generation: u64,
    /// Whether Fulcrum started the process.
    pub managed: bool,
    /// The process id, where it is known.
    pub pid: Option<u32>,
    /// The interval at which a client with the capability `heartbeat` is to send heartbeats.
    pub heartbeat_interval: Option<Duration>,
    /// How the process will be stopped, for a client with the capability `drain`; `None` for a
    /// process that Fulcrum does not stop.
    pub stop: Option<StopNotice>,
}

/// How a process is stopped. A client prepares for that signal before it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopNotice {
    /// The signal, such as `SIGTERM`.
    pub signal: String,
    /// The time from the signal to SIGKILL.
    pub grace: Duration,
}

/// Why a registration was rejected, with a text for the client's author. Each variant becomes
/// the gRPC status of the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// The token is wrong, or a required token is missing.
    #[error("{0}")]
    Unauthenticated(String),
    /// The client is known and may not register this name.
    #[error("{0}")]
    PermissionDenied(String),
    /// The name belongs to another stream, which is not replaced.
    #[error("{0}")]
    AlreadyExists(String),
    /// The registration is not possible now, such as for a generation that is being stopped.
    #[error("{0}")]
    FailedPrecondition(String),
    /// The registration itself is invalid.
    #[error("{0}")]
    InvalidArgument(String),
    /// The authorizer panicked; this is an internal error.
    #[error("{0}")]
    Internal(String),
}

impl From<RegistrationError> for tonic::Status {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Unauthenticated(text) => Self::unauthenticated(text),
            RegistrationError::PermissionDenied(text) => Self::permission_denied(text),
            RegistrationError::AlreadyExists(text) => Self::already_exists(text),
            RegistrationError::FailedPrecondition(text) => Self::failed_precondition(text),
            RegistrationError::InvalidArgument(text) => Self::invalid_argument(text),
            RegistrationError::Internal(text) => Self::internal(text),
        }
    }
}

/// Decides about registrations.
///
/// The registry calls it once for each stream. Afterwards it only checks whether the name is free.
pub trait RegistrationAuthorizer: Send + Sync + 'static {
    /// Accepts or rejects `request`.
    ///
    /// # Errors
    /// The reason for a rejection, which the client receives.
    fn authorize(
        &self,
        request: RegistrationRequest,
    ) -> impl Future<Output = Result<RegistrationGrant, RegistrationError>> + Send;

    /// The domain whose process sent `request`, for a stream that is refused before it names one.
    fn owner(&self, request: &RegistrationRequest) -> impl Future<Output = Option<String>> + Send {
        let _ = request;
        std::future::ready(None)
    }
}

/// [`RegistrationAuthorizer`] as a trait object.
pub(crate) trait DynAuthorizer: Send + Sync {
    fn authorize_boxed<'a>(
        &'a self,
        request: RegistrationRequest,
    ) -> Pin<Box<dyn Future<Output = Result<RegistrationGrant, RegistrationError>> + Send + 'a>>;

    fn owner_boxed<'a>(
        &'a self,
        request: &'a RegistrationRequest,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>>;
}

impl<A: RegistrationAuthorizer> DynAuthorizer for A {
    fn authorize_boxed<'a>(
        &'a self,
        request: RegistrationRequest,
    ) -> Pin<Box<dyn Future<Output = Result<RegistrationGrant, RegistrationError>> + Send + 'a>>
    {
        let domain = request.domain.clone();
        let mut authorizing = Box::pin(self.authorize(request));
        // After a panic the stream would end without an error.
        Box::pin(poll_fn(move |context| {
            let polled = catch_unwind(AssertUnwindSafe(|| authorizing.as_mut().poll(context)));
            polled.unwrap_or_else(|_| {
                Poll::Ready(Err(RegistrationError::Internal(format!(
                    "internal error: authorizing the registration of {domain:?} failed"
                ))))
            })
        }))
    }

    fn owner_boxed<'a>(
        &'a self,
        request: &'a RegistrationRequest,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>> {
        Box::pin(self.owner(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_output_of_a_request_hides_its_token() {
        let request = RegistrationRequest {
            domain: "users".into(),
            token: Some("hunter2".into()),
            capabilities: vec![],
            local: ([127, 0, 0, 1], 50051).into(),
            peer: ([127, 0, 0, 1], 40000).into(),
        };
        let text = format!("{request:?}");
        assert!(
            text.contains("users") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
