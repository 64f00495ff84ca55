//! Who may register: the claim a stream makes, and what the runtime says to it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// What a stream says of itself when it registers.
#[derive(Clone)]
pub struct RegistrationRequest {
    /// The name it registers.
    pub domain: String,
    /// The token from the metadata `x-fulcrum-token`; existing clients send none.
    pub token: Option<String>,
    /// What it lists in its registration, such as `heartbeat`.
    pub capabilities: Vec<String>,
    /// Our end of its connection.
    pub local: SocketAddr,
    /// Its end, by which the process can be found.
    pub peer: SocketAddr,
}

/// Shows all but the token, which has no business in a log.
impl fmt::Debug for RegistrationRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Claim")
            .field("domain", &self.domain)
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("capabilities", &self.capabilities)
            .field("local", &self.local)
            .field("peer", &self.peer)
            .finish()
    }
}

/// A claim that is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationGrant {
    /// Which life of the domain this is.
    pub generation: u64,
    /// Whether Fulcrum itself started the process.
    pub managed: bool,
    /// The process, where it is known.
    pub pid: Option<u32>,
    /// How often a client with the capability `heartbeat` is to send one.
    pub heartbeat_interval: Option<Duration>,
}

/// A claim that isn't, with a text for the one who made it. Each becomes the gRPC status
/// of its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// The token is wrong, or there is none where one is asked for.
    #[error("{0}")]
    Unauthenticated(String),
    /// It is who it says, and may not.
    #[error("{0}")]
    PermissionDenied(String),
    /// The name is taken by a stream that isn't displaced.
    #[error("{0}")]
    AlreadyExists(String),
    /// It comes at a wrong time, such as for a generation that has ended.
    #[error("{0}")]
    FailedPrecondition(String),
    /// The registration itself makes no sense.
    #[error("{0}")]
    InvalidArgument(String),
    /// Who decides failed at it; this is a defect.
    #[error("{0}")]
    Internal(String),
}

impl From<RegistrationError> for tonic::Status {
    fn from(refusal: RegistrationError) -> Self {
        match refusal {
            RegistrationError::Unauthenticated(text) => Self::unauthenticated(text),
            RegistrationError::PermissionDenied(text) => Self::permission_denied(text),
            RegistrationError::AlreadyExists(text) => Self::already_exists(text),
            RegistrationError::FailedPrecondition(text) => Self::failed_precondition(text),
            RegistrationError::InvalidArgument(text) => Self::invalid_argument(text),
            RegistrationError::Internal(text) => Self::internal(text),
        }
    }
}

/// Decides about claims. The registry asks it once for each stream and afterwards looks
/// only whether the name is taken.
pub trait RegistrationAuthorizer: Send + Sync + 'static {
    /// Grants or refuses `claim`.
    ///
    /// # Errors
    /// The refusal that the client is told.
    fn authorize(
        &self,
        claim: RegistrationRequest,
    ) -> impl Future<Output = Result<RegistrationGrant, RegistrationError>> + Send;
}

/// [`Gatekeeper`] in the form that can be kept behind a pointer.
pub(crate) trait DynAuthorizer: Send + Sync {
    fn admit_boxed<'a>(
        &'a self,
        claim: RegistrationRequest,
    ) -> Pin<Box<dyn Future<Output = Result<RegistrationGrant, RegistrationError>> + Send + 'a>>;
}

impl<G: RegistrationAuthorizer> DynAuthorizer for G {
    fn admit_boxed<'a>(
        &'a self,
        claim: RegistrationRequest,
    ) -> Pin<Box<dyn Future<Output = Result<RegistrationGrant, RegistrationError>> + Send + 'a>>
    {
        let domain = claim.domain.clone();
        let mut admitting = Box::pin(self.authorize(claim));
        // A panic must not look to the client as if its stream had come to a good end.
        Box::pin(poll_fn(move |context| {
            let polled = catch_unwind(AssertUnwindSafe(|| admitting.as_mut().poll(context)));
            polled.unwrap_or_else(|_| {
                Poll::Ready(Err(RegistrationError::Internal(format!(
                    "deciding about the registration of {domain:?} failed inside Fulcrum; this is a defect"
                ))))
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_shown_without_its_token() {
        let claim = RegistrationRequest {
            domain: "users".into(),
            token: Some("hunter2".into()),
            capabilities: vec![],
            local: ([127, 0, 0, 1], 50051).into(),
            peer: ([127, 0, 0, 1], 40000).into(),
        };
        let shown = format!("{claim:?}");
        assert!(
            shown.contains("users") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
