//! Whatever a client sends, it is read, refused or answered, and nothing panics.

use proptest::prelude::*;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Status;

use super::connection_activity::ConnectionActivity;
use super::message::fits;
use super::registered_stream::outbound;
use super::registration::Registration;
use super::stream::{StreamContext, drive};
use super::*;
use crate::framework::DomainMessage;

/// Lets everybody in, as whoever they say.
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
        })
    }
}

/// Bytes that are more or less a message: any, or fields with any content and length.
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

/// Texts of any kind, and those that mean something.
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
    (text(), text(), text(), text()).prop_map(|(domain, type_, payload, request_id)| {
        DomainMessage {
            domain,
            r#type: type_,
            payload,
            request_id,
        }
    })
}

/// Everything that reads what a client sent.
fn read(message: DomainMessage) {
    let _ = HeartbeatPayload::parse(&message.payload);
    if let Ok(registration) = Registration::parse(message.clone()) {
        assert!(!registration.domain.is_empty() && registration.domain.len() <= 255);
    }
    let id = message.request_id.clone();
    let answer = MessageResponse::from_domain(message).into_message(id.clone());
    assert!(answer.success == answer.error.is_empty() || !answer.success);
    assert!(
        fits(&answer) || id.len() > 1024,
        "an answer that can't be passed on"
    );
}

/// A whole stream: every message is taken, and at its end the roster is as before.
fn live(messages: Vec<DomainMessage>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (events, _heard) = mpsc::unbounded_channel();
        let registry = Registry::new(AllowAll, UnimplementedHandler, events);
        let (say, inbound) = mpsc::unbounded_channel::<Result<DomainMessage, Status>>();
        let (sending, hear) = outbound();
        let address = ([127, 0, 0, 1], 1).into();
        let origin = StreamContext {
            token: None,
            local: address,
            peer: address,
            activity: ConnectionActivity::new(),
            guest: None,
        };
        let inbound = UnboundedReceiverStream::new(inbound);
        let driving = tokio::spawn(drive(registry.clone(), origin, inbound, sending));
        let reading = tokio::spawn(async move {
            let mut hear = hear;
            while tokio_stream::StreamExt::next(&mut hear).await.is_some() {}
        });
        for message in messages {
            let asked = registry.send_message(message.clone());
            // A name that was taken gets no answer; it must not wait for ever either.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(60), asked).await;
            let _ = say.send(Ok(message));
        }
        drop(say);
        driving.await.expect("no panic");
        reading.await.expect("its end is told");
        assert!(
            registry.registered().is_empty(),
            "{:?}",
            registry.registered()
        );
    });
}

/// The longest texts that a message may have, of what takes most room when it is shown.
#[tokio::test]
async fn answers_repeat_no_long_text() {
    let (events, _heard) = mpsc::unbounded_channel();
    let registry = Registry::new(AllowAll, UnimplementedHandler, events);
    let long = "\0".repeat(4 * 1024 * 1024 - 64);
    for (domain, type_) in [
        (long.as_str(), "x_request"),
        ("users", &long),
        (&long, "drain"),
        ("", ""),
    ] {
        let answer = registry
            .send_message(DomainMessage {
                domain: domain.to_owned(),
                r#type: type_.to_owned(),
                ..DomainMessage::default()
            })
            .await;
        assert!(answer.error.len() < 1024, "{} bytes", answer.error.len());
        assert!(fits(&answer));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_none(bytes in bytes()) {
        if let Ok(message) = DomainMessage::decode(&bytes[..]) {
            read(message);
        }
    }

    #[test]
    fn any_message_is_read(message in message()) {
        read(message);
    }

    #[test]
    fn any_stream_is_lived_through(messages in prop::collection::vec(message(), 0..12)) {
        live(messages);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000_000))]

    #[test]
    #[ignore = "long: a million cases"]
    fn any_of_a_million_bytes_are_a_message_or_none(bytes in bytes()) {
        if let Ok(message) = DomainMessage::decode(&bytes[..]) {
            read(message);
        }
    }
}
