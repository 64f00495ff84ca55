//! Whether the kernel can execute a file that is no script.
//!
//! It must be known before the spawn: what the kernel refuses for its format, the C library's
//! `execvp` hands to `/bin/sh`, which then reads a binary for another machine as if it were a
//! script.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What the beginning of an ELF file tells: its magic number up to its machine.
const ELF: &[u8] = b"\x7fELF";
const MACHINE: std::ops::Range<usize> = 18..20;

/// Kernels execute these besides their own: the 32-bit brother of x86-64 and of AArch64.
const COMPATIBLE_MACHINES: [(u16, u16); 2] = [(62, 3), (183, 40)];

/// Says why the kernel won't execute a file that begins like this; none where it will, or where
/// that can't be known.
pub(super) fn unsupported_reason(head: &[u8]) -> Option<&'static str> {
    let ours = machine(&own_head()?)?;
    // Handlers such as those for Wine or QEMU may take anything.
    if !cfg!(target_os = "linux") || has_handlers(Path::new("/proc/sys/fs/binfmt_misc")) {
        return None;
    }
    check_machine(head, ours)
}

fn check_machine(head: &[u8], ours: u16) -> Option<&'static str> {
    match machine(head) {
        None => Some("is neither a program nor a script with a #! line"),
        Some(theirs) if theirs == ours || COMPATIBLE_MACHINES.contains(&(ours, theirs)) => None,
        Some(_) => Some("is a program for another kind of machine"),
    }
}

/// The machine that an ELF file is for.
fn machine(head: &[u8]) -> Option<u16> {
    let bytes: [u8; 2] = head.get(MACHINE)?.try_into().ok()?;
    let big_endian = head.get(5) == Some(&2);
    head.starts_with(ELF).then(|| match big_endian {
        true => u16::from_be_bytes(bytes),
        false => u16::from_le_bytes(bytes),
    })
}

fn own_head() -> Option<[u8; 20]> {
    let mut head = [0; 20];
    let mut file = File::open("/proc/self/exe").ok()?;
    file.read_exact(&mut head).ok()?;
    Some(head)
}

fn has_handlers(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name())
        .any(|name| name != "register" && name != "status")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u16) -> Vec<u8> {
        let mut head = ELF.to_vec();
        head.extend([2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
        head.extend(machine.to_le_bytes());
        head
    }

    #[test]
    fn programs_for_other_machines_and_other_files_are_told_apart() {
        let said = |head: &[u8]| check_machine(head, 62).unwrap_or("runs");
        assert_eq!(said(&elf(62)), "runs");
        assert_eq!(said(&elf(3)), "runs");
        assert!(said(&elf(183)).contains("another kind of machine"));
        // Files in the other byte order name their machine in it too.
        let mut big = elf(0x3e00);
        big[5] = 2;
        assert_eq!(said(&big), "runs");
        for other in [&elf(62)[..19], b"PK\x03\x04", b"\0", b""] {
            assert!(said(other).contains("neither"), "{other:?}");
        }
    }

    #[test]
    fn what_runs_this_test_runs() {
        let head = own_head().expect("our own executable can be read");
        assert_eq!(unsupported_reason(&head), None);
    }
}
