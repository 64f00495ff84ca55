//! Keeps the processes of a run attributable to their generations, wherever they go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::process::{Signal, getpid, set_child_subreaper};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};

use super::attribution::{Attribution, ProcessTable, TrackedGeneration, TrackedProcesses};
use super::group::Member;
use super::pidfd::{self, ProcessHandle};
use super::run_record::RunRecord;
use super::stat::Stat;
use super::{cgroup, own_cgroup, sockets, table};

/// How long the remaining processes may take to exit after SIGKILL.
const FINAL_KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one attribution is trusted while exits are awaited.
const RECHECK: Duration = Duration::from_millis(20);

/// Keeps the processes of a run attributable to the generations that started them: by cgroup v2
/// where possible, otherwise by process groups, parents, markers in the environment and adoption of
/// orphans. Clones share one tracker. A program has one: a second one would treat the first one's
/// children as orphans.
#[derive(Debug, Clone)]
pub struct ProcessTracker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    marker: &'static str,
    /// The run's cgroup, or why there is none.
    run: Result<PathBuf, String>,
    /// Written by the spawner and when a leader is reaped; locked for one operation at a time.
    tracked: Mutex<TrackedProcesses>,
    untracked_sender: mpsc::UnboundedSender<UntrackedProcess>,
    untracked_receiver: Mutex<Option<mpsc::UnboundedReceiver<UntrackedProcess>>>,
    /// Wakes the task that handles orphans.
    pub(super) orphans: Notify,
    /// Where starts and exits are recorded, for the cleanup guard and the next instance.
    record: OnceLock<Arc<RunRecord>>,
}

/// A process that came from some domain and cannot be attributed to a generation: it left its
/// group, lost its parents and cleared its environment before it was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntrackedProcess {
    /// The process id.
    pub pid: u32,
    /// The command line, shortened to fit a message.
    pub command: String,
}

impl ProcessTracker {
    /// Makes this program the parent of all orphans below it, and checks whether a cgroup `name`
    /// can be created below its own. It is created with the first generation. `marker` is the
    /// environment variable whose value differs for each generation.
    #[must_use]
    pub fn open(name: &str, marker: &'static str) -> Self {
        // Supported since Linux 3.4. Without it, orphans are out of reach, and nothing else fails.
        let _ = set_child_subreaper(Some(getpid()));
        let (untracked_sender, untracked_receiver) = mpsc::unbounded_channel();
        let me = std::process::id();
        // Not by getpgrp: in a container the group may be outside, and its number 0.
        let group = Stat::read(me).map_or(me, |stat| stat.group);
        let mut tracked = TrackedProcesses::new(me, group);
        // A shell that became this program by `exec` may have left its children.
        let before = table::adopted().unwrap_or_default();
        let before = before.into_iter().filter_map(Stat::read);
        tracked.preexisting = before.map(|stat| (stat.pid, stat.started)).collect();
        Self {
            inner: Arc::new(Inner {
                marker,
                run: own_cgroup::find_parent(name),
                tracked: Mutex::new(tracked),
                untracked_sender,
                untracked_receiver: Mutex::new(Some(untracked_receiver)),
                orphans: Notify::new(),
                record: OnceLock::new(),
            }),
        }
    }

    /// Records starts and exits in `record` from now on. Only the first call has an effect.
    pub(super) fn set_record(&self, record: Arc<RunRecord>) {
        let _ = self.inner.record.set(record);
    }

