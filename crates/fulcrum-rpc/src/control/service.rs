//! The gRPC service of a handler.

use std::pin::Pin;
use std::sync::Arc;

use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, async_trait};

use super::handler::{ControlError, ControlHandler, MessageStream};
use super::version::PROTOCOL;
use crate::generated::control::control_server::Control;
use crate::generated::control::{
    CallRequest, CallResponse, ChangeRequest, EvalRequest, EvalResponse, Event, EventsRequest,
    HelloRequest, HelloResponse, LogRecord, LogsRequest, MetricsRequest, MetricsResponse,
    ProfileRequest, ProfileResponse, Progress, ReloadProgress, ReloadRequest, ShutdownRequest,
    SignalRequest, StatusRequest, StatusResponse, TraceRecordsResponse, TraceRequest,
    TraceResponse, TraceSummary, TracesRequest, WaitRequest,
};

type TonicStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// `fulcrum.control.v1.Control` over a handler.
pub(crate) struct Service<H> {
    pub(crate) handler: Arc<H>,
}

fn stream_response<T: 'static>(
    result: Result<MessageStream<T>, ControlError>,
) -> Result<Response<TonicStream<T>>, Status> {
    let stream = result?;
    Ok(Response::new(Box::pin(
        stream.map(|message| message.map_err(Status::from)),
    )))
}

#[async_trait]
impl<H: ControlHandler> Control for Service<H> {
    type ChangeStream = TonicStream<Progress>;
    type WaitStream = TonicStream<Progress>;
    type LogsStream = TonicStream<LogRecord>;
    type EventsStream = TonicStream<Event>;
    type CallStreamStream = TonicStream<CallResponse>;
    type ReloadStream = TonicStream<ReloadProgress>;
    type ShutdownStream = TonicStream<Progress>;
    type SignalStream = TonicStream<Progress>;
    type TracesStream = TonicStream<TraceSummary>;

    /// Returns the protocol number of this build, whatever the client's is. The client decides.
    async fn hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloResponse>, Status> {
        let HelloRequest { protocol, version } = request.into_inner();
        if protocol != PROTOCOL {
            tracing::info!(
                "a client of version {version:?} has protocol {protocol}, not {PROTOCOL}"
            );
        }
        let instance = Some(self.handler.instance().await);
        Ok(Response::new(HelloResponse {
            protocol: PROTOCOL,
            instance,
        }))
    }

    async fn status(
        &self,
        request: Request<StatusRequest>,
    ) -> Result<Response<StatusResponse>, Status> {
        Ok(Response::new(
            self.handler.status(request.into_inner()).await?,
        ))
    }

    async fn change(
        &self,
        request: Request<ChangeRequest>,
    ) -> Result<Response<TonicStream<Progress>>, Status> {
        stream_response(self.handler.change(request.into_inner()).await)
    }

    async fn wait(
        &self,
        request: Request<WaitRequest>,
    ) -> Result<Response<TonicStream<Progress>>, Status> {
        stream_response(self.handler.wait(request.into_inner()).await)
    }

    async fn logs(
        &self,
        request: Request<LogsRequest>,
    ) -> Result<Response<TonicStream<LogRecord>>, Status> {
        stream_response(self.handler.logs(request.into_inner()).await)
    }

    async fn events(
        &self,
        request: Request<EventsRequest>,
    ) -> Result<Response<TonicStream<Event>>, Status> {
        stream_response(self.handler.events(request.into_inner()).await)
    }

    async fn call(&self, request: Request<CallRequest>) -> Result<Response<CallResponse>, Status> {
        Ok(Response::new(
            self.handler.call(request.into_inner()).await?,
        ))
    }

    async fn call_stream(
        &self,
        request: Request<CallRequest>,
    ) -> Result<Response<TonicStream<CallResponse>>, Status> {
        stream_response(self.handler.call_stream(request.into_inner()).await)
    }

    async fn eval(&self, request: Request<EvalRequest>) -> Result<Response<EvalResponse>, Status> {
        Ok(Response::new(
            self.handler.eval(request.into_inner()).await?,
        ))
    }

    async fn reload(
        &self,
        request: Request<ReloadRequest>,
    ) -> Result<Response<TonicStream<ReloadProgress>>, Status> {
        stream_response(self.handler.reload(request.into_inner()).await)
    }

    async fn signal(
        &self,
        request: Request<SignalRequest>,
    ) -> Result<Response<TonicStream<Progress>>, Status> {
        stream_response(self.handler.signal(request.into_inner()).await)
    }

    async fn traces(
        &self,
        request: Request<TracesRequest>,
    ) -> Result<Response<TonicStream<TraceSummary>>, Status> {
        stream_response(self.handler.traces(request.into_inner()).await)
    }

    async fn trace(
        &self,
        request: Request<TraceRequest>,
    ) -> Result<Response<TraceResponse>, Status> {
        Ok(Response::new(
            self.handler.trace(request.into_inner()).await?,
        ))
    }

    async fn trace_records(
        &self,
        request: Request<TraceRequest>,
    ) -> Result<Response<TraceRecordsResponse>, Status> {
        Ok(Response::new(
            self.handler.trace_records(request.into_inner()).await?,
        ))
    }

    async fn profile(
        &self,
        request: Request<ProfileRequest>,
    ) -> Result<Response<ProfileResponse>, Status> {
        Ok(Response::new(
            self.handler.profile(request.into_inner()).await?,
        ))
    }

    async fn metrics(
        &self,
        request: Request<MetricsRequest>,
    ) -> Result<Response<MetricsResponse>, Status> {
        Ok(Response::new(
            self.handler.metrics(request.into_inner()).await?,
        ))
    }

    async fn shutdown(
        &self,
        request: Request<ShutdownRequest>,
    ) -> Result<Response<TonicStream<Progress>>, Status> {
        stream_response(self.handler.shutdown(request.into_inner()).await)
    }
}
