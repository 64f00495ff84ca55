//! The control API as a trait, and its errors.

use std::future::Future;
use std::pin::Pin;

use tokio_stream::Stream;
use tonic::{Code, Status};

use super::finished_request::FinishedRequest;
use crate::generated::control::{
    CallRequest, CallResponse, ChangeRequest, EvalRequest, EvalResponse, Event, EventsRequest,
    Instance, LogRecord, LogsRequest, MetricsRequest, MetricsResponse, ProfileRequest,
    ProfileResponse, Progress, ReloadProgress, ReloadRequest, ShutdownRequest, SignalRequest,
    StatusRequest, StatusResponse, TraceRecordsResponse, TraceRequest, TraceResponse, TraceSummary,
    TracesRequest, WaitRequest,
};

/// A stream of messages to one client. It is dropped when the client disconnects.
pub type MessageStream<T> = Pin<Box<dyn Stream<Item = Result<T, ControlError>> + Send>>;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The domain is unknown.
    #[error("{0}")]
    NotFound(String),
    /// The request is invalid.
    #[error("{0}")]
    Invalid(String),
    /// The operation failed.
    #[error("{0}")]
    Failed(String),
    /// The instance is shutting down, or the connection to it was lost.
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
        // Only errors of the transport have a source; their code can be any.
        if std::error::Error::source(&status).is_some() {
            return Self::Disconnected(format!("connection to the instance lost: {text}"));
        }
        match status.code() {
            Code::NotFound => Self::NotFound(text),
            Code::InvalidArgument => Self::Invalid(text),
            Code::FailedPrecondition => Self::Failed(text),
            Code::Unavailable | Code::Cancelled => {
                Self::Disconnected(format!("the instance has ended the request: {text}"))
            }
            code => Self::Failed(format!("{text} ({code})")),
        }
    }
}

/// The control API: one method for each RPC except `Hello`, which is answered from
/// [`ControlHandler::instance`]. Methods run concurrently.
pub trait ControlHandler: Send + Sync + 'static {
    /// This instance.
    fn instance(&self) -> impl Future<Output = Instance> + Send;

    /// The current status of the instance and the domains.
    fn status(
        &self,
        request: StatusRequest,
    ) -> impl Future<Output = Result<StatusResponse, ControlError>> + Send;

    /// Starts, stops, restarts or kills domains. The last message is the outcome.
    fn change(
        &self,
        request: ChangeRequest,
    ) -> impl Future<Output = Result<MessageStream<Progress>, ControlError>> + Send;

    /// Waits until domains meet a condition. The last message is the outcome.
    fn wait(
        &self,
        request: WaitRequest,
    ) -> impl Future<Output = Result<MessageStream<Progress>, ControlError>> + Send;

    /// Log lines in memory, then, if requested, new ones.
    fn logs(
        &self,
        request: LogsRequest,
    ) -> impl Future<Output = Result<MessageStream<LogRecord>, ControlError>> + Send;

    /// Recent events, then, if requested, new ones.
    fn events(
        &self,
        request: EventsRequest,
    ) -> impl Future<Output = Result<MessageStream<Event>, ControlError>> + Send;

    /// Sends a request to a domain and returns its response.
    fn call(
        &self,
        request: CallRequest,
    ) -> impl Future<Output = Result<CallResponse, ControlError>> + Send;

    /// As [`ControlHandler::call`], for a response in parts. A failure is the last message.
    fn call_stream(
        &self,
        request: CallRequest,
    ) -> impl Future<Output = Result<MessageStream<CallResponse>, ControlError>> + Send;

    /// Applies changes of the configuration. The last message is the outcome.
    fn reload(
        &self,
        request: ReloadRequest,
    ) -> impl Future<Output = Result<MessageStream<ReloadProgress>, ControlError>> + Send;

    /// Evaluates a JavaScript expression in a Node domain.
    fn eval(
        &self,
        request: EvalRequest,
    ) -> impl Future<Output = Result<EvalResponse, ControlError>> + Send;

    /// Sends a signal to running domains. The last message is the outcome.
    fn signal(
        &self,
        request: SignalRequest,
    ) -> impl Future<Output = Result<MessageStream<Progress>, ControlError>> + Send;

    /// The traces in memory, or those that end from now on.
    fn traces(
        &self,
        request: TracesRequest,
    ) -> impl Future<Output = Result<MessageStream<TraceSummary>, ControlError>> + Send;

    /// One trace, with the lines that were written meanwhile.
    fn trace(
        &self,
        request: TraceRequest,
    ) -> impl Future<Output = Result<TraceResponse, ControlError>> + Send;

    /// The log records of a trace that were received over OTLP.
    fn trace_records(
        &self,
        request: TraceRequest,
    ) -> impl Future<Output = Result<TraceRecordsResponse, ControlError>> + Send;

    /// Records a profile of a domain into a file.
    fn profile(
        &self,
        request: ProfileRequest,
    ) -> impl Future<Output = Result<ProfileResponse, ControlError>> + Send;

    /// The metrics that were received from programs.
    fn metrics(
        &self,
        request: MetricsRequest,
    ) -> impl Future<Output = Result<MetricsResponse, ControlError>> + Send;

    /// A request has ended. Must not wait.
    fn observe(&self, request: &FinishedRequest<'_>) {
        let _ = request;
    }

    /// Stops all domains and then the instance. The stream ends when no domain runs any more.
    fn shutdown(
        &self,
        request: ShutdownRequest,
    ) -> impl Future<Output = Result<MessageStream<Progress>, ControlError>> + Send;
}
