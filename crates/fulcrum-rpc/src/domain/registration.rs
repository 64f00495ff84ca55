//! Reads the first message of a stream.

use serde_json::{Value, json};

use super::message::REGISTER;
use super::{CAPABILITY_HEARTBEAT, RegistrationError, RegistrationGrant};
use crate::framework::DomainMessage;

/// The longest name a stream may claim, in bytes.
const MAX_NAME_LEN: usize = 255;

/// What a registration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) domain: String,
    pub(crate) capabilities: Vec<String>,
    pub(crate) request_id: String,
}

impl Registration {
    /// Reads a stream's first message.
    ///
    /// The name is the field `domain`; the payload's name counts only where that is empty,
    /// since every later message is attributed by the field too. A payload that is missing
    /// or odd means no capabilities.
    ///
    /// # Errors
    /// The refusal, where the message is no registration or names nobody.
    pub(crate) fn parse(message: DomainMessage) -> Result<Self, RegistrationError> {
        if message.r#type != REGISTER {
            return Err(RegistrationError::FailedPrecondition(format!(
                "the first message on a stream must be {REGISTER:?}, not {:?}",
                truncate(&message.r#type)
            )));
        }
        let payload: Value = serde_json::from_str(&message.payload).unwrap_or_default();
        let named = payload
            .get("domain")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let domain = if message.domain.is_empty() {
            named.to_owned()
        } else {
            message.domain
        };
        if domain.is_empty() {
            return Err(RegistrationError::InvalidArgument(
                "the registration names no domain: set the field `domain`".into(),
            ));
        }
        if domain.len() > MAX_NAME_LEN || domain.chars().any(char::is_control) {
            return Err(RegistrationError::InvalidArgument(format!(
                "the registration's name {:?} is longer than {MAX_NAME_LEN} bytes or holds control characters",
                truncate(&domain)
            )));
        }
        if !named.is_empty() && named != domain {
            tracing::warn!(
                "domain {domain:?} registers with another name in its payload, {:?}; the field `domain` counts",
                truncate(named)
            );
        }
        let capabilities = payload.get("capabilities").and_then(Value::as_array);
        let capabilities = capabilities
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .take(64)
            .map(str::to_owned)
            .collect();
        Ok(Self {
            domain,
            capabilities,
            request_id: message.request_id,
        })
    }

    /// The payload of the answer to a registration that was granted.
    pub(crate) fn answer(&self, admission: &RegistrationGrant) -> String {
        let mut payload = json!({"status": "registered"});
        let can = self
            .capabilities
            .iter()
            .any(|name| name == CAPABILITY_HEARTBEAT);
        if let (true, Some(interval)) = (can, admission.heartbeat_interval) {
            let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
            payload["heartbeat_interval_ms"] = millis.into();
        }
        payload.to_string()
    }
}

/// Enough of a stranger's text for a message about it.
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
        for odd in ["", "{", "[]", "7", r#"{"domain":7}"#] {
            assert_eq!(name("users", odd), Ok("users".into()), "{odd}");
            assert!(
                matches!(name("", odd), Err(RegistrationError::InvalidArgument(_))),
                "{odd}"
            );
        }
        assert!(name("a\nb", "").is_err());
        assert!(name(&"n".repeat(300), "").is_err());
    }

    #[test]
    fn another_type_is_refused_by_name() {
        let refusal = Registration::parse(message("users", "db_find", "{}"));
        let Err(RegistrationError::FailedPrecondition(text)) = refusal else {
            panic!("{refusal:?}")
        };
        assert!(
            text.contains("domain_register") && text.contains("db_find"),
            "{text}"
        );
    }

    #[test]
    fn only_a_client_with_the_capability_hears_of_heartbeats() {
        let admission = RegistrationGrant {
            generation: 1,
            managed: true,
            pid: None,
            heartbeat_interval: Some(Duration::from_secs(2)),
        };
        let answer = |payload| {
            Registration::parse(message("users", REGISTER, payload)).map(|r| r.answer(&admission))
        };
        assert_eq!(
            answer(r#"{"capabilities":["db_operations"]}"#),
            Ok(r#"{"status":"registered"}"#.into())
        );
        assert_eq!(
            answer(r#"{"capabilities":["heartbeat",3]}"#),
            Ok(r#"{"status":"registered","heartbeat_interval_ms":2000}"#.into())
        );
    }
}
