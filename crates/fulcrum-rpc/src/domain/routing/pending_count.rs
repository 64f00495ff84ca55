//! How many calls a domain has to respond to.

/// The calls of a domain that have no response yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PendingCalls {
    /// Those that wait until the domain reads them, or is there.
    pub waiting: usize,
    /// Those that the domain has received.
    pub in_flight: usize,
}
