//! Processes: started from one thread, held by pidfd, signalled and awaited as groups.

mod group;
mod oom;
mod pidfd;
mod running;
mod sockets;
mod spawner;
mod stat;

pub use group::{Member, groups, members};
pub use oom::{OomKill, OomLedger};
pub use pidfd::Bystander;
pub use running::{Process, signal_name, signal_number};
pub use sockets::{Holder, client_of, listener_on, socket_holder, variable_of};
pub use spawner::Spawner;
pub use stat::{Stat, descends_from};
