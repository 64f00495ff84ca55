//! Whether the kernel's OOM killer ended a process: the only witness is a counter of its cgroup.
//!
//! A process can't tell who sent a SIGKILL. The kernel counts its own, in the memory cgroup of the
//! victim: `oom_kill` in `memory.events` (cgroup v2) or `memory.oom_control` (v1). A counter that
//! has risen since it was last looked at accounts for one death each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The counters seen so far. One ledger serves all processes, since several may share a cgroup:
/// a kill that explains one's death can't explain another's.
#[derive(Debug, Default)]
pub struct OomCounters {
    /// How many kills of a counter are accounted for.
    counted: BTreeMap<PathBuf, u64>,
    /// Where each process that was announced was then: version 1 forgets it for a zombie.
    announced: BTreeMap<u32, PathBuf>,
}

/// A kill by the kernel, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomKill {
    /// What the counter has risen to.
    pub count: u64,
    /// The file it is in.
    pub counter: PathBuf,
}

impl OomCounters {
    /// Takes notice of a process that has just been started: what its cgroup's counter says by now
    /// isn't about it.
    pub fn track(&mut self, pid: u32) {
        if let Some(counter) = counter_of(pid) {
            if let Some(count) = read(&counter) {
                self.counted.insert(counter.clone(), count);
            }
            self.announced.insert(pid, counter);
        }
    }

    /// Whether the OOM killer ended this process, which SIGKILL has ended and nobody has reaped.
    /// To be asked once. A counter that was never seen before counts from 0: its cgroup may have
    /// been made for the process.
    pub fn take_kill(&mut self, pid: u32) -> Option<OomKill> {
        let announced = self.announced.remove(&pid);
        let counter = counter_of(pid).or(announced)?;
        let count = read(&counter)?;
        let counted = self.counted.entry(counter.clone()).or_default();
        if count <= *counted {
            // Risen it hasn't; the cgroup may have been removed and made anew.
            *counted = count;
            return None;
        }
        *counted += 1;
        Some(OomKill { count, counter })
    }

    /// Forgets a process that ended otherwise.
    pub fn untrack(&mut self, pid: u32) {
        self.announced.remove(&pid);
    }
}

/// The file that counts the OOM kills of the memory cgroup that a process is in.
fn counter_of(pid: u32) -> Option<PathBuf> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let place = place(&groups, &mounts)?;
    match place.version {
        // For a zombie version 1 names the root, whoever it belonged to.
        CgroupVersion::One if place.group == place.mount => None,
        CgroupVersion::One => Some(place.group.join("memory.oom_control")),
        // Where the controller isn't enabled the next group upward that has it is charged.
        CgroupVersion::Two => place
            .group
            .ancestors()
            .take_while(|group| group.starts_with(&place.mount))
            .find_map(|group| {
                let files = ["memory.events.local", "memory.events"];
                let mut files = files.iter().map(|file| group.join(file));
                files.find(|file| read(file).is_some())
            }),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CgroupVersion {
    One,
    Two,
}

/// A memory cgroup's folder.
#[derive(Debug, PartialEq, Eq)]
struct MemoryCgroup {
    version: CgroupVersion,
    mount: PathBuf,
    group: PathBuf,
}

/// Where the memory cgroup of a process is, by `/proc/PID/cgroup` and `/proc/self/mountinfo`.
fn place(groups: &str, mounts: &str) -> Option<MemoryCgroup> {
    let of = |wanted: &dyn Fn(&str) -> bool| {
        groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            // A cgroup that was removed meanwhile has no files any more.
            (wanted(controllers) && !path.ends_with(" (deleted)")).then_some(path)
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
    let (root, mount) = mounts.lines().find_map(|line| mount_of(line, version))?;
    // Within a container the mount may show only a part of the hierarchy.
    let below = Path::new(path).strip_prefix(root).ok()?;
    let mount = PathBuf::from(mount);
    Some(MemoryCgroup {
        version,
        group: mount.join(below),
        mount,
    })
}

/// Root and mount point of a line of mountinfo that is the hierarchy with the memory controller.
fn mount_of(line: &str, version: CgroupVersion) -> Option<(&str, &str)> {
    // 36 35 98:0 /root /mount options … - type source super-options: proc_pid_mountinfo(5).
    let (mount, file_system) = line.split_once(" - ")?;
    let mut fields = mount.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    let mut of_system = file_system.split(' ');
    let kind = of_system.next()?;
    let is_it = match version {
        CgroupVersion::Two => kind == "cgroup2",
        CgroupVersion::One => {
            let options = of_system.nth(1).unwrap_or_default();
            kind == "cgroup" && options.split(',').any(|option| option == "memory")
        }
    };
    is_it.then_some((root, point))
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
    fn the_hierarchy_with_the_memory_controller_counts() {
        let place = place("4:memory:/shop/a\n0::/x\n", HYBRID).expect("version 1");
        assert_eq!(place.version, CgroupVersion::One);
        assert_eq!(place.group, Path::new("/sys/fs/cgroup/memory/shop/a"));
    }

    #[test]
    fn a_zombie_of_version_1_seems_to_be_in_the_root() {
        let place = place("4:memory:/\n0::/x\n", HYBRID).expect("version 1");
        assert_eq!(place.group, place.mount);
    }

    #[test]
    fn version_2_and_a_container_that_sees_only_its_part() {
        let mounts = "40 24 0:26 /docker/7 /sys/fs/cgroup ro - cgroup2 cgroup rw,nsdelegate";
        let place = place("0::/docker/7/shop\n", mounts).expect("version 2");
        assert_eq!(place.version, CgroupVersion::Two);
        assert_eq!(place.group, Path::new("/sys/fs/cgroup/shop"));
        assert_eq!(super::place("0::/other\n", mounts), None);
        assert_eq!(super::place("0::/docker/7/x (deleted)\n", mounts), None);
        assert_eq!(super::place("", mounts), None);
    }

    #[test]
    fn one_kill_explains_one_death() {
        let folder = tempfile::tempdir().expect("a folder");
        let counter = folder.path().join("memory.events");
        fs::write(&counter, "low 0\noom 3\noom_kill 2\noom_group_kill 0\n").expect("a counter");
        assert_eq!(read(&counter), Some(2));
        let mut ledger = OomCounters::default();
        // As if two processes had been found in a cgroup that shows nothing else of them.
        for pid in [u32::MAX, u32::MAX - 1, u32::MAX - 2] {
            ledger.announced.insert(pid, counter.clone());
        }
        ledger.counted.insert(counter.clone(), 1);
        let kill = OomKill {
            count: 2,
            counter: counter.clone(),
        };
        assert_eq!(ledger.take_kill(u32::MAX), Some(kill));
        assert_eq!(ledger.take_kill(u32::MAX - 1), None);
        fs::write(&counter, "oom_kill 3\n").expect("a counter");
        assert!(ledger.take_kill(u32::MAX - 2).is_some());
        assert!(ledger.announced.is_empty());
    }
}
