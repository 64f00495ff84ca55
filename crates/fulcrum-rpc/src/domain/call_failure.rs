//! Why a call has no response.

use super::message_response::{FailureCode, MessageResponse};

/// Why there is no response.
pub(crate) struct CallFailure {
    pub(crate) code: FailureCode,
    pub(crate) text: String,
}

impl CallFailure {
    pub(crate) fn new(code: FailureCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code, text }
    }

    pub(crate) fn unavailable(text: String) -> Self {
        Self::new(FailureCode::Unavailable, text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_failure(self) -> MessageResponse {
        MessageResponse::failure(self.code, self.text)
    }
}
