//! Colors, by what they mean.

/// A way to make text stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    /// All is well.
    Green,
    /// On the way, or worth a look.
    Yellow,
    /// Failed.
    Red,
    /// Beside the point.
    Dim,
    /// A heading.
    Bold,
}

impl Color {
    /// The text in this color, or as it is without `color`.
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
