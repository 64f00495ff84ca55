//! File systems that do not report changes made elsewhere.

use std::path::Path;

/// File systems that another machine, or the host of this one, may write to. The numbers are those
/// of `statfs(2)`.
const REMOTE_FILE_SYSTEMS: [(u32, &str); 6] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p, as in WSL and virtual machines"),
    (0x6573_5546, "FUSE, as in containers on other systems"),
    (0x786f_4256, "a directory shared with a virtual machine"),
];

/// Other file systems that an app is often on.
const LOCAL_FILE_SYSTEMS: [(u32, &str); 6] = [
    (0xef53, "ext4"),
    (0x794c_7630, "overlay, as in containers"),
    (0x0102_1994, "tmpfs"),
    (0x9123_683e, "btrfs"),
    (0x5846_5342, "XFS"),
    (0x2fc1_2fc1, "ZFS"),
];

/// The name of the file system that `dir` is on.
pub fn file_system_name(dir: &Path) -> String {
    let Some(kind) = file_system_type(dir) else {
        return "unknown".to_owned();
    };
    let known = REMOTE_FILE_SYSTEMS.iter().chain(&LOCAL_FILE_SYSTEMS);
    let found = known.into_iter().find(|(number, _)| *number == kind);
    found.map_or_else(|| format!("type {kind:#x}"), |(_, name)| (*name).to_owned())
}

/// A warning if `dir` is on a file system that does not report changes made elsewhere; none on
/// most.
pub fn polling_hint(dir: &Path) -> Option<String> {
    hint_for(file_system_type(dir)?, dir)
}

fn file_system_type(dir: &Path) -> Option<u32> {
    let status = rustix::fs::statfs(dir).ok()?;
    // The type's width and sign differ between machines; the numbers have 32 bits.
    u32::try_from(status.f_type & 0xffff_ffff).ok()
}

fn hint_for(kind: u32, dir: &Path) -> Option<String> {
    let (_, name) = REMOTE_FILE_SYSTEMS
        .iter()
        .find(|(number, _)| *number == kind)?;
    Some(format!(
        "{} is on {name}, which does not report changes made elsewhere\n  \
         hint: poll for changes with `--poll` (or `runtime.watch.poll`)",
        dir.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_remote_file_systems_have_a_hint() {
        let hint = hint_for(0x6969, Path::new("/srv/shop")).expect("NFS is remote");
        assert!(hint.starts_with("/srv/shop is on NFS") && hint.contains("--poll"));
        // ext4, overlayfs, tmpfs
        for kind in [0xef53, 0x794c_7630, 0x0102_1994] {
            assert_eq!(hint_for(kind, Path::new("/srv/shop")), None);
        }
    }
}
