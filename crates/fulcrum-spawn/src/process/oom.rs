//! Detects whether the kernel's OOM killer ended a process: the only evidence is a counter of its
//! cgroup.
//!
//! A process cannot find out which process sent a SIGKILL. The kernel counts its own in the memory
//! cgroup of the victim: `oom_kill` in `memory.events` (cgroup v2) or `memory.oom_control` (v1).
//! Each increase of a counter accounts for one exit.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::mountinfo::Mount;

/// The counters and what they account for. One value serves all processes, since several may share
/// a cgroup: a kill that explains one exit cannot explain another.
#[derive(Debug, Default)]
pub(super) struct OomCounters {
    /// How many kills of a counter are accounted for.
    counted: BTreeMap<PathBuf, u64>,
    /// The counter of each tracked process at its start: cgroup v1 reports none for a zombie.
    tracked: BTreeMap<u32, PathBuf>,
    /// What `/proc/self/mountinfo` was when it was last needed: reading it for each of a thousand
    /// starts adds up.
    mounts: Option<String>,
}

/// A kill by the kernel, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomKill {
    /// The value of the counter.
    pub count: u64,
    /// The file of the counter.
    pub counter: PathBuf,
}

impl OomCounters {
    /// Tracks a process that was just started: earlier kills of its cgroup are not about it.
    pub(super) fn track(&mut self, pid: u32) {
        let mounts = self.mounts.get_or_insert_with(read_mounts);
        if let Some(counter) = counter_of(pid, mounts) {
            if let Some(count) = read(&counter) {
                self.counted.insert(counter.clone(), count);
            }
            self.tracked.insert(pid, counter);
        }
    }

    /// Whether the OOM killer ended this process, which was ended by SIGKILL and is not reaped yet.
    /// To be called once. A counter that was never read before counts from 0: its cgroup may have
    /// been created for the process.
    pub(super) fn take_kill(&mut self, pid: u32) -> Option<OomKill> {
        let tracked = self.tracked.remove(&pid);
        let mounts = self.mounts.insert(read_mounts());
        let counter = counter_of(pid, mounts).or(tracked)?;
        let count = read(&counter)?;
        let counted = self.counted.entry(counter.clone()).or_default();
        if count <= *counted {
            // Not increased; the cgroup may have been removed and created again.
            *counted = count;
            return None;
        }
        *counted += 1;
        Some(OomKill { count, counter })
    }

    /// Stops tracking a process that ended otherwise.
    pub(super) fn untrack(&mut self, pid: u32) {
        self.tracked.remove(&pid);
    }
}

/// The file that counts the OOM kills of a process's memory cgroup.
fn counter_of(pid: u32, mounts: &str) -> Option<PathBuf> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let memory_cgroup = memory_cgroup(&groups, mounts)?;
    match memory_cgroup.version {
        // For a zombie, version 1 names the root cgroup.
        CgroupVersion::One if memory_cgroup.group == memory_cgroup.mount => None,
        CgroupVersion::One => Some(memory_cgroup.group.join("memory.oom_control")),
        // Where the controller is not enabled, the nearest ancestor that has it is charged.
        CgroupVersion::Two => memory_cgroup
            .group
            .ancestors()
            .take_while(|group| group.starts_with(&memory_cgroup.mount))
            .find_map(|group| {
                let files = ["memory.events.local", "memory.events"];
                let mut files = files.iter().map(|file| group.join(file));
                files.find(|file| read(file).is_some())
            }),
    }
}

/// Empty where it cannot be read: then nothing is explained.
fn read_mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CgroupVersion {
    One,
    Two,
}

/// The directory of a memory cgroup.
#[derive(Debug, PartialEq, Eq)]
struct MemoryCgroup {
    version: CgroupVersion,
    mount: PathBuf,
    group: PathBuf,
}

