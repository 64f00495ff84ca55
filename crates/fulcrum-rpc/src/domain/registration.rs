//! Parses the first message of a stream.

use serde_json::{Value, json};

use super::authorization::{RegistrationError, RegistrationGrant, StopNotice};
use super::capabilities::{
    CAPABILITY_DRAIN, CAPABILITY_HEARTBEAT, CAPABILITY_LARGE_MESSAGES, CAPABILITY_SPAN_TABLES,
    CAPABILITY_TRACE,
};
use super::message::REGISTER;
use crate::code::WarningCode;
use crate::framework::DomainMessage;

/// The longest name that a stream may register, in bytes.
const MAX_NAME_LEN: usize = 255;

/// The most message types that a registration may name.
const MAX_TYPES: usize = 1_000;

/// What a client says of itself in its registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientFeatures {
    pub(crate) capabilities: Vec<String>,
    /// The types of the requests that it handles, if it names them.
    pub(crate) types: Vec<String>,
}

impl ClientFeatures {
    fn parse(payload: &Value) -> Self {
        let texts = |key, limit| {
            let texts = payload.get(key).and_then(Value::as_array);
            let texts = texts.into_iter().flatten().filter_map(Value::as_str);
            texts.take(limit).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut types = texts("types", MAX_TYPES);
        types.retain(|type_| type_.len() <= MAX_NAME_LEN && !type_.chars().any(char::is_control));
        types.sort();
        Self {
            capabilities: texts("capabilities", 64),
            types,
        }
    }

    pub(crate) fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|name| name == capability)
    }
}

/// The content of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) domain: String,
    pub(crate) client: ClientFeatures,
    pub(crate) request_id: String,
}

impl Registration {
    /// Parses a stream's first message.
    ///
    /// The name is the field `domain`. The name in the payload counts only if the field is
    /// empty. A payload that is missing or malformed means no capabilities and no types.
    ///
    /// # Errors
    /// If the message is not a registration, or has no valid name.
    pub(crate) fn parse(message: DomainMessage) -> Result<Self, RegistrationError> {
        if message.r#type != REGISTER {
            return Err(RegistrationError::FailedPrecondition(format!(
                "the first message on a stream must be {REGISTER:?}, not {:?}",
                truncate(&message.r#type)
            )));
        }
        let payload: Value = serde_json::from_str(&message.payload).unwrap_or_default();
        let payload_name = payload
            .get("domain")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let domain = if message.domain.is_empty() {
            payload_name.to_owned()
        } else {
            message.domain
        };
        if domain.is_empty() {
            return Err(RegistrationError::InvalidArgument(
                "no domain in the registration: set the field `domain`".into(),
            ));
        }
        if domain.len() > MAX_NAME_LEN || domain.chars().any(char::is_control) {
            return Err(RegistrationError::InvalidArgument(format!(
                "invalid domain name {:?}: longer than {MAX_NAME_LEN} bytes or with control characters",
                truncate(&domain)
            )));
        }
        if !payload_name.is_empty() && payload_name != domain {
            tracing::warn!(
                code = %WarningCode::OtherName,
                "domain {domain:?} registers with another name in its payload, {:?}; the field `domain` is used",
                truncate(payload_name)
            );
        }
        Ok(Self {
            domain,
            client: ClientFeatures::parse(&payload),
            request_id: message.request_id,
        })
    }

    /// The payload of the response to an accepted registration. `max_message` is the size limit,
    /// `takes_spans` whether the client's spans are wanted.
    pub(crate) fn response_payload(
        &self,
        grant: &RegistrationGrant,
        max_message: usize,
        takes_spans: bool,
    ) -> String {
        let has = |capability| self.client.has(capability);
        let mut payload = json!({"status": "registered"});
        if let (true, Some(interval)) = (has(CAPABILITY_HEARTBEAT), grant.heartbeat_interval) {
            let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
            payload["heartbeat_interval_ms"] = millis.into();
        }
        if has(CAPABILITY_LARGE_MESSAGES) {
            payload["max_message_bytes"] = max_message.into();
        }
        if takes_spans && has(CAPABILITY_TRACE) {
            payload["spans"] = true.into();
            if has(CAPABILITY_SPAN_TABLES) {
                payload["span_tables"] = true.into();
            }
        }
        if let (true, Some(StopNotice { signal, grace })) = (has(CAPABILITY_DRAIN), &grant.stop) {
            let millis = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
            payload["stop_grace_ms"] = millis.into();
            payload["stop_signal"] = signal.as_str().into();
        }
        payload.to_string()
    }
}

