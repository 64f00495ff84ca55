//! Which streams have subscribed to which topic, and the requests about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::handler::DomainRequest;
use super::lock::lock;
use super::message_response::{FailureCode, MessageResponse};
use super::registered_stream::RegisteredStream;
use super::registry::Registry;
use super::routing::EventContent;

#[derive(Deserialize)]
struct Subscription {
    topics: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Publication {
    topic: String,
    #[serde(default)]
    payload: Value,
}

impl Registry {
    /// Handles a request of a domain about events; `None` if it is about something else.
    pub(super) fn handle_event_request(
        &self,
        stream: &Arc<RegisteredStream>,
        request: &DomainRequest,
    ) -> Option<MessageResponse> {
        let result = match request.type_.as_str() {
            "event_publish" => self.publish(request),
            "event_subscribe" => self.subscribe(stream, request, true),
            "event_unsubscribe" => self.subscribe(stream, request, false),
            _ => return None,
        };
        Some(match result {
            Ok(payload) => {
                let type_ = format!("{}_response", request.type_);
                MessageResponse::success(type_, payload.to_string())
            }
            Err(text) => {
                let text = format!("{}: {text}", request.type_);
                MessageResponse::failure(FailureCode::Invalid, text)
            }
        })
    }

    fn publish(&self, request: &DomainRequest) -> Result<Value, String> {
        let publication = serde_json::from_str(&request.payload);
        let Publication { topic, payload } = publication
            .map_err(|error| format!(r#"the payload must be {{"topic", "payload"}}: {error}"#))?;
        let subscribers = lock(self.topics()).subscribers(&topic);
        let event = Arc::new(EventContent {
            topic,
            from: request.domain.clone(),
            payload: payload.to_string(),
        });
        let added = subscribers
            .iter()
            .filter(|stream| stream.route.publish(stream.id, Arc::clone(&event)));
        let (total, added) = (subscribers.len(), added.count());
        Ok(json!({"success": true, "subscribers": total, "dropped": total - added}))
    }

    fn subscribe(
        &self,
        stream: &Arc<RegisteredStream>,
        request: &DomainRequest,
        subscribe: bool,
    ) -> Result<Value, String> {
        let Subscription { topics } = serde_json::from_str(&request.payload)
            .map_err(|error| format!(r#"the payload must be {{"topics": [...]}}: {error}"#))?;
        let mut table = lock(self.topics());
        for topic in topics {
            match subscribe {
                true => table.subscribe(stream.id, stream, topic)?,
                false => table.unsubscribe(stream.id, &topic),
            }
        }
        Ok(json!({"success": true}))
    }
}
