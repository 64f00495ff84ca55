//! File systems that don't tell of what others do to them.

use std::path::Path;

/// Those on which somebody else may write: another machine, or what this one runs in. The numbers
/// are those of `statfs(2)`.
const REMOTE_FILE_SYSTEMS: [(u32, &str); 6] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p, as WSL and virtual machines have it"),
    (0x6573_5546, "FUSE, as containers on other systems have it"),
    (0x786f_4256, "a folder shared with a virtual machine"),
];

/// What people should know of the file system that a folder is on; nothing for most.
pub(crate) fn polling_hint(folder: &Path) -> Option<String> {
    let status = rustix::fs::statfs(folder).ok()?;
    // The type's width and sign differ between machines; the numbers have 32 bits.
    of(u32::try_from(status.f_type & 0xffff_ffff).ok()?, folder)
}

fn of(kind: u32, folder: &Path) -> Option<String> {
    let (_, name) = REMOTE_FILE_SYSTEMS
        .iter()
        .find(|(number, _)| *number == kind)?;
    Some(format!(
        "{} is on {name}, which doesn't tell of what others change there\n  \
         hint: with `--poll` (or `runtime.watch.poll`) files are looked at again and again",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_others_may_write_something_is_said() {
        let said = of(0x6969, Path::new("/srv/shop")).expect("NFS is remote");
        assert!(said.starts_with("/srv/shop is on NFS") && said.contains("--poll"));
        // ext4, overlayfs, tmpfs
        for kind in [0xef53, 0x794c_7630, 0x0102_1994] {
            assert_eq!(of(kind, Path::new("/srv/shop")), None);
        }
    }
}
