//! The response to a message.

use serde::Deserialize;
use serde_json::{Value, json};

use super::message::FRAMING;
use crate::framework::{DomainMessage, RuntimeMessage};

/// Why the runtime could not get a response, for programs. In the payload of a failure it is the
/// key `code`. More may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureCode {
    /// The domain is not connected, or its stream ended before it responded. Whether it has worked
    /// on the request is not known.
    Unavailable,
    /// Too much waits for the domain. It has not received the request.
    Overloaded,
    /// The request or its response exceeds the size limit.
    TooLarge,
    /// The domain did not respond in time.
    Timeout,
    /// The caller has given up.
    Cancelled,
    /// The request itself is invalid, such as one without a domain.
    Invalid,
}

impl FailureCode {
    /// The code in payloads, such as `UNAVAILABLE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "UNAVAILABLE",
            Self::Overloaded => "OVERLOADED",
            Self::TooLarge => "TOO_LARGE",
            Self::Timeout => "TIMEOUT",
            Self::Cancelled => "CANCELLED",
            Self::Invalid => "INVALID",
        }
    }
}

/// The code in the response of a domain that has not worked on a request because it drains.
const DRAINING: &str = "DRAINING";

/// Whether a response says that the domain has not worked on the request because it drains.
pub(crate) fn is_refusal(payload: &str) -> bool {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        success: bool,
        #[serde(borrow)]
        code: &'a str,
    }
    // Most responses are none, which is to cost nothing.
    payload.len() < 1024
        && payload.contains(DRAINING)
        && serde_json::from_str::<Refusal<'_>>(payload)
            .is_ok_and(|refusal| !refusal.success && refusal.code == DRAINING)
}

/// The response to a message: from a domain, or from the runtime if the domain cannot respond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageResponse {
    /// The type, such as `user_index_response`, or `error`.
    pub type_: String,
    /// A JSON text, unchanged. For a failure in the runtime it has the keys `success`, `error` and
    /// `code`.
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

    /// A failure of type `error` without a code.
    pub fn error(reason: impl Into<String>) -> Self {
        Self {
            type_: "error".into(),
            payload: String::new(),
            success: false,
            error: reason.into(),
        }
    }

    /// A failure of type `error`, whose payload has the code besides the reason.
    pub fn failure(code: FailureCode, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let payload = json!({"success": false, "error": reason, "code": code.as_str()});
        Self {
            payload: payload.to_string(),
            ..Self::error(reason)
        }
    }

    /// The failure for a message whose type has no handler.
    pub fn unknown_type(type_: &str) -> Self {
        Self::error(format!("Unknown message type: {type_}"))
    }

    /// Parses a domain's response. It is a failure if its payload has `"success": false`. A
    /// payload that is not JSON is passed on unchanged. `limit` is the most bytes of a message.
    pub(crate) fn from_domain(response: DomainMessage, limit: usize) -> Self {
        #[derive(Deserialize)]
        struct Status {
            success: Option<Value>,
            error: Option<Value>,
        }
        // A failure has this word somewhere; most responses have not, and need not be parsed.
        let may_fail = response.payload.contains("false");
        let status = may_fail.then(|| serde_json::from_str::<Status>(&response.payload).ok());
        let status = status.flatten();
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
        parsed.truncate_to_fit(&response.domain, limit.saturating_sub(FRAMING))
    }

    /// A failure repeats its error beside the payload, which can exceed the size limit. Then the
    /// payload is dropped.
    fn truncate_to_fit(mut self, domain: &str, limit: usize) -> Self {
        let size = self.type_.len() + self.payload.len() + self.error.len();
        if size <= limit {
            return self;
        }
        if !self.success && self.type_.len() + self.error.len() <= limit {
            self.payload.clear();
            return self;
        }
        let text = format!(
            "the response of domain {domain:?} has {size} bytes, and the limit is {limit} bytes (runtime.grpc.max_message)"
        );
        Self::failure(FailureCode::TooLarge, text)
    }

    /// The message by which a domain would respond with this.
    pub(crate) fn into_domain_message(self) -> DomainMessage {
        DomainMessage {
            r#type: self.type_,
            payload: self.payload,
            ..DomainMessage::default()
        }
    }

    /// The wire message, as the response to the request with `request_id`.
    pub(crate) fn into_message(self, request_id: String) -> RuntimeMessage {
        RuntimeMessage {
            r#type: self.type_,
            payload: self.payload,
            request_id,
            success: self.success,
            error: self.error,
            ..RuntimeMessage::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(payload: &str) -> MessageResponse {
        let message = DomainMessage {
            domain: "users".into(),
            r#type: "user_index_response".into(),
            payload: payload.into(),
            request_id: "1".into(),
            more: false,
        };
        MessageResponse::from_domain(message, 4 * 1024 * 1024)
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
    fn only_a_failure_with_its_code_is_a_refusal() {
        assert!(is_refusal(
            r#"{"success":false,"error":"users is draining","code":"DRAINING"}"#
        ));
        for other in [
            r#"{"success":true,"code":"DRAINING"}"#,
            r#"{"success":false,"error":"DRAINING"}"#,
            r#"{"success":false,"code":"ENOENT","error":"DRAINING"}"#,
            "DRAINING",
            "",
        ] {
            assert!(!is_refusal(other), "{other}");
        }
    }

    #[test]
    fn a_failure_of_the_runtime_has_its_code_in_the_payload() {
        let failure = MessageResponse::failure(FailureCode::Overloaded, "too \"much\"");
        assert_eq!((failure.type_.as_str(), failure.success), ("error", false));
        let payload: Value = serde_json::from_str(&failure.payload).expect("JSON");
        assert_eq!(
            payload,
            json!({"success": false, "error": "too \"much\"", "code": "OVERLOADED"})
        );
    }

    #[test]
    fn a_failure_that_exceeds_the_limit_loses_its_payload_and_keeps_its_reason() {
        let reason = "x".repeat(3 * 1024 * 1024);
        let failure = parse(&format!(r#"{{"success":false,"error":"{reason}"}}"#));
        assert!(!failure.success && failure.payload.is_empty());
        assert_eq!(failure.error.len(), reason.len());
    }
}
