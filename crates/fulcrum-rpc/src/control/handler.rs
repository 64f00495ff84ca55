//! What an instance does for its clients.

use std::future::Future;
use std::pin::Pin;

use tokio_stream::Stream;
use tonic::{Code, Status};

use super::{
    CallRequest, CallResponse, ChangeRequest, Event, EventsRequest, Instance, LogRecord,
    LogsRequest, Progress, ReloadProgress, ReloadRequest, ShutdownRequest, StatusRequest,
    StatusResponse, WaitRequest,
};

/// A stream of messages to one client. It is dropped when the client goes.
pub type MessageStream<T> = Pin<Box<dyn Stream<Item = Result<T, ControlError>> + Send>>;

/// Why a request failed, with a text for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such domain.
    #[error("{0}")]
    NotFound(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// It makes sense and didn't work.
    #[error("{0}")]
    Failed(String),
    /// The instance is ending, or the connection to it has ended.
    #[error("{0}")]
    Disconnected(String),
}

impl From<ControlError> for Status {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NotFound(text) => Self::not_found(text),
            ControlError::Invalid(text) => Self::invalid_argument(text),
            ControlError::Failed(text) => Self::failed_precondition(text),
            ControlError::Disconnected(text) => Self::unavailable(text),
        }
    }
}

impl From<Status> for ControlError {
    fn from(status: Status) -> Self {
        let text = status.message().to_owned();
        // Only what the transport says here has a source; its code can be any.
        if std::error::Error::source(&status).is_some() {
            return Self::Disconnected(format!("the connection to the instance broke: {text}"));
        }
        match status.code() {
            Code::NotFound => Self::NotFound(text),
            Code::InvalidArgument => Self::Invalid(text),
            Code::FailedPrecondition => Self::Failed(text),
            Code::Unavailable | Code::Cancelled => {
                Self::Disconnected(format!("the instance is gone: {text}"))
            }
            code => Self::Failed(format!("{text} ({code})")),
        }
    }
}

/// The control API, one method for each RPC but `Hello`, which is answered from
/// [`ControlHandler::instance`]. Methods run side by side.
pub trait ControlHandler: Send + Sync + 'static {
    /// Who this instance is.
    fn instance(&self) -> impl Future<Output = Instance> + Send;

    /// The instance and the domains, as they are now.
    fn status(
        &self,
        request: StatusRequest,
    ) -> impl Future<Output = Result<StatusResponse, ControlError>> + Send;

    /// Starts, stops or restarts domains; the last message is the outcome.
    fn change(
        &self,
        request: ChangeRequest,
    ) -> impl Future<Output = Result<MessageStream<Progress>, ControlError>> + Send;

    /// Waits until domains are in a state; the last message is the outcome.
    fn wait(
        &self,
        request: WaitRequest,
    ) -> impl Future<Output = Result<MessageStream<Progress>, ControlError>> + Send;

    /// What domains said, and say.
    fn logs(
        &self,
        request: LogsRequest,
    ) -> impl Future<Output = Result<MessageStream<LogRecord>, ControlError>> + Send;

    /// What happened to domains, and happens.
    fn events(
        &self,
        request: EventsRequest,
    ) -> impl Future<Output = Result<MessageStream<Event>, ControlError>> + Send;

    /// Sends one message to a domain.
    fn call(
        &self,
        request: CallRequest,
    ) -> impl Future<Output = Result<CallResponse, ControlError>> + Send;

    /// Reads the configuration anew and carries out what differs; the last message is the outcome.
    fn reload(
        &self,
        request: ReloadRequest,
    ) -> impl Future<Output = Result<MessageStream<ReloadProgress>, ControlError>> + Send;

    /// Stops every domain and then the instance; the stream ends when the domains are gone.
    fn shutdown(
        &self,
        request: ShutdownRequest,
    ) -> impl Future<Output = Result<MessageStream<Progress>, ControlError>> + Send;
}
