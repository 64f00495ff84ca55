//! Colors by meaning.

/// A color or weight of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    /// Success.
    Green,
    /// In progress, or a warning.
    Yellow,
    /// Failure.
    Red,
    /// Secondary information.
    Dim,
    /// A heading.
    Bold,
}

impl Color {
    /// The text in this color; unchanged unless `color` is set.
    pub(crate) fn paint(self, text: &str, color: bool) -> String {
        if !color {
            return text.to_owned();
        }
        let code = match self {
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Red => 31,
            Self::Dim => 2,
            Self::Bold => 1,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
