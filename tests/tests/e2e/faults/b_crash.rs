//! Section B: crashes and the restart policy.

mod commands;
mod crowd;
mod order;
mod restart;
