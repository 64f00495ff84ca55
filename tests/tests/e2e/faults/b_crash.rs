//! Section B: crashes and the restart policy.

mod commands;
mod mass_crash;
mod order;
mod restart;
