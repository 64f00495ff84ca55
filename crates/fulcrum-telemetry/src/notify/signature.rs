//! The signature of a body, by the specification of Standard Webhooks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How a key begins that is written in base64.
const PREFIX: &str = "whsec_";

/// The value of the header `webhook-signature`: an HMAC with SHA-256 of id, time and body. A secret
/// that begins with `whsec_` is base64; any other one is the key itself.
pub(super) fn signature(secret: &str, id: &str, timestamp: u64, body: &str) -> String {
    let decoded = secret
        .strip_prefix(PREFIX)
        .and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key may have any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn any_text_may_be_the_secret() {
        let plain = signature("hunter2", "msg_1", 1, "{}");
        assert_ne!(plain, signature("hunter3", "msg_1", 1, "{}"));
        assert_ne!(plain, signature("hunter2", "msg_1", 2, "{}"));
        assert_ne!(plain, signature("hunter2", "msg_1", 1, "{} "));
        assert!(signature("whsec_not base64", "msg_1", 1, "").starts_with("v1,"));
    }
}
