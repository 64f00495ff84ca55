//! The names of calls. They are texts of callers, who may make up any number of them, but most calls
//! have one of a few names.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The most names that are shared.
const MAX_SHARED: usize = 1024;

/// What is called: a domain, and the type of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallName {
    /// Both, with a slash between them.
    text: Arc<str>,
    domain: usize,
}

impl CallName {
    /// The name of a call of this domain with a message of this type.
    #[must_use]
    pub fn new(domain: &str, type_: &str) -> Self {
        Self {
            text: format!("{domain}/{type_}").into(),
            domain: domain.len(),
        }
    }

    /// The domain that is called.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.text[..self.domain]
    }

    /// The type of the message.
    #[must_use]
    pub fn message_type(&self) -> &str {
        &self.text[self.domain + 1..]
    }

    /// Both, with a slash between them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The names of the calls so far, each once.
#[derive(Debug, Default)]
pub struct CallNames {
    shared: RwLock<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// By domain and type.
    names: HashMap<String, HashMap<String, CallName>>,
    count: usize,
}

impl CallNames {
    /// The name of a call of this domain with a message of this type.
    #[must_use]
    pub fn get(&self, domain: &str, type_: &str) -> CallName {
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        let known = shared.names.get(domain).and_then(|of| of.get(type_));
        if let Some(name) = known {
            return name.clone();
        }
        let is_full = shared.count >= MAX_SHARED;
        drop(shared);
        let name = CallName::new(domain, type_);
        if !is_full {
            let shared = &mut *self.shared.write().unwrap_or_else(PoisonError::into_inner);
            let names = shared.names.entry(domain.to_owned()).or_default();
            let before = names.insert(type_.to_owned(), name.clone());
            shared.count += usize::from(before.is_none());
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_share_their_names_and_made_up_ones_take_no_memory() {
        let names = CallNames::default();
        let first = names.get("orders", "create");
        assert_eq!((first.domain(), first.message_type()), ("orders", "create"));
        assert!(Arc::ptr_eq(
            &first.text,
            &names.get("orders", "create").text
        ));
        for number in 0..2 * MAX_SHARED {
            let type_ = format!("made_up_{number}");
            assert_eq!(names.get("orders", &type_).message_type(), type_);
        }
        let shared = names.shared.read().expect("not poisoned");
        assert_eq!(shared.count, MAX_SHARED);
        assert_eq!(shared.names["orders"].len(), MAX_SHARED);
    }
}
