//! The method of a new handler.

use std::fmt;

use crate::language::Language;
use crate::name::{request_type_of, singular};
use crate::text::fill;

/// A handler: the method, and the type of the messages that it handles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handler {
    /// The method's name, such as `userCreateHandler`.
    pub method: String,
    /// The message type, such as `user_create_request`.
    pub request_type: String,
}

/// Why a text names no handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerError {
    type_: String,
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a message type: use letters, digits and `_`, starting with a letter, such as \
             `create` or `user_create_request`",
            self.type_
        )
    }
}

impl std::error::Error for HandlerError {}

impl Handler {
    /// The handler that `type_` means in a domain: the whole type (`user_create_request`), the type
    /// without its end (`user_create`), a method (`userCreateHandler`, `userCreate`), or one word such
    /// as `create`, which is about the domain's thing: `users` has `user_create_request`.
    ///
    /// # Errors
    /// The text is not the name of a type.
    pub fn named(domain: &str, type_: &str) -> Result<Self, HandlerError> {
        let error = || HandlerError {
            type_: type_.to_owned(),
        };
        let is_name = type_.starts_with(|c: char| c.is_ascii_alphabetic())
            && type_
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !is_name {
            return Err(error());
        }
        let plain = type_.replace('-', "_");
        let stem = ["_request", "_handler", "Handler"]
            .iter()
            .find_map(|end| plain.strip_suffix(end))
            .filter(|stem| !stem.is_empty())
            .unwrap_or(&plain);
        // The package's own rule tells where the words are.
        let request_type = request_type_of(&format!("{stem}Handler")).ok_or_else(error)?;
        let stem = request_type.strip_suffix("_request").unwrap_or_default();
        let thing = singular(domain);
        // A domain such as `2fa` cannot begin the name of a method.
        let is_about_thing =
            !stem.contains('_') && thing.starts_with(|c: char| c.is_ascii_alphabetic());
        let stem = match is_about_thing && stem != thing {
            true => format!("{thing}_{stem}"),
            false => stem.to_owned(),
        };
        Ok(Self {
            method: method_of(&stem),
            request_type: format!("{stem}_request"),
        })
    }

    /// The text of a file with this handler at the end of a class.
    ///
    /// `end` is the byte offset behind the last member, or behind the opening brace of a class that
    /// `is_empty`; members are indented by `indent`.
    #[must_use]
    pub fn insert(&self, text: &str, class: ClassPosition<'_>, language: Language) -> String {
        let ClassPosition {
            end,
            indent,
            is_empty,
        } = class;
        let (before, after) = text.split_at(end);
        let mut inserted = before.to_owned();
        inserted.push('\n');
        if !is_empty {
            inserted.push('\n');
        }
        inserted.push_str(self.code(language, indent).trim_end());
        let has_line_end = after
            .chars()
            .take_while(|c| c.is_whitespace())
            .any(|c| c == '\n');
        if !has_line_end {
            inserted.push('\n');
        }
        inserted.push_str(after);
        inserted
    }

    /// The method's code, each line indented.
    fn code(&self, language: Language, indent: &str) -> String {
        let template = match language {
            Language::TypeScript => include_str!("../templates/handler.ts"),
            Language::JavaScript => include_str!("../templates/handler.js"),
        };
        let words = [
            ("method", self.method.as_str()),
            ("request_type", &self.request_type),
        ];
        let mut code = String::new();
        // The template is indented by two spaces for each level.
        for line in fill(template, &words).lines() {
            let rest = line.trim_start_matches(' ');
            let level = (line.len() - rest.len()) / 2 + 1;
            code.extend(std::iter::repeat_n(indent, level));
            code.push_str(rest);
            code.push('\n');
        }
        code
    }
}

/// Where a class ends in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassPosition<'a> {
    /// The byte offset behind the last member, or behind the opening brace.
    pub end: usize,
    /// What members are indented by.
    pub indent: &'a str,
    /// Whether it has no members.
    pub is_empty: bool,
}

/// The method that handles a type, without `_request`. A word that begins with a digit keeps its `_`,
/// and so do all words if some are single letters, whose capitals would be one word.
fn method_of(stem: &str) -> String {
    let mut method = String::with_capacity(stem.len() + 7);
    for (at, word) in stem.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if at > 0 && first.is_ascii_lowercase() => {
                method.push(first.to_ascii_uppercase());
            }
            first => {
                if at > 0 {
                    method.push('_');
                }
                method.extend(first);
            }
        }
        method.push_str(letters.as_str());
    }
    method.push_str("Handler");
    let handled = request_type_of(&method);
    match handled.and_then(|type_| Some(type_.strip_suffix("_request")? == stem)) {
        Some(true) => method,
        _ => format!("{stem}_handler"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_way_to_name_a_handler_means_the_same() {
        for type_ in [
            "create",
            "user_create",
            "user-create",
            "userCreate",
            "user_create_request",
            "userCreateHandler",
            "user_create_handler",
        ] {
            let handler = Handler::named("users", type_).expect(type_);
            assert_eq!(handler.method, "userCreateHandler", "{type_}");
            assert_eq!(handler.request_type, "user_create_request", "{type_}");
        }
        let handler = Handler::named("2fa", "verify").expect("a handler");
        assert_eq!(handler.request_type, "verify_request");
    }

    #[test]
    fn what_is_no_type_is_an_error() {
        for type_ in ["", "1create", "create it", "_create", "créer"] {
            assert!(Handler::named("users", type_).is_err(), "{type_}");
        }
    }

    #[test]
    fn the_code_is_inserted_behind_the_last_member_and_indented_as_it_is() {
        let handler = Handler::named("users", "create").expect("a handler");
        let insert = |text: &str, end: &str, indent, is_empty| {
            let class = ClassPosition {
                end: text.find(end).expect(end) + end.len(),
                indent,
                is_empty,
            };
            handler.insert(text, class, Language::JavaScript)
        };
        let tabs = insert("class A {\n\ta() {}\n}\nmore\n", "a() {}", "\t", false);
        let expected = "class A {\n\ta() {}\n\n\t// Handles messages of the type user_create_request.\n\tasync userCreateHandler(payload) {\n\t\treturn { success: true, received: payload };\n\t}\n}\nmore\n";
        assert_eq!(tabs, expected);
        let empty = insert("class A {}\n", "{", "  ", true);
        assert!(empty.starts_with("class A {\n  // Handles"), "{empty}");
        assert!(empty.ends_with("\n  }\n}\n"), "{empty}");
    }

    proptest! {
        #[test]
        fn the_method_handles_its_type(domain in "[a-z][a-z0-9_-]{0,12}", type_ in "[a-zA-Z][a-zA-Z0-9]{0,6}(_[a-z0-9]{1,5}){0,3}") {
            let handler = Handler::named(&domain, &type_).expect("a handler");
            let handled = request_type_of(&handler.method);
            prop_assert_eq!(handled, Some(handler.request_type));
        }
    }
}
