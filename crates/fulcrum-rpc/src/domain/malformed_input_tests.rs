//! Any input of a client is parsed, rejected or answered, without a panic.

use proptest::prelude::*;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Status;

use super::call_observer::Caller;
use super::connection_activity::ConnectionActivity;
use super::registered_stream::outbound;
use super::registration::Registration;
use super::stream::{StreamContext, drive};
use super::tests::PATIENT;
use super::*;
use crate::framework::{DomainMessage, RuntimeMessage};

const MAX_MESSAGE: usize = 4 * 1024 * 1024;

fn fits(message: &RuntimeMessage) -> bool {
    message.encoded_len() <= MAX_MESSAGE
}

/// Accepts every registration.
struct AllowAll;

impl RegistrationAuthorizer for AllowAll {
    async fn authorize(
        &self,
        _: RegistrationRequest,
    ) -> Result<RegistrationGrant, RegistrationError> {
        Ok(RegistrationGrant {
            generation: 1,
            managed: true,
            pid: None,
            heartbeat_interval: None,
            stop: None,
        })
    }
}

/// Bytes that resemble a message: arbitrary ones, or fields with any content and length.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let field = (
        0..8_u8,
        0..6_u8,
        prop::collection::vec(any::<u8>(), 0..40),
        any::<u8>(),
    );
    let fields = prop::collection::vec(field, 0..8).prop_map(|fields| {
        let one = |(number, kind, content, length): (u8, u8, Vec<u8>, u8)| {
            [vec![number << 3 | kind, length], content].concat()
        };
        fields.into_iter().flat_map(one).collect()
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..200), fields]
}

/// Arbitrary texts, and those with a meaning in the protocol.
fn text() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 12] = [
        "",
        "users",
        "domain_register",
        "register_success",
        "heartbeat",
        "drain",
        "error",
        "x_request",
        "x_response",
        "{",
        r#"{"success":false}"#,
        r#"{"capabilities":[1,null,"heartbeat"]}"#,
    ];
    prop_oneof![
        any::<String>(),
        prop::sample::select(&KNOWN[..]).prop_map(str::to_owned),
        json().prop_map(|value| value.to_string()),
        (0..3_u32).prop_map(|power| "\u{1f980}\0".repeat(100_usize.pow(power))),
    ]
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![
            any::<String>(),
            prop::sample::select(&["success", "error", "domain", "capabilities", "seq"][..])
                .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn message() -> impl Strategy<Value = DomainMessage> {
    let texts = (text(), text(), text(), text());
    (texts, any::<bool>()).prop_map(
        |((domain, type_, payload, request_id), more)| DomainMessage {
            domain,
            r#type: type_,
            payload,
            request_id,
            more,
        },
    )
}

/// Runs every parser of client input.
fn parse_all(message: DomainMessage) {
    let _ = HeartbeatPayload::parse(&message.payload);
    if let Ok(registration) = Registration::parse(message.clone()) {
        assert!(!registration.domain.is_empty() && registration.domain.len() <= 255);
    }
    let id = message.request_id.clone();
    let response = MessageResponse::from_domain(message, MAX_MESSAGE).into_message(id.clone());
    assert!(response.success == response.error.is_empty() || !response.success);
    assert!(
        fits(&response) || id.len() > 1024,
        "a response that cannot be sent"
    );
}

/// Drives a whole stream: every message is handled, and at its end no domain is registered.
fn drive_stream(messages: Vec<DomainMessage>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (events, _receiver) = mpsc::unbounded_channel();
        let registry = Registry::new(AllowAll, UnimplementedHandler, events);
        let (messages_in, inbound) = mpsc::unbounded_channel::<Result<DomainMessage, Status>>();
        let (sender, mut responses) = outbound();
        let address = ([127, 0, 0, 1], 1).into();
        let context = StreamContext {
            token: None,
            local: address,
            peer: address,
            activity: ConnectionActivity::new(),
            connection: None,
        };
        let inbound = UnboundedReceiverStream::new(inbound);
        let driving = tokio::spawn(drive(registry.clone(), context, inbound, sender));
        let reading = tokio::spawn(async move {
            while tokio_stream::StreamExt::next(&mut responses)
                .await
                .is_some()
            {}
        });
        for message in messages {
            let call = registry.send_message(message.clone(), None, (PATIENT, Caller::default()));
            // A registered domain does not respond; the call must still end.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(60), call).await;
            let _ = messages_in.send(Ok(message));
        }
        drop(messages_in);
        driving.await.expect("no panic");
        reading.await.expect("no panic");
        assert!(
            registry.registered().is_empty(),
            "{:?}",
            registry.registered()
        );
    });
}

/// With the longest possible texts, of the character that is longest when escaped.
#[tokio::test]
async fn failures_do_not_repeat_long_texts() {
    let (events, _receiver) = mpsc::unbounded_channel();
    let registry = Registry::new(AllowAll, UnimplementedHandler, events);
    let long = "\0".repeat(4 * 1024 * 1024 - 64);
    for (domain, type_) in [
        (long.as_str(), "x_request"),
        ("users", &long),
        (&long, "drain"),
        ("", ""),
    ] {
        let response = registry
            .send_message(
                DomainMessage {
                    domain: domain.to_owned(),
                    r#type: type_.to_owned(),
                    ..DomainMessage::default()
                },
                None,
                (PATIENT, Caller::default()),
            )
            .await
            .expect("a failure is a response");
        assert!(
            response.error.len() < 1024,
            "{} bytes",
            response.error.len()
        );
        assert!(fits(&response));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_rejected(bytes in bytes()) {
        if let Ok(message) = DomainMessage::decode(&bytes[..]) {
            parse_all(message);
        }
    }

    #[test]
    fn any_message_is_parsed(message in message()) {
        parse_all(message);
    }

    #[test]
    fn any_stream_is_driven_to_its_end(messages in prop::collection::vec(message(), 0..12)) {
        drive_stream(messages);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000_000))]

    #[test]
    #[ignore = "long: a million cases"]
    fn a_million_byte_strings_are_decoded_or_rejected(bytes in bytes()) {
        if let Ok(message) = DomainMessage::decode(&bytes[..]) {
            parse_all(message);
        }
    }
}
