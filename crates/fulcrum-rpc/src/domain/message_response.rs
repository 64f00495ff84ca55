//! The answer to one message, and what makes it a failure.

use serde::Deserialize;
use serde_json::Value;

use super::message::MAX_BODY;
use crate::framework::{DomainMessage, RuntimeMessage};

/// What comes back for a message: from a domain, from the runtime, or, where there is
/// nobody to answer, a failure that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageResponse {
    /// The kind of answer, such as `user_index_response`, or `error`.
    pub type_: String,
    /// A JSON text, as it came; empty for failures that the runtime found itself.
    pub payload: String,
    /// Whether it worked.
    pub success: bool,
    /// Why not; empty where it worked.
    pub error: String,
}

impl MessageResponse {
    /// An answer that worked.
    pub fn success(type_: impl Into<String>, payload: impl Into<String>) -> Self {
        Self {
            type_: type_.into(),
            payload: payload.into(),
            success: true,
            error: String::new(),
        }
    }

    /// An answer of type `error`: nobody could answer, and why.
    pub fn error(why: impl Into<String>) -> Self {
        Self {
            type_: "error".into(),
            payload: String::new(),
            success: false,
            error: why.into(),
        }
    }

    /// What a domain is told about a message that nobody serves.
    pub fn unknown_type(type_: &str) -> Self {
        Self::error(format!("Unknown message type: {type_}"))
    }

    /// Reads a domain's response: a failure if its payload says `"success": false`.
    /// A payload that isn't JSON passes as it is.
    pub(crate) fn from_domain(response: DomainMessage) -> Self {
        #[derive(Deserialize)]
        struct Verdict {
            success: Option<Value>,
            error: Option<Value>,
        }
        let verdict = serde_json::from_str::<Verdict>(&response.payload).ok();
        let failed = verdict.filter(|verdict| verdict.success == Some(Value::Bool(false)));
        let error = failed.as_ref().map(|verdict| match &verdict.error {
            Some(Value::String(text)) => text.clone(),
            Some(other) if !other.is_null() => other.to_string(),
            _ => format!(
                "domain {:?} reported a failure without a reason",
                response.domain
            ),
        });
        let answer = Self {
            type_: response.r#type,
            payload: response.payload,
            success: error.is_none(),
            error: error.unwrap_or_default(),
        };
        answer.truncate_to_fit(&response.domain)
    }

    /// A failure repeats its error beside the payload, which can make it larger than what
    /// it was read from and than what the caller may be sent.
    fn truncate_to_fit(mut self, domain: &str) -> Self {
        if self.type_.len() + self.payload.len() + self.error.len() <= MAX_BODY {
            return self;
        }
        if !self.success && self.type_.len() + self.error.len() <= MAX_BODY {
            self.payload.clear();
            return self;
        }
        Self::error(format!(
            "the answer of domain {domain:?} is larger than {MAX_BODY} bytes"
        ))
    }

    /// The answer as it goes over the wire, to the one who asked with `request_id`.
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

    fn read(payload: &str) -> MessageResponse {
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
            let answer = read(payload);
            assert!(answer.success && answer.error.is_empty(), "{payload}");
            assert_eq!(answer.payload, payload);
        }
        let failure = read(r#"{"success": false, "error": "no such user", "code": 7}"#);
        assert!(!failure.success);
        assert_eq!(failure.error, "no such user");
        assert_eq!(failure.type_, "user_index_response");
        assert!(failure.payload.contains("\"code\": 7"));
        assert_eq!(
            read(r#"{"success":false,"error":{"code":7}}"#).error,
            r#"{"code":7}"#
        );
        assert!(read(r#"{"success":false}"#).error.contains("users"));
    }

    #[test]
    fn a_failure_too_large_to_repeat_loses_its_payload_not_its_reason() {
        let reason = "x".repeat(3 * 1024 * 1024);
        let failure = read(&format!(r#"{{"success":false,"error":"{reason}"}}"#));
        assert!(!failure.success && failure.payload.is_empty());
        assert_eq!(failure.error.len(), reason.len());
    }
}
