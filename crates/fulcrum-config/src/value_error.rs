//! The error of an invalid value.

use crate::code::Code;
use crate::node::Node;

/// Why a value is invalid.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValueError {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl ValueError {
    /// The value has the wrong type.
    pub(crate) fn expected(what: &str, found: &Node) -> Self {
        Self {
            code: Code::WrongType,
            message: format!("expected {what}, found {}", found.kind()),
            hint: None,
        }
    }

    /// The value has the right type but is invalid.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: Code::InvalidValue,
            message: message.into(),
            hint: None,
        }
    }

    /// Sets the hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
