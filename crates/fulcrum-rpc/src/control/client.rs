//! The client of a running instance.

use std::io;
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

use super::control_client::ControlClient as Generated;
use super::{
    CallRequest, CallResponse, ChangeRequest, ControlError, Event, EventsRequest, HelloRequest,
    Instance, LogRecord, LogsRequest, PROTOCOL, Progress, ReloadProgress, ReloadRequest,
    RuntimeDir, ShutdownRequest, StatusRequest, StatusResponse, VERSION, WaitRequest,
};
use crate::transport::MAX_CONTROL_MESSAGE;

/// How long an instance that holds its lock may take until its socket answers: it may be
/// starting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The pause between two tries.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// A connection to a running instance of the same protocol. Clones share it.
#[derive(Clone, Debug)]
pub struct ControlClient {
    client: Generated<Channel>,
    instance: Instance,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The app has no instance. A socket that was left behind is none.
    #[error("this app isn't running")]
    NotRunning,
    /// The instance speaks another protocol.
    #[error(
        "the running instance is of version {their_version} and speaks protocol {theirs}; this is version {VERSION} with protocol {ours}: use the same version, or stop the instance and start it again"
    )]
    VersionMismatch {
        /// The number of this build.
        ours: u32,
        /// The instance's.
        theirs: u32,
        /// The instance's version.
        their_version: String,
    },
    /// There is an instance and it can't be reached.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ControlClient {
    /// Connects to the app's instance and exchanges versions.
    ///
    /// Where there is none this fails at once. An instance that lives, by its lock, gets up
    /// to 3 s to answer, since it may just be starting.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(dir: &RuntimeDir) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let stream = open(dir, deadline).await?;
        let lost = |error: &dyn std::fmt::Display| {
            io::Error::new(
                io::ErrorKind::ConnectionAborted,
                format!(
                    "the instance doesn't answer on {}: {error}",
                    dir.socket().display()
                ),
            )
        };
        let greeting = async {
            let channel = channel_over(stream).await.map_err(|error| lost(&error))?;
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
                Err(status) => Err(lost(&status).into()),
            }
        };
        let (client, response) = tokio::time::timeout_at(deadline, greeting)
            .await
            .unwrap_or_else(|_| {
                Err(
                    lost(&"it took the connection and said nothing; it may be stopped (SIGSTOP)")
                        .into(),
                )
            })?;
        let instance = response.instance.unwrap_or_default();
        if response.protocol != PROTOCOL {
            return Err(mismatch(response.protocol, instance.version));
        }
        Ok(Self { client, instance })
    }

    /// Who the instance is, as it said when it was greeted.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The instance and the domains, as they are now.
    ///
    /// # Errors
    /// What the instance says, or [`ControlError::Gone`].
    pub async fn status(&self, request: StatusRequest) -> Result<StatusResponse, ControlError> {
        Ok(self.client.clone().status(request).await?.into_inner())
    }

    /// Starts, stops or restarts domains; the last message is the outcome.
    ///
    /// # Errors
    /// What the instance says, or [`ControlError::Gone`].
    pub async fn change(
        &self,
        request: ChangeRequest,
    ) -> Result<ControlStream<Progress>, ControlError> {
        ControlStream::from_response(self.client.clone().change(request).await)
    }

    /// Waits until domains are in a state; the last message is the outcome.
    ///
    /// # Errors
    /// What the instance says, or [`ControlError::Gone`].
    pub async fn wait(
        &self,
        request: WaitRequest,
    ) -> Result<ControlStream<Progress>, ControlError> {
        ControlStream::from_response(self.client.clone().wait(request).await)
    }

    /// What domains said, and say.
    ///
    /// # Errors
    /// What the instance says, or [`ControlError::Gone`].
    pub async fn logs(
        &self,
        request: LogsRequest,
    ) -> Result<ControlStream<LogRecord>, ControlError> {
        ControlStream::from_response(self.client.clone().logs(request).await)
    }

    /// What happened to domains, and happens.
    ///
    /// # Errors
    /// What the instance says, or [`ControlError::Gone`].
    pub async fn events(
        &self,
        request: EventsRequest,
    ) -> Result<ControlStream<Event>, ControlError> {
        ControlStream::from_response(self.client.clone().events(request).await)
    }

    /// Sends one message to a domain.
    ///
    /// # Errors
    /// What the instance says, or [`ControlError::Gone`].
    pub async fn call(&self, request: CallRequest) -> Result<CallResponse, ControlError> {
        Ok(self.client.clone().call(request).await?.into_inner())
    }

    /// Has the instance read its configuration anew; the last message is the outcome.
    ///
    /// # Errors
    /// What the instance says, or [`ControlError::Gone`].
    pub async fn reload(
        &self,
        request: ReloadRequest,
    ) -> Result<ControlStream<ReloadProgress>, ControlError> {
        ControlStream::from_response(self.client.clone().reload(request).await)
    }

    /// Stops every domain and then the instance; ends when the domains are gone.
    ///
    /// # Errors
    /// What the instance says, or [`ControlError::Gone`].
    pub async fn shutdown(
        &self,
        request: ShutdownRequest,
    ) -> Result<ControlStream<Progress>, ControlError> {
        ControlStream::from_response(self.client.clone().shutdown(request).await)
    }
}

/// Messages from the instance. Dropping it tells the instance that nobody listens.
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

    /// The next message; `None` at the end.
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

fn mismatch(theirs: u32, their_version: String) -> ConnectError {
    ConnectError::VersionMismatch {
        ours: PROTOCOL,
        theirs,
        their_version,
    }
}

/// Connects to the socket. Where nobody listens the lock says what that means.
async fn open(dir: &RuntimeDir, deadline: Instant) -> Result<UnixStream, ConnectError> {
    loop {
        let error = match UnixStream::connect(dir.socket()).await {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        let nobody_listens = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
        );
        // A full backlog: somebody does, and is busy.
        if !nobody_listens && error.kind() != io::ErrorKind::WouldBlock {
            return Err(error.into());
        }
        let Some(pid) = dir.holder()? else {
            return Err(ConnectError::NotRunning);
        };
        if Instant::now() >= deadline {
            let pid = pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
            let text = format!(
                "the instance (pid {pid}) lives, but can't be reached on {}: {error}; if its socket was removed, stop it by its pid",
                dir.socket().display()
            );
            return Err(io::Error::new(io::ErrorKind::TimedOut, text).into());
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// A channel over a connection that exists. It can't be opened anew: the next instance may
/// be another version.
async fn channel_over(stream: UnixStream) -> Result<Channel, tonic::transport::Error> {
    let once = Arc::new(Mutex::new(Some(TokioIo::new(stream))));
    // The authority must be a host; a socket's path isn't one.
    Endpoint::from_static("http://localhost")
        .connect_with_connector(tower::service_fn(move |_| {
            let stream = once.lock().unwrap_or_else(PoisonError::into_inner).take();
            async move { stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
        }))
        .await
}
