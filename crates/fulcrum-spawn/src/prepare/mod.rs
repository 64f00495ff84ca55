//! What must be so before a domain can start.
