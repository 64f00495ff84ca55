//! What holds a run's processes together, wherever they go.

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

/// How long the end of what is left may take after SIGKILL.
const FINAL_KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one look is trusted while the end is awaited.
const RECHECK: Duration = Duration::from_millis(20);

/// Keeps the processes of a run attributable to the lives they came from: by cgroup v2 where that
/// can be had, and by process groups, parents, marks and adopted orphans otherwise. Clones are the
/// same containment. A program has one: a second one would take the first one's children for
/// orphans.
#[derive(Debug, Clone)]
pub struct ProcessTracker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    marker: &'static str,
    /// The run's cgroup, or why there is none.
    run: Result<PathBuf, String>,
    /// Entered by the spawner, struck out by who reaps; held for one look at a time.
    roll: Mutex<TrackedProcesses>,
    escapes: mpsc::UnboundedSender<UntrackedProcess>,
    escape_receiver: Mutex<Option<mpsc::UnboundedReceiver<UntrackedProcess>>>,
    /// Wakes who looks after orphans.
    pub(super) orphans: Notify,
    /// Where lives are written down, for whoever has to end them in our place.
    record: OnceLock<Arc<RunRecord>>,
}

/// A process that came from some domain and can't be attributed to any life: it left its group,
/// lost its parents and cleared its environment before anybody saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntrackedProcess {
    /// Its number.
    pub pid: u32,
    /// Its command line, shortened to what fits a message.
    pub command: String,
}

impl ProcessTracker {
    /// Makes this program the parent of all orphans below it, and looks where a cgroup of the name
    /// `name` can be made below its own; it is made with the first life. `mark` is the environment variable whose value differs in
    /// each life.
    #[must_use]
    pub fn open(name: &str, mark: &'static str) -> Self {
        // Linux knows it since 3.4; without it, orphans are beyond reach but nothing else fails.
        let _ = set_child_subreaper(Some(getpid()));
        let (escapes, heard) = mpsc::unbounded_channel();
        let me = std::process::id();
        // Not by getpgrp: in a container the group may be outside, and its number none.
        let group = Stat::read(me).map_or(me, |stat| stat.group);
        let mut roll = TrackedProcesses::new(me, group);
        // A shell that became this program by `exec` may have left us its own.
        let before = table::adopted().unwrap_or_default();
        let before = before.into_iter().filter_map(Stat::read);
        roll.preexisting = before.map(|stat| (stat.pid, stat.started)).collect();
        Self {
            inner: Arc::new(Inner {
                marker: mark,
                run: own_cgroup::find_parent(name),
                roll: Mutex::new(roll),
                escapes,
                escape_receiver: Mutex::new(Some(heard)),
                orphans: Notify::new(),
                record: OnceLock::new(),
            }),
        }
    }

    /// From now on, lives are written down there. Once; a later record is ignored.
    pub fn set_record(&self, record: Arc<RunRecord>) {
        let _ = self.inner.record.set(record);
    }

