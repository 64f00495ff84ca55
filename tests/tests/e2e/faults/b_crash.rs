//! Section B: crashes and the restart policy.