/// The memory cgroup of a process, by `/proc/PID/cgroup` and `/proc/self/mountinfo`.
fn memory_cgroup(groups: &str, mounts: &str) -> Option<MemoryCgroup> {
    let of = |is_match: &dyn Fn(&str) -> bool| {
        groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            // A removed cgroup has no files.
            (is_match(controllers) && !path.ends_with(" (deleted)")).then_some(path)
        })
    };
    let memory = |controllers: &str| controllers.split(',').any(|one| one == "memory");
    let (version, path) = match of(&memory) {
        Some(path) => (CgroupVersion::One, path),
        None => (
            CgroupVersion::Two,
            of(&|controllers: &str| controllers.is_empty())?,
        ),
    };
    let mount = mounts
        .lines()
        .filter_map(Mount::parse)
        .find(|mount| has_memory_controller(mount, version))?;
    // In a container, the mount may show only a part of the hierarchy.
    let below = Path::new(path).strip_prefix(&mount.root).ok()?;
    Some(MemoryCgroup {
        version,
        group: mount.point.join(below),
        mount: mount.point,
    })
}

/// Whether a mount is the hierarchy with the memory controller.
fn has_memory_controller(mount: &Mount<'_>, version: CgroupVersion) -> bool {
    match version {
        CgroupVersion::Two => mount.file_system == "cgroup2",
        CgroupVersion::One => {
            let mut options = mount.super_options.split(',');
            mount.file_system == "cgroup" && options.any(|option| option == "memory")
        }
    }
}

fn read(counter: &Path) -> Option<u64> {
    let text = fs::read_to_string(counter).ok()?;
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
30 24 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 24 0:27 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw";

    #[test]
    fn the_hierarchy_with_the_memory_controller_is_used() {
        let memory_cgroup = memory_cgroup("4:memory:/shop/a\n0::/x\n", HYBRID).expect("version 1");
        assert_eq!(memory_cgroup.version, CgroupVersion::One);
        assert_eq!(
            memory_cgroup.group,
            Path::new("/sys/fs/cgroup/memory/shop/a")
        );
    }

    #[test]
    fn a_zombie_of_version_1_is_in_the_root() {
        let memory_cgroup = memory_cgroup("4:memory:/\n0::/x\n", HYBRID).expect("version 1");
        assert_eq!(memory_cgroup.group, memory_cgroup.mount);
    }

    #[test]
    fn version_2_works_in_a_container_with_a_partial_mount() {
        let mounts = "40 24 0:26 /docker/7 /sys/fs/cgroup ro - cgroup2 cgroup rw,nsdelegate";
        let memory_cgroup = memory_cgroup("0::/docker/7/shop\n", mounts).expect("version 2");
        assert_eq!(memory_cgroup.version, CgroupVersion::Two);
        assert_eq!(memory_cgroup.group, Path::new("/sys/fs/cgroup/shop"));
        assert_eq!(super::memory_cgroup("0::/other\n", mounts), None);
        assert_eq!(
            super::memory_cgroup("0::/docker/7/x (deleted)\n", mounts),
            None
        );
        assert_eq!(super::memory_cgroup("", mounts), None);
    }

    #[test]
    fn one_kill_explains_one_exit() {
        let dir = tempfile::tempdir().expect("a directory");
        let counter = dir.path().join("memory.events");
        fs::write(&counter, "low 0\noom 3\noom_kill 2\noom_group_kill 0\n").expect("a counter");
        assert_eq!(read(&counter), Some(2));
        let mut counters = OomCounters::default();
        // As if the processes had been found in a cgroup that has no other evidence of them.
        for pid in [u32::MAX, u32::MAX - 1, u32::MAX - 2] {
            counters.tracked.insert(pid, counter.clone());
        }
        counters.counted.insert(counter.clone(), 1);
        let kill = OomKill {
            count: 2,
            counter: counter.clone(),
        };
        assert_eq!(counters.take_kill(u32::MAX), Some(kill));
        assert_eq!(counters.take_kill(u32::MAX - 1), None);
        fs::write(&counter, "oom_kill 3\n").expect("a counter");
        assert!(counters.take_kill(u32::MAX - 2).is_some());
        assert!(counters.tracked.is_empty());
    }
}
