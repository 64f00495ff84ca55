//! Processes: started from one thread, held by pidfd, signalled and awaited with all they start.

mod belonging;
mod census;
pub(crate) mod cgroup;
mod containment;
mod evidence;
mod group;
mod guard;
mod hygiene;
mod limits;
mod oom;
mod orphans;
mod pidfd;
mod place;
mod record;
mod run_id;
mod running;
mod signals;
mod sockets;
mod spawner;
mod stat;
mod sweep;
mod table;

pub use containment::{Containment, Escaped};
pub use evidence::{Look, Seen, catches, kernel_stack, program_of, waits_in};
pub use group::{Member, members};
pub use guard::{Dismissed, Guard, stand_guard};
pub use oom::{OomKill, OomLedger};
pub use pidfd::Bystander;
pub use record::{Past, PastLife, Record};
pub use run_id::RunId;
pub use running::Process;
pub use signals::{signal_name, signal_number};
pub use sockets::{Holder, client_of, listener_on, socket_holder, variable_of};
pub use spawner::Spawner;
pub use stat::{Stat, descends_from};
pub use sweep::{Leftover, Swept, sweep};
