//! Processes: started from one thread, held by pidfd, signalled and awaited with all they start.

mod census;
pub(crate) mod cgroup;
mod containment;
mod group;
mod hygiene;
mod limits;
mod oom;
mod orphans;
mod pidfd;
mod place;
mod running;
mod signals;
mod sockets;
mod spawner;
mod stat;
mod table;

pub use containment::{Containment, Escaped};
pub use group::{Member, members};
pub use oom::{OomKill, OomLedger};
pub use pidfd::Bystander;
pub use running::Process;
pub use signals::{signal_name, signal_number};
pub use sockets::{Holder, client_of, listener_on, socket_holder, variable_of};
pub use spawner::Spawner;
pub use stat::{Stat, descends_from};
