//! What a domain said: framing, ring, followers, terminal.
