//! Facts about limits of the system, the user and the control group.

use std::fs;
use std::path::Path;

use fulcrum_spawn::process::{Controller, delegated_cgroup, hands_down};
use rustix::process::{Resource, getrlimit};

use crate::facts::{CgroupFacts, LimitFacts};

pub(super) fn limits() -> LimitFacts {
    let (used_instances, used_watches) = used_inotify();
    LimitFacts {
        inotify_watches: number("/proc/sys/fs/inotify/max_user_watches"),
        used_watches,
        inotify_instances: number("/proc/sys/fs/inotify/max_user_instances"),
        used_instances,
        // An instance raises its own limit to this one.
        open_files: getrlimit(Resource::Nofile).maximum,
        processes: getrlimit(Resource::Nproc).current,
        cgroup_processes: cgroup_processes(),
    }
}

fn number(file: impl AsRef<Path>) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The watchers of processes that can be seen, and what they watch.
fn used_inotify() -> (u64, u64) {
    let (mut instances, mut watches) = (0, 0);
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let process = entry.path();
        for descriptor in fs::read_dir(process.join("fd"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let is_watcher = fs::read_link(descriptor.path())
                .is_ok_and(|target| target.as_os_str() == "anon_inode:inotify");
            if !is_watcher {
                continue;
            }
            instances += 1;
            let info = process.join("fdinfo").join(descriptor.file_name());
            let info = fs::read_to_string(info).unwrap_or_default();
            let lines = info.lines().filter(|line| line.starts_with("inotify "));
            watches += lines.count() as u64;
        }
    }
    (instances, watches)
}

fn cgroup_processes() -> Option<(u64, u64)> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let dir = Path::new("/sys/fs/cgroup").join(path);
    Some((
        number(dir.join("pids.max"))?,
        number(dir.join("pids.current"))?,
    ))
}

pub(super) fn cgroup() -> CgroupFacts {
    let name = format!("fulcrum-doctor-{}", std::process::id());
    match delegated_cgroup(&name) {
        Err(reason) => CgroupFacts {
            no_group: Some(reason),
            ..CgroupFacts::default()
        },
        Ok(dir) => CgroupFacts {
            no_group: None,
            no_memory_limit: hands_down(&dir, Controller::Memory).err(),
            no_cpu_limit: hands_down(&dir, Controller::Cpu).err(),
        },
    }
}