/// The first 64 characters of a client's text, for a message.
pub(crate) fn truncate(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn message(domain: &str, type_: &str, payload: &str) -> DomainMessage {
        DomainMessage {
            domain: domain.into(),
            r#type: type_.into(),
            payload: payload.into(),
            request_id: "r1".into(),
            more: false,
        }
    }

    #[test]
    fn the_name_is_the_field_then_the_payload() {
        let name = |domain, payload| {
            Registration::parse(message(domain, REGISTER, payload)).map(|r| r.domain)
        };
        assert_eq!(name("users", r#"{"domain":"users"}"#), Ok("users".into()));
        assert_eq!(name("users", r#"{"domain":"orders"}"#), Ok("users".into()));
        assert_eq!(name("", r#"{"domain":"orders"}"#), Ok("orders".into()));
        for malformed in ["", "{", "[]", "7", r#"{"domain":7}"#] {
            assert_eq!(name("users", malformed), Ok("users".into()), "{malformed}");
            assert!(
                matches!(
                    name("", malformed),
                    Err(RegistrationError::InvalidArgument(_))
                ),
                "{malformed}"
            );
        }
        assert!(name("a\nb", "").is_err());
        assert!(name(&"n".repeat(300), "").is_err());
    }

    #[test]
    fn another_type_is_rejected_by_name() {
        let rejected = Registration::parse(message("users", "db_find", "{}"));
        let Err(RegistrationError::FailedPrecondition(text)) = rejected else {
            panic!("{rejected:?}")
        };
        assert!(
            text.contains("domain_register") && text.contains("db_find"),
            "{text}"
        );
    }

    #[test]
    fn only_a_client_with_the_capability_receives_what_belongs_to_it() {
        let grant = RegistrationGrant {
            generation: 1,
            managed: true,
            pid: None,
            heartbeat_interval: Some(Duration::from_secs(2)),
            stop: Some(StopNotice {
                signal: "SIGINT".to_owned(),
                grace: Duration::from_millis(700),
            }),
        };
        let answer = |payload, takes_spans| {
            Registration::parse(message("users", REGISTER, payload))
                .map(|registration| registration.response_payload(&grant, 1000, takes_spans))
        };
        let response = |payload| answer(payload, false);
        assert_eq!(
            response(r#"{"capabilities":["db_operations"]}"#),
            Ok(r#"{"status":"registered"}"#.into())
        );
        assert_eq!(
            response(r#"{"capabilities":["heartbeat",3]}"#),
            Ok(r#"{"status":"registered","heartbeat_interval_ms":2000}"#.into())
        );
        assert_eq!(
            response(r#"{"capabilities":["large_messages"]}"#),
            Ok(r#"{"status":"registered","max_message_bytes":1000}"#.into())
        );
        assert_eq!(
            response(r#"{"capabilities":["drain"]}"#),
            Ok(r#"{"status":"registered","stop_grace_ms":700,"stop_signal":"SIGINT"}"#.into())
        );
        let tables = r#"{"capabilities":["trace","span_tables"]}"#;
        assert_eq!(response(tables), Ok(r#"{"status":"registered"}"#.into()));
        assert_eq!(
            answer(r#"{"capabilities":["trace"]}"#, true),
            Ok(r#"{"status":"registered","spans":true}"#.into())
        );
        assert_eq!(
            answer(tables, true),
            Ok(r#"{"status":"registered","spans":true,"span_tables":true}"#.into())
        );
    }
}