    /// The run's cgroup, if it has one.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Path> {
        self.inner.run.as_deref().ok()
    }

    /// By what processes are tracked, and why not by a cgroup, as text.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.inner.run {
            Ok(dir) => format!("cgroup {}", dir.display()),
            Err(why) => format!("process groups and a sub-reaper: {why}"),
        }
    }

    /// The channel of untracked processes; `Some` once.
    pub fn untracked(&self) -> Option<mpsc::UnboundedReceiver<UntrackedProcess>> {
        locked(&self.inner.untracked_receiver).take()
    }

    /// Excludes a child that the first thread of this program has started from the orphans: it is
    /// neither reaped nor killed. Children of other threads need no call.
    pub fn exclude(&self, pid: u32) {
        self.tracked().excluded.insert(pid);
    }

    /// The living members of several generations by their leaders, in one pass over the process
    /// table. Empty for a generation that has ended, and for all if the table cannot be read.
    #[must_use]
    pub fn members_of(&self, leaders: &[u32]) -> BTreeMap<u32, Vec<Member>> {
        let mut attribution = self.attribute().unwrap_or_default();
        if !attribution.untracked.is_empty() {
            self.inner.orphans.notify_one();
        }
        let leaders = leaders.iter();
        leaders
            .map(|leader| {
                (
                    *leader,
                    attribution.generations.remove(leader).unwrap_or_default(),
                )
            })
            .collect()
    }

    /// Kills whatever is left of this run with SIGKILL, untracked processes too, and removes the
    /// run's cgroup. Returns the processes that are left after two seconds. To be called when every
    /// generation has ended, or cannot be waited for any longer.
    pub async fn close(&self) -> Vec<Member> {
        let deadline = Instant::now() + FINAL_KILL_TIMEOUT;
        let left = loop {
            let left = self.all_members();
            if left.is_empty() || Instant::now() >= deadline {
                break left;
            }
            self.cgroup().map(cgroup::kill);
            for member in &left {
                pidfd::signal(member, Signal::KILL);
            }
            self.inner.orphans.notify_one();
            match left
                .first()
                .and_then(|member| ProcessHandle::open(member.pid))
            {
                Some(member) => drop(timeout(RECHECK, member.exited()).await),
                None => sleep(RECHECK).await,
            }
        };
        while let Some(dir) = self.cgroup() {
            // The last process may still be leaving the directory.
            if cgroup::remove(dir).is_ok() || Instant::now() >= deadline {
                break;
            }
            sleep(RECHECK).await;
        }
        left
    }

    /// All living processes of this run.
    fn all_members(&self) -> Vec<Member> {
        let Attribution {
            generations,
            untracked,
            untracked_descendants: descendants,
        } = self.attribute().unwrap_or_default();
        let mut found: Vec<Member> = generations.into_values().flatten().collect();
        found.extend(untracked.into_iter().chain(descendants));
        let run = self.cgroup().map_or_else(Vec::new, cgroup::members);
        for pid in run {
            if !found.iter().any(|member| member.pid == pid) {
                found.extend(Stat::read(pid).filter(|stat| !stat.is_zombie()));
            }
        }
        found
    }

    /// Attributes every process.
    pub(super) fn attribute(&self) -> io::Result<Attribution> {
        let table = table::processes()?;
        let attribution = self.tracked().attribute(&table, &ProcFs);
        self.persist(&attribution);
        Ok(attribution)
    }

    /// Records members that are known only because they were observed: after a crash of this
    /// program, nothing else identifies them. A cgroup does.
    fn persist(&self, attribution: &Attribution) {
        let record = self.inner.record.get().filter(|_| self.cgroup().is_none());
        let Some(record) = record else {
            return;
        };
        let mut tracked = self.tracked();
        for (leader, members) in &attribution.generations {
            let Some(generation) = tracked.generations.get_mut(leader) else {
                continue;
            };
            let detached = members.iter().filter(|member| member.group != *leader);
            for member in detached {
                let known = generation.recorded.insert(member.pid, member.started);
                if known != Some(member.started) {
                    record.record_detached(member.pid, member.started, &generation.label);
                }
            }
        }
    }

    /// The living members of one generation. With a cgroup, the process table is not read.
    pub(super) fn members(&self, leader: u32) -> io::Result<Vec<Member>> {
        let (dir, observed) = match self.tracked().generations.get(&leader) {
            Some(generation) => (generation.cgroup.clone(), generation.observed.clone()),
            None => return Ok(Vec::new()),
        };
        let Some(dir) = dir else {
            return Ok(self
                .attribute()?
                .generations
                .remove(&leader)
                .unwrap_or_default());
        };
        let mut found = Vec::new();
        for pid in cgroup::members(&dir) {
            found.extend(Stat::try_read(pid)?);
        }
        // A pid may have been reused between the list and the read.
        let now_inside = cgroup::members(&dir);
        found.retain(|member: &Member| now_inside.contains(&member.pid));
        // Members that were moved to another cgroup.
        for (pid, started) in observed {
            if !now_inside.contains(&pid) {
                found.extend(Stat::try_read(pid)?.filter(|stat| stat.started == started));
            }
        }
        found.retain(|member| !member.is_zombie());
        Ok(found)
    }

    /// Prepares what identifies a generation, before it is started: its cgroup where possible.
    pub(super) fn prepare(&self, label: &str, token: Option<&[u8]>) -> TrackedGeneration {
        let marker = token.map(|token| [self.inner.marker.as_bytes(), b"=", token].concat());
        let cgroup = self.cgroup().map(|run| {
            // Created with the first generation, so that there is nothing to remove before.
            let _ = fs::create_dir(run);
            run.join(label)
        });
        let cgroup = cgroup.filter(|dir| match fs::create_dir(dir) {
            // One of the same name that has ended.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => !cgroup::populated(dir),
            outcome => outcome.is_ok(),
        });
        TrackedGeneration {
            marker,
            cgroup,
            label: label.to_owned(),
            ..TrackedGeneration::default()
        }
    }

    /// The environment variable whose value differs for each generation.
    pub(super) fn marker(&self) -> &'static str {
        self.inner.marker
    }

    pub(super) fn register(&self, leader: u32, mut generation: TrackedGeneration) {
        // The leader is unreaped, so its pid is not reused.
        generation.started = Stat::read(leader).map_or(0, |stat| stat.started);
        if let Some(record) = self.inner.record.get() {
            record.record_start(leader, generation.started, &generation.label);
        }
        self.tracked().generations.insert(leader, generation);
    }

    /// Removes a generation whose leader was reaped: its pid may be reused from now on.
    pub(super) fn unregister(&self, leader: u32) {
        let generation = self.tracked().generations.remove(&leader);
        if let (Some(record), Some(generation)) = (self.inner.record.get(), &generation) {
            record.record_exit(leader, generation.started);
        }
        if let Some(dir) = generation.and_then(|generation| generation.cgroup) {
            // What cannot be removed now is removed by `close`.
            let _ = cgroup::remove(&dir);
        }
        self.inner.orphans.notify_one();
    }

    /// The cgroup of a generation.
    pub(super) fn cgroup_of(&self, leader: u32) -> Option<PathBuf> {
        self.tracked().generations.get(&leader)?.cgroup.clone()
    }

    /// Returns when there may be orphans that no signal announced.
    pub(super) async fn orphans_suspected(&self) {
        self.inner.orphans.notified().await;
    }

    pub(super) fn report_untracked(&self, process: &Member) {
        let reported = self.tracked().reported.insert(process.pid, process.started);
        if reported != Some(process.started) {
            if let Some(record) = self.inner.record.get() {
                record.record_detached(process.pid, process.started, "unknown");
            }
            let _ = self.inner.untracked_sender.send(UntrackedProcess {
                pid: process.pid,
                command: sockets::command_line(process.pid),
            });
        }
    }

    pub(super) fn tracked(&self) -> MutexGuard<'_, TrackedProcesses> {
        locked(&self.inner.tracked)
    }
}

/// Locks a mutex. Its value is never left half-changed, so a panic of another thread is ignored.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process table of this machine.
struct ProcFs;

impl ProcessTable for ProcFs {
    fn in_cgroup(&self, dir: &Path) -> Vec<u32> {
        cgroup::members(dir)
    }

    fn has_env(&self, pid: u32, marker: &[u8]) -> bool {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|own| own == marker)
    }

    fn adopted(&self) -> BTreeSet<u32> {
        table::adopted().unwrap_or_default()
    }
}
