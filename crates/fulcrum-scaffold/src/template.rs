//! What a new app consists of.

/// What a new app consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Domains with one handler each.
    Minimal,
    /// Two domains, `catalog` and `orders`, of which one calls the other.
    Shop,
}
