//! Why a value is rejected.

use crate::node::Node;

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValueError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl ValueError {
    /// The value is of another type than it should be.
    pub(crate) fn expected(what: &str, found: &Node) -> Self {
        Self {
            code: "wrong-type",
            message: format!("expected {what}, found {}", found.kind()),
            hint: None,
        }
    }

    /// The value is of the right type but makes no sense.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: "invalid-value",
            message: message.into(),
            hint: None,
        }
    }

    /// The same refusal with something to try.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
