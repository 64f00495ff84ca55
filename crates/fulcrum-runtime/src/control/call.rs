//! Calls of domains by the command line.

use std::time::Duration;

use fulcrum_config::select;
use fulcrum_rpc::control::{CallRequest, CallResponse};
use fulcrum_rpc::{CallOptions, ControlError, MessageResponse, MessageStream, Registry};
use tokio_stream::StreamExt;

use crate::state::desired::DesiredStateReceiver;

/// Makes calls of domains for the control API.
#[derive(Clone)]
pub(crate) struct CallService {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) registry: Registry,
}

impl CallService {
    pub(crate) async fn call(&self, request: CallRequest) -> Result<CallResponse, ControlError> {
        self.check(&request.domain)?;
        let options = self.options(&request);
        let (domain, type_) = (&request.domain, &request.r#type);
        let call = self.registry.call(domain, type_, request.payload, options);
        let response = call.await;
        Ok(call_response(response))
    }

    pub(crate) fn call_stream(
        &self,
        request: CallRequest,
    ) -> Result<MessageStream<CallResponse>, ControlError> {
        self.check(&request.domain)?;
        let options = self.options(&request);
        let (domain, type_) = (&request.domain, &request.r#type);
        let parts = self
            .registry
            .call_stream(domain, type_, request.payload, options);
        Ok(Box::pin(parts.map(|part| Ok(call_response(part)))))
    }

    /// The types of the requests that a domain handles, as far as it is known.
    pub(crate) fn message_types(&self, domain: &str) -> Vec<String> {
        self.registry.message_types(domain)
    }

    /// A name that is neither configured nor registered is an error with a suggestion.
    fn check(&self, domain: &str) -> Result<(), ControlError> {
        if self.desired.domain(domain).is_some() || self.registry.is_registered(domain) {
            return Ok(());
        }
        let desired = self.desired.current();
        select(&desired.app, &[domain.to_owned()])
            .map(drop)
            .map_err(|unknown| ControlError::NotFound(unknown.message(&desired.app)))
    }

    fn options(&self, request: &CallRequest) -> CallOptions {
        let timeout = match request.timeout_ms {
            0 => self.desired.current().app.runtime.grpc.call_timeout,
            limit => Duration::from_millis(limit),
        };
        CallOptions {
            timeout,
            wait: !request.no_wait,
        }
    }
}

fn call_response(response: MessageResponse) -> CallResponse {
    CallResponse {
        r#type: response.type_,
        payload: response.payload,
        success: response.success,
        error: response.error,
    }
}
