//! The client of a running instance.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use super::handler::ControlError;
use super::lock::Holder;
use super::runtime_dir::RuntimeDir;
use super::version::{PROTOCOL, VERSION};
use crate::generated::control::control_client::ControlClient as Generated;
use crate::generated::control::{
    CallRequest, CallResponse, ChangeRequest, EvalRequest, EvalResponse, Event, EventsRequest,
    HelloRequest, Instance, LogRecord, LogsRequest, MetricsRequest, MetricsResponse,
    ProfileRequest, ProfileResponse, Progress, ReloadProgress, ReloadRequest, ShutdownRequest,
    SignalRequest, StatusRequest, StatusResponse, TraceRecordsResponse, TraceRequest,
    TraceResponse, TraceSummary, TracesRequest, WaitRequest,
};
use crate::transport::MAX_CONTROL_MESSAGE;

/// The time in which an instance that holds its lock must respond. It may be starting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The pause between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// A connection to a running instance of the same protocol. Clones share it.
#[derive(Clone, Debug)]
pub struct ControlClient {
    client: Generated<Channel>,
    instance: Instance,
}

/// Why connecting to an instance failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No instance runs for the app, whether or not a stale socket exists.
    #[error("no running instance for this app")]
    NotRunning,
    /// The instance has another protocol number.
    #[error(
        "the running instance has version {their_version} with protocol {theirs}, this is version {VERSION} with protocol {ours}\n  hint: use the same version, or stop the instance and start it again"
    )]
    VersionMismatch {
        /// The protocol number of this build.
        ours: u32,
        /// The protocol number of the instance.
        theirs: u32,
        /// The version of the instance.
        their_version: String,
    },
    /// The instance runs as another user, whose socket is private.
    #[error("the instance runs as another user (pid {pid}, uid {uid})")]
    OtherUser {
        /// The process id of the instance.
        pid: u32,
        /// The user that it runs as.
        uid: u32,
    },
    /// An instance runs and does not respond: it hangs, is stopped by a signal, or lost its socket.
    #[error(
        "the instance{} does not respond on {}: {reason}",
        pid.map_or_else(String::new, |pid| format!(" (pid {pid})")),
        socket.display()
    )]
    Unresponsive {
        /// Its process id, if the lock names it.
        pid: Option<u32>,
        /// The socket that was tried.
        socket: PathBuf,
        /// What happened there.
        reason: String,
    },
    /// The runtime directory cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ControlClient {
    /// Connects to the app's instance and exchanges versions.
    ///
    /// This fails at once if no instance holds the lock. An instance that holds it has up to 3 s to
    /// respond, since it may be starting.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(dir: &RuntimeDir) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let (stream, socket) = open(dir, deadline).await?;
        let unreachable = |error: &dyn std::fmt::Display| unresponsive(dir, &socket, error);
        let handshake = async {
            let channel = channel_over(stream)
                .await
                .map_err(|error| unreachable(&error))?;
            let mut client = Generated::new(channel)
                .max_decoding_message_size(MAX_CONTROL_MESSAGE)
                .max_encoding_message_size(MAX_CONTROL_MESSAGE);
            let hello = HelloRequest {
                protocol: PROTOCOL,
                version: VERSION.to_owned(),
            };
            match client.hello(hello).await {
                Ok(response) => Ok((client, response.into_inner())),
                Err(status) if status.code() == Code::Unimplemented => {
                    Err(mismatch(0, "unknown".to_owned()))
                }
                Err(status) => Err(unreachable(&status)),
            }
        };
        let (client, response) = tokio::time::timeout_at(deadline, handshake)
            .await
            .unwrap_or_else(|_| {
                Err(unreachable(&format_args!(
                    "nothing came within {} s",
                    CONNECT_TIMEOUT.as_secs()
                )))
            })?;
        let instance = response.instance.unwrap_or_default();
        if response.protocol != PROTOCOL {
            return Err(mismatch(response.protocol, instance.version));
        }
        Ok(Self { client, instance })
    }

    /// The instance, as reported when the connection was made.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The current status of the instance and the domains.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn status(&self, request: StatusRequest) -> Result<StatusResponse, ControlError> {
        Ok(self.client.clone().status(request).await?.into_inner())
    }

    /// Starts, stops, restarts or kills domains. The last message is the outcome.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn change(
        &self,
        request: ChangeRequest,
    ) -> Result<ControlStream<Progress>, ControlError> {
        ControlStream::from_response(self.client.clone().change(request).await)
    }

    /// Waits until domains meet a condition. The last message is the outcome.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn wait(
        &self,
        request: WaitRequest,
    ) -> Result<ControlStream<Progress>, ControlError> {
        ControlStream::from_response(self.client.clone().wait(request).await)
    }

    /// Log lines in memory, and new ones.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn logs(
        &self,
        request: LogsRequest,
    ) -> Result<ControlStream<LogRecord>, ControlError> {
        ControlStream::from_response(self.client.clone().logs(request).await)
    }

    /// Recent events, and new ones.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn events(
        &self,
        request: EventsRequest,
    ) -> Result<ControlStream<Event>, ControlError> {
        ControlStream::from_response(self.client.clone().events(request).await)
    }

    /// Sends a request to a domain and returns its response.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn call(&self, request: CallRequest) -> Result<CallResponse, ControlError> {
        Ok(self.client.clone().call(request).await?.into_inner())
    }

    /// As [`ControlClient::call`], for a response in parts. A failure is the last message.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn call_stream(
        &self,
        request: CallRequest,
    ) -> Result<ControlStream<CallResponse>, ControlError> {
        ControlStream::from_response(self.client.clone().call_stream(request).await)
    }

    /// Evaluates a JavaScript expression in a Node domain.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn eval(&self, request: EvalRequest) -> Result<EvalResponse, ControlError> {
        Ok(self.client.clone().eval(request).await?.into_inner())
    }

    /// Applies changes of the configuration. The last message is the outcome.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn reload(
        &self,
        request: ReloadRequest,
    ) -> Result<ControlStream<ReloadProgress>, ControlError> {
        ControlStream::from_response(self.client.clone().reload(request).await)
    }

    /// Sends a signal to running domains. The last message is the outcome.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn signal(
        &self,
        request: SignalRequest,
    ) -> Result<ControlStream<Progress>, ControlError> {
        ControlStream::from_response(self.client.clone().signal(request).await)
    }

    /// The traces in memory, or those that end from now on.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn traces(
        &self,
        request: TracesRequest,
    ) -> Result<ControlStream<TraceSummary>, ControlError> {
        ControlStream::from_response(self.client.clone().traces(request).await)
    }

    /// One trace, with the lines that were written meanwhile.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn trace(&self, request: TraceRequest) -> Result<TraceResponse, ControlError> {
        Ok(self.client.clone().trace(request).await?.into_inner())
    }

    /// The log records of a trace that were received over OTLP.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn trace_records(
        &self,
        request: TraceRequest,
    ) -> Result<TraceRecordsResponse, ControlError> {
        let response = self.client.clone().trace_records(request).await?;
        Ok(response.into_inner())
    }

    /// Records a profile of a domain into a file.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn profile(&self, request: ProfileRequest) -> Result<ProfileResponse, ControlError> {
        Ok(self.client.clone().profile(request).await?.into_inner())
    }

    /// The metrics that were received from programs.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn metrics(&self, request: MetricsRequest) -> Result<MetricsResponse, ControlError> {
        Ok(self.client.clone().metrics(request).await?.into_inner())
    }

    /// Stops all domains and then the instance. The last message is the outcome.
    ///
    /// # Errors
    /// The error that the instance reports, or [`ControlError::Disconnected`].
    pub async fn shutdown(
        &self,
        request: ShutdownRequest,
    ) -> Result<ControlStream<Progress>, ControlError> {
        ControlStream::from_response(self.client.clone().shutdown(request).await)
    }
}

