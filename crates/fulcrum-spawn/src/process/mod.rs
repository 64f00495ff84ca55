//! Processes: started from one thread, held by pidfd, signalled and awaited as groups.

mod belonging;
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "its callers come with the next commits")
)]
pub(crate) mod cgroup;
mod group;
mod guard;
mod pidfd;
mod record;
mod run_id;
mod running;
mod sockets;
mod spawner;
mod stat;
mod sweep;

pub use group::{Member, groups, members};
pub use guard::{Dismissed, Guard, stand_guard};
pub use pidfd::Bystander;
pub use record::{Past, PastLife, Record};
pub use run_id::RunId;
pub use running::{Process, signal_name, signal_number};
pub use sockets::{Holder, client_of, listener_on};
pub use spawner::Spawner;
pub use stat::{Stat, descends_from};
pub use sweep::{Leftover, Swept, sweep};
