//! This program's own cgroup v2 directory, and whether one for a run can be created in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statfs};

use super::mountinfo::Mount;

/// `CGROUP2_SUPER_MAGIC` of statfs(2). On hybrid systems a tmpfs holds the mounts, and anything may
/// be mounted over them.
const CGROUP2: u64 = 0x6367_7270;

/// Where a cgroup for this run can be created, below our own. It was created once and removed
/// again, to be sure.
///
/// # Errors
/// Why there can be none, as text.
pub fn find_parent(name: &str) -> Result<PathBuf, String> {
    let read = |file: &str| fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
    let own = own_dir(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?)?;
    let display = own.display();
    match statfs(&own) {
        #[expect(
            clippy::cast_sign_loss,
            reason = "the type of the field differs between systems"
        )]
        Ok(found) if found.f_type as u64 == CGROUP2 => {}
        Ok(_) => return Err(format!("{display} is hidden by another mount")),
        Err(error) => return Err(format!("{display}: {}", io::Error::from(error))),
    }
    // Moving a process down needs write permission here, too: cgroups(7), delegation.
    access(own.join("cgroup.procs"), Access::WRITE_OK)
        .map_err(|error| format!("{display} is not writable: {}", io::Error::from(error)))?;
    let run = own.join(name);
    fs::create_dir(&run).map_err(|error| format!("{}: {error}", run.display()))?;
    let complete = run.join("cgroup.kill").exists();
    let _ = fs::remove_dir(&run);
    complete
        .then_some(run)
        .ok_or_else(|| "this kernel has no cgroup.kill (Linux 5.14)".to_owned())
}

/// Our own directory, by `/proc/self/mountinfo` and `/proc/self/cgroup`.
fn own_dir(mountinfo: &str, cgroup: &str) -> Result<PathBuf, String> {
    let path = cgroup
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .ok_or("this system has no cgroup v2")?;
    mountinfo
        .lines()
        .rev()
        .filter_map(Mount::parse)
        .filter(|mount| mount.file_system == "cgroup2")
        .find_map(|Mount { root, point, .. }| {
            // A mount may show only a part, as in a container, and our cgroup may be outside.
            let below = Path::new(path).strip_prefix(&root).ok()?;
            let outside = below.iter().any(|part| part == "..");
            (!outside).then(|| point.join(below))
        })
        .ok_or_else(|| format!("no cgroup v2 mount shows our cgroup {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime shared:9 - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:10 master:1 - cgroup2 cgroup2 rw
";

    #[test]
    fn the_own_cgroup_is_found_in_hybrid_and_unified_trees() {
        let own_in = |mounts: &str, path: &str| own_dir(mounts, &format!("1:cpu:/x\n0::{path}\n"));
        assert_eq!(
            own_in(HYBRID, "/user.slice/a.scope"),
            Ok("/sys/fs/cgroup/unified/user.slice/a.scope".into())
        );
        assert_eq!(own_in(HYBRID, "/"), Ok("/sys/fs/cgroup/unified".into()));
        let unified = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 none rw,nsdelegate";
        assert_eq!(own_in(unified, "/a"), Ok("/sys/fs/cgroup/a".into()));
    }

    #[test]
    fn a_partial_mount_may_not_contain_the_own_cgroup() {
        let part = r"30 23 0:26 /docker/c1 /mnt/my\040cgroup rw - cgroup2 none rw";
        assert_eq!(
            own_dir(part, "0::/docker/c1/x"),
            Ok("/mnt/my cgroup/x".into())
        );
        assert!(own_dir(part, "0::/docker/c2").is_err());
        let whole = part.replace("/docker/c1 ", "/ ");
        // Outside of our cgroup namespace.
        assert!(own_dir(&whole, "0::/../other").is_err());
    }

    #[test]
    fn without_cgroup_v2_there_is_a_reason() {
        let v1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu";
        assert!(own_dir(v1, "2:cpu:/\n").is_err_and(|reason| reason.contains("no cgroup v2")));
        assert!(
            own_dir(v1, "2:cpu:/\n0::/\n")
                .is_err_and(|reason| reason.contains("no cgroup v2 mount"))
        );
    }
}
