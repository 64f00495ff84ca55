//! Section F: the control plane: one instance per app, its lock and socket, its clients.

mod clients;
mod instances;
mod runtime_dir;
