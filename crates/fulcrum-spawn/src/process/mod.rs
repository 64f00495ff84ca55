//! Processes: started from one thread, held by pidfd, signaled and awaited with their whole tree.

mod attribution;
mod capture;
pub(crate) mod cgroup;
mod cgroup_limits;
mod child;
mod descriptor_slots;
mod footprint;
mod group;
mod guard;
mod guard_supervisor;
mod inspect;
mod listeners;
mod mountinfo;
mod oom;
mod oom_monitor;
mod own_cgroup;
mod pidfd;
mod pre_exec;
mod process_tree;
mod pty;
mod replace;
mod rlimit;
mod run_id;
mod run_record;
mod sockets;
mod spawn_error;
mod spawned;
mod spawner;
mod stale;
mod stale_ownership;
mod stale_report;
mod started_by;
mod stat;
mod stop_target;
mod subreaper;
mod table;
mod tracker;

pub use crate::signals::{signal_name, signal_names, signal_number};
pub use capture::{CapturedExit, run_and_capture};
pub use cgroup_limits::{Controller, hands_down, set_cpu_limit, set_memory_limit};
pub use footprint::{limit_heaps, release_unused_memory};
pub use group::{Member, members};
pub use guard::run_cleanup_guard;
pub use guard_supervisor::GuardHandle;
pub use inspect::{
    GroupSnapshot, ProcessSnapshot, exe_path, has_signal_handler, kernel_stack, wait_channel,
};
pub use listeners::{ListenerOwner, listen_addresses, listener_owner};
pub use oom::OomKill;
pub use oom_monitor::OomMonitor;
pub use own_cgroup::find_parent as delegated_cgroup;
pub use pidfd::ProcessHandle;
pub use process_tree::{Process, ProcessOutput};
pub use pty::TerminalReader;
pub use replace::replace_process;
pub use run_id::RunId;
pub use sockets::{
    SocketOwner, command_line, find_listener, find_peer, find_unix_listener, parse_listen_address,
    read_env_var,
};
pub use spawner::Spawner;
pub use stale_report::{InstanceAlive, StartupMessage, clean_up_stale, find_stale_run};
pub use started_by::{StartedBy, started_by};
pub use stat::{Stat, descends_from};
pub use table::SharedProcessTable;
pub use tracker::{ProcessTracker, UntrackedProcess};
