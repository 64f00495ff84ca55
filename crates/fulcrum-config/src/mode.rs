//! Development or production.

/// What an instance is started for. Some defaults depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Development.
    Dev,
    /// Production.
    Serve,
}