    /// The run's cgroup, if it has one.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Path> {
        self.inner.run.as_deref().ok()
    }

    /// For people: by what processes are held, and why not by more.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.inner.run {
            Ok(folder) => format!("cgroup {}", folder.display()),
            Err(why) => format!("process groups and a sub-reaper: {why}"),
        }
    }

    /// Where processes are told of that escaped; given away once.
    pub fn untracked(&self) -> Option<mpsc::UnboundedReceiver<UntrackedProcess>> {
        locked(&self.inner.escape_receiver).take()
    }

    /// Tells a child that this program's first thread has started from the orphans it adopts: it is
    /// neither reaped nor ended. What other threads start needs no such word.
    pub fn exclude(&self, pid: u32) {
        self.roll().excluded.insert(pid);
    }

    /// The living members of several lives, told by their leaders, in one pass over the process
    /// table. Empty for a life that is over; empty for all where the table can't be read.
    #[must_use]
    pub fn members_of(&self, leaders: &[u32]) -> BTreeMap<u32, Vec<Member>> {
        let mut census = self.attribute().unwrap_or_default();
        if !census.untracked.is_empty() {
            self.inner.orphans.notify_one();
        }
        let taken = leaders.iter();
        taken
            .map(|leader| (*leader, census.lives.remove(leader).unwrap_or_default()))
            .collect()
    }

    /// Ends by SIGKILL whatever of this run is left, escaped ones too, and removes the run's
    /// cgroup. Gives those that could not be ended in two seconds. To be called when every life is
    /// over, or when that can't be waited for any longer.
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
        while let Some(folder) = self.cgroup() {
            // The last one may still be on its way out of the folder.
            if cgroup::remove(folder).is_ok() || Instant::now() >= deadline {
                break;
            }
            sleep(RECHECK).await;
        }
        left
    }

    /// All of this run that live.
    fn all_members(&self) -> Vec<Member> {
        let Attribution {
            lives,
            untracked: strangers,
            untracked_descendants: company,
        } = self.attribute().unwrap_or_default();
        let mut found: Vec<Member> = lives.into_values().flatten().collect();
        found.extend(strangers.into_iter().chain(company));
        let run = self.cgroup().map_or_else(Vec::new, cgroup::members);
        for pid in run {
            if !found.iter().any(|member| member.pid == pid) {
                found.extend(Stat::read(pid).filter(|stat| !stat.is_zombie()));
            }
        }
        found
    }

    /// Places every process there is.
    pub(super) fn attribute(&self) -> io::Result<Attribution> {
        let table = table::processes()?;
        let census = self.roll().attribute(&table, &ProcFs);
        self.persist(&census);
        Ok(census)
    }

    /// Writes down who is known only because we have seen where it came from: should we die, nothing
    /// else would tell. A cgroup does.
    fn persist(&self, census: &Attribution) {
        let record = self.inner.record.get().filter(|_| self.cgroup().is_none());
        let Some(record) = record else {
            return;
        };
        let mut roll = self.roll();
        for (leader, members) in &census.lives {
            let Some(life) = roll.lives.get_mut(leader) else {
                continue;
            };
            let away = members.iter().filter(|member| member.group != *leader);
            for member in away {
                let known = life.recorded.insert(member.pid, member.started);
                if known != Some(member.started) {
                    record.record_detached(member.pid, member.started, &life.label);
                }
            }
        }
    }

    /// The living members of one life. Where its cgroup tells, the process table isn't read.
    pub(super) fn members(&self, leader: u32) -> io::Result<Vec<Member>> {
        let (folder, seen) = match self.roll().lives.get(&leader) {
            Some(life) => (life.cgroup.clone(), life.seen.clone()),
            None => return Ok(Vec::new()),
        };
        let Some(folder) = folder else {
            return Ok(self.attribute()?.lives.remove(&leader).unwrap_or_default());
        };
        let mut found = Vec::new();
        for pid in cgroup::members(&folder) {
            found.extend(Stat::try_read(pid)?);
        }
        // A number may have gone to a stranger between the list and the look.
        let again = cgroup::members(&folder);
        found.retain(|member: &Member| again.contains(&member.pid));
        // Who was moved elsewhere, by somebody who may do that.
        for (pid, started) in seen {
            if !again.contains(&pid) {
                found.extend(Stat::try_read(pid)?.filter(|stat| stat.started == started));
            }
        }
        found.retain(|member| !member.is_zombie());
        Ok(found)
    }

    /// Prepares what a life is known by, before it is started: its cgroup where there can be one.
    pub(super) fn prepare(&self, label: &str, token: Option<&[u8]>) -> TrackedGeneration {
        let mark = token.map(|token| [self.inner.marker.as_bytes(), b"=", token].concat());
        let cgroup = self.cgroup().map(|run| {
            // Made with the first life, so that nothing has to be cleared away before there is one.
            let _ = fs::create_dir(run);
            run.join(label)
        });
        let cgroup = cgroup.filter(|folder| match fs::create_dir(folder) {
            // An earlier one of the same name, which is over.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                !cgroup::populated(folder)
            }
            outcome => outcome.is_ok(),
        });
        TrackedGeneration {
            marker: mark,
            cgroup,
            label: label.to_owned(),
            ..TrackedGeneration::default()
        }
    }

    /// The variable whose value differs in each life.
    pub(super) fn mark(&self) -> &'static str {
        self.inner.marker
    }

    pub(super) fn register(&self, leader: u32, mut life: TrackedGeneration) {
        // It is unreaped: as long as it is, its number is its own.
        life.started = Stat::read(leader).map_or(0, |stat| stat.started);
        if let Some(record) = self.inner.record.get() {
            record.record_start(leader, life.started, &life.label);
        }
        self.roll().lives.insert(leader, life);
    }

    /// A life is over, and its leader reaped: its number may be another's from now on.
    pub(super) fn unregister(&self, leader: u32) {
        let life = self.roll().lives.remove(&leader);
        if let (Some(record), Some(life)) = (self.inner.record.get(), &life) {
            record.record_exit(leader, life.started);
        }
        if let Some(folder) = life.and_then(|life| life.cgroup) {
            // What can't be removed now is when the run is closed.
            let _ = cgroup::remove(&folder);
        }
        self.inner.orphans.notify_one();
    }

    /// A life's own cgroup.
    pub(super) fn cgroup_of(&self, leader: u32) -> Option<PathBuf> {
        self.roll().lives.get(&leader)?.cgroup.clone()
    }

    /// Returns when orphans may be there that nobody was woken for.
    pub(super) async fn orphans_suspected(&self) {
        self.inner.orphans.notified().await;
    }

    pub(super) fn report_untracked(&self, stranger: &Member) {
        let news = self.roll().reported.insert(stranger.pid, stranger.started);
        if news != Some(stranger.started) {
            if let Some(record) = self.inner.record.get() {
                record.record_detached(stranger.pid, stranger.started, "unknown");
            }
            let _ = self.inner.escapes.send(UntrackedProcess {
                pid: stranger.pid,
                command: sockets::command_line(stranger.pid),
            });
        }
    }

    pub(super) fn roll(&self) -> MutexGuard<'_, TrackedProcesses> {
        locked(&self.inner.roll)
    }
}

/// A lock whose holder can't have left the value half-changed, so a panic elsewhere is no reason
/// to give up.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This machine.
struct ProcFs;

impl ProcessTable for ProcFs {
    fn in_cgroup(&self, folder: &Path) -> Vec<u32> {
        cgroup::members(folder)
    }

    fn has_env(&self, pid: u32, mark: &[u8]) -> bool {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|own| own == mark)
    }

    fn adopted(&self) -> BTreeSet<u32> {
        table::adopted().unwrap_or_default()
    }
}
