//! A parsed file as a tree with positions.

/// A line and column, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A value and its position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) position: Position,
    pub(crate) value: NodeKind,
}

/// The kind of a value. Scalars stay text: the type of a setting decides what `1.10` or `0123` means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeKind {
    /// An empty value, `~` or `null`.
    Null,
    /// A scalar; `plain` if it is written without quotes.
    Scalar { text: String, plain: bool },
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the file, without duplicates.
    Mapping(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) position: Position,
    pub(crate) value: Node,
}

impl Node {
    /// A scalar that is not from a file.
    pub(crate) fn scalar(text: impl Into<String>) -> Self {
        Self {
            position: Position::default(),
            value: NodeKind::Scalar {
                text: text.into(),
                plain: true,
            },
        }
    }

    /// The entry of a mapping with that key.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            NodeKind::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value's description for a message: `the number 5`, `a list`.
    pub(crate) fn kind(&self) -> String {
        match &self.value {
            NodeKind::Null => "nothing".into(),
            NodeKind::Sequence(_) => "a list".into(),
            NodeKind::Mapping(_) => "a map".into(),
            NodeKind::Scalar { text, plain } => {
                let quoted_text = crate::diagnostic::quoted(text);
                if *plain && text.parse::<f64>().is_ok() {
                    format!("the number {quoted_text}")
                } else if text.is_empty() {
                    "an empty text".into()
                } else {
                    format!("the text {quoted_text}")
                }
            }
        }
    }
}
