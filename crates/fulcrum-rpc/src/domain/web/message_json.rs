//! The messages of `SendMessage` as JSON. <https://protobuf.dev/programming-guides/json/>

use serde::{Deserialize, Serialize};

use crate::framework::{DomainMessage, RuntimeMessage};

/// Reads a request. Unknown keys are ignored, as other Connect servers do.
pub(super) fn decode(bytes: &[u8]) -> Result<DomainMessage, String> {
    /// `null` is the default in protobuf's JSON.
    #[derive(Deserialize)]
    struct Json {
        domain: Option<String>,
        r#type: Option<String>,
        payload: Option<String>,
        #[serde(rename = "requestId", alias = "request_id")]
        request_id: Option<String>,
    }
    let message: Json = serde_json::from_slice(bytes).map_err(|error| {
        format!(
            r#"the message is not {{"domain": TEXT, "type": TEXT, "payload": JSON TEXT}}: {error}"#
        )
    })?;
    Ok(DomainMessage {
        domain: message.domain.unwrap_or_default(),
        r#type: message.r#type.unwrap_or_default(),
        payload: message.payload.unwrap_or_default(),
        request_id: message.request_id.unwrap_or_default(),
        more: false,
    })
}

/// Writes a response. Its texts and `success` are always there, for callers without a schema.
pub(super) fn encode(message: &RuntimeMessage) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Json<'a> {
        r#type: &'a str,
        payload: &'a str,
        request_id: &'a str,
        success: bool,
        error: &'a str,
    }
    let message = Json {
        r#type: &message.r#type,
        payload: &message.payload,
        request_id: &message.request_id,
        success: message.success,
        error: &message.error,
    };
    serde_json::to_vec(&message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_written_in_both_ways() {
        for name in ["requestId", "request_id"] {
            let text = format!(
                r#"{{"domain":"users","type":"t","payload":"{{}}","{name}":"7","other":[1]}}"#
            );
            let message = decode(text.as_bytes()).expect("valid");
            assert_eq!(
                (message.domain.as_str(), message.payload.as_str()),
                ("users", "{}")
            );
            assert_eq!(message.request_id, "7");
        }
        assert_eq!(decode(b"{}"), Ok(DomainMessage::default()));
        assert_eq!(decode(br#"{"domain":null}"#), Ok(DomainMessage::default()));
    }

    #[test]
    fn a_payload_that_is_no_text_is_named() {
        let error = decode(br#"{"domain":"users","payload":{"a":1}}"#).expect_err("an object");
        assert!(
            error.contains("JSON TEXT") && error.contains("column"),
            "{error}"
        );
    }

    #[test]
    fn a_response_has_all_its_texts() {
        let message = RuntimeMessage {
            r#type: "t".into(),
            success: true,
            ..RuntimeMessage::default()
        };
        let expected = r#"{"type":"t","payload":"","requestId":"","success":true,"error":""}"#;
        assert_eq!(String::from_utf8(encode(&message)).as_deref(), Ok(expected));
    }
}
