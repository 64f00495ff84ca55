//! The response to a message.

use serde::Deserialize;
use serde_json::Value;

use super::message::MAX_BODY;
use crate::framework::{DomainMessage, RuntimeMessage};

/// The response to a message: from a domain, or from the runtime if the domain cannot respond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageResponse {
    /// The type, such as `user_index_response`, or `error`.
    pub type_: String,
    /// A JSON text, unchanged; empty for failures in the runtime.
    pub payload: String,
    /// Whether the request succeeded.
    pub success: bool,
    /// Why it failed; empty after a success.
    pub error: String,
}

impl MessageResponse {
    /// A successful response.
    pub fn success(type_: impl Into<String>, payload: impl Into<String>) -> Self {
        Self {
            type_: type_.into(),
            payload: payload.into(),
            success: true,
            error: String::new(),
        }
    }

    /// A failure of type `error`.
    pub fn error(reason: impl Into<String>) -> Self {
        Self {
            type_: "error".into(),
            payload: String::new(),
            success: false,
            error: reason.into(),
        }
    }

    /// The failure for a message whose type has no handler.
    pub fn unknown_type(type_: &str) -> Self {
        Self::error(format!("Unknown message type: {type_}"))
    }

    /// Parses a domain's response. It is a failure if its payload has `"success": false`. A
    /// payload that is not JSON is passed on unchanged.
    pub(crate) fn from_domain(response: DomainMessage) -> Self {
        #[derive(Deserialize)]
        struct Status {
            success: Option<Value>,
            error: Option<Value>,
        }
        let status = serde_json::from_str::<Status>(&response.payload).ok();
        let failed = status.filter(|status| status.success == Some(Value::Bool(false)));
        let error = failed.as_ref().map(|status| match &status.error {
            Some(Value::String(text)) => text.clone(),
            Some(other) if !other.is_null() => other.to_string(),
            _ => format!(
                "domain {:?} reported a failure without a reason",
                response.domain
            ),
        });
        let parsed = Self {
            type_: response.r#type,
            payload: response.payload,
            success: error.is_none(),
            error: error.unwrap_or_default(),
        };
        parsed.truncate_to_fit(&response.domain)
    }

    /// A failure repeats its error beside the payload, which can exceed the size limit. Then the
    /// payload is dropped.
    fn truncate_to_fit(mut self, domain: &str) -> Self {
        if self.type_.len() + self.payload.len() + self.error.len() <= MAX_BODY {
            return self;
        }
        if !self.success && self.type_.len() + self.error.len() <= MAX_BODY {
            self.payload.clear();
            return self;
        }
        Self::error(format!(
            "the response of domain {domain:?} is larger than {MAX_BODY} bytes"
        ))
    }

    /// The wire message, as the response to the request with `request_id`.
    pub(crate) fn into_message(self, request_id: String) -> RuntimeMessage {
        RuntimeMessage {
            r#type: self.type_,
            payload: self.payload,
            request_id,
            success: self.success,
            error: self.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(payload: &str) -> MessageResponse {
        MessageResponse::from_domain(DomainMessage {
            domain: "users".into(),
            r#type: "user_index_response".into(),
            payload: payload.into(),
            request_id: "1".into(),
        })
    }

    #[test]
    fn only_an_explicit_false_is_a_failure() {
        for payload in [
            "",
            "{",
            "[]",
            "null",
            "text",
            r#"{"success":true}"#,
            r#"{"success":"false"}"#,
        ] {
            let response = parse(payload);
            assert!(response.success && response.error.is_empty(), "{payload}");
            assert_eq!(response.payload, payload);
        }
        let failure = parse(r#"{"success": false, "error": "no such user", "code": 7}"#);
        assert!(!failure.success);
        assert_eq!(failure.error, "no such user");
        assert_eq!(failure.type_, "user_index_response");
        assert!(failure.payload.contains("\"code\": 7"));
        assert_eq!(
            parse(r#"{"success":false,"error":{"code":7}}"#).error,
            r#"{"code":7}"#
        );
        assert!(parse(r#"{"success":false}"#).error.contains("users"));
    }

    #[test]
    fn a_failure_that_exceeds_the_limit_loses_its_payload_and_keeps_its_reason() {
        let reason = "x".repeat(3 * 1024 * 1024);
        let failure = parse(&format!(r#"{{"success":false,"error":"{reason}"}}"#));
        assert!(!failure.success && failure.payload.is_empty());
        assert_eq!(failure.error.len(), reason.len());
    }
}
