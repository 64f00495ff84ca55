//! The terminal on which the lines of domains are shown.

/// The terminal on which the lines of domains are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputTerminal {
    /// Whether it shows colors, and the user wants them.
    pub color: bool,
    /// Its columns at the start, if they are known.
    pub columns: Option<u16>,
}