/// A stream of messages from the instance. Dropping it cancels the request's stream on the server.
#[derive(Debug)]
pub struct ControlStream<T> {
    messages: Streaming<T>,
}

impl<T> ControlStream<T> {
    fn from_response(
        response: Result<tonic::Response<Streaming<T>>, Status>,
    ) -> Result<Self, ControlError> {
        Ok(Self {
            messages: response?.into_inner(),
        })
    }

    /// The next message; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Result<T, ControlError>> {
        StreamExt::next(self).await
    }
}

impl<T> Stream for ControlStream<T> {
    type Item = Result<T, ControlError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.messages)
            .poll_next(context)
            .map(|next| next.map(|message| message.map_err(ControlError::from)))
    }
}

fn unresponsive(dir: &RuntimeDir, socket: &Path, reason: &dyn std::fmt::Display) -> ConnectError {
    let holder = dir.holder().ok().flatten().flatten();
    ConnectError::Unresponsive {
        // An instance that has exited meanwhile has none.
        pid: holder.map(|holder| holder.pid),
        socket: socket.to_owned(),
        reason: reason.to_string(),
    }
}

fn mismatch(theirs: u32, their_version: String) -> ConnectError {
    ConnectError::VersionMismatch {
        ours: PROTOCOL,
        theirs,
        their_version,
    }
}

/// Connects to the socket that the lock names. An instance that is starting may not have written it
/// yet, or not listen yet.
async fn open(dir: &RuntimeDir, deadline: Instant) -> Result<(UnixStream, PathBuf), ConnectError> {
    loop {
        let Some(holder) = dir.holder()? else {
            return Err(ConnectError::NotRunning);
        };
        let attempt = match &holder {
            Some(holder) if holder.uid != dir.uid() && dir.uid() != 0 => {
                let Holder { pid, uid, .. } = *holder;
                return Err(ConnectError::OtherUser { pid, uid });
            }
            Some(holder) => UnixStream::connect(&holder.socket).await,
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let socket = holder
            .as_ref()
            .map_or_else(|| dir.socket(), |holder| holder.socket.clone());
        let error = match attempt {
            Ok(stream) => return Ok((stream, socket)),
            Err(error) => error,
        };
        let no_listener = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
        );
        // `WouldBlock` means that the listener's backlog is full.
        if !no_listener && error.kind() != io::ErrorKind::WouldBlock {
            return Err(error.into());
        }
        if Instant::now() >= deadline {
            return Err(unresponsive(dir, &socket, &error));
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// A channel over an existing connection. It does not reconnect, since the next instance may have
/// another version.
async fn channel_over(stream: UnixStream) -> Result<Channel, tonic::transport::Error> {
    let once = Arc::new(Mutex::new(Some(TokioIo::new(stream))));
    // The authority must be a host, which the path of a socket is not.
    Endpoint::from_static("http://localhost")
        .connect_with_connector(tower::service_fn(move |_| {
            let stream = once.lock().unwrap_or_else(PoisonError::into_inner).take();
            async move { stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
        }))
        .await
}
