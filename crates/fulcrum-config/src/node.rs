//! A parsed file as a tree in which everything knows its place.

/// Line and column, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A value and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) spot: Spot,
    pub(crate) value: Content,
}

/// What is written there. Scalars stay text: what `1.10` or `0123` means is decided by the setting
/// that it is for, not by the way it looks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Nothing, `~` or `null`.
    Nothing,
    /// A scalar; `plain` when written without quotes.
    Text { text: String, plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written, without duplicates.
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) spot: Spot,
    pub(crate) value: Node,
}

impl Node {
    /// A text that comes from elsewhere than a file.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            spot: Spot::default(),
            value: Content::Text {
                text: text.into(),
                plain: true,
            },
        }
    }

    /// The entry of that name, if this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// What is there, in words for a message: `the number 5`, `a list`.
    pub(crate) fn kind(&self) -> String {
        match &self.value {
            Content::Nothing => "nothing".into(),
            Content::List(_) => "a list".into(),
            Content::Map(_) => "a map".into(),
            Content::Text { text, plain } => {
                let shown = crate::problem::quoted(text);
                if *plain && text.parse::<f64>().is_ok() {
                    format!("the number {shown}")
                } else if text.is_empty() {
                    "an empty text".into()
                } else {
                    format!("the text {shown}")
                }
            }
        }
    }
}
