//! Processes: started from one thread, held by pidfd, signalled and awaited as groups.

#[cfg_attr(
    not(test),
    allow(dead_code, reason = "its callers come with the next commits")
)]
pub(crate) mod cgroup;
mod group;
mod pidfd;
mod running;
mod sockets;
mod spawner;
mod stat;

pub use group::{Member, groups, members};
pub use pidfd::Bystander;
pub use running::{Process, signal_name, signal_number};
pub use sockets::{Holder, client_of, listener_on};
pub use spawner::Spawner;
pub use stat::{Stat, descends_from};
