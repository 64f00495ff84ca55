//! Whether the kernel can execute a file that is not a script.
//!
//! This has to be known before the spawn: a file whose format the kernel rejects is run by the C
//! library's `execvp` with `/bin/sh`, which then reads a binary for another machine as a script.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

/// The magic number of an ELF file, and the bytes of its header with the machine (`e_machine`).
/// Source: System V ABI, ELF header.
const ELF_MAGIC: &[u8] = b"\x7fELF";
const MACHINE: std::ops::Range<usize> = 18..20;

/// Pairs of a machine and the other one whose programs its kernel executes: the 32-bit variants of
/// x86-64 and AArch64.
const COMPATIBLE_MACHINES: [(u16, u16); 2] = [(62, 3), (183, 40)];

/// Why the kernel does not execute a file with this header; `None` where it does, or where that
/// cannot be known.
pub(super) fn unsupported_reason(head: &[u8]) -> Option<&'static str> {
    static OWN: OnceLock<Option<u16>> = OnceLock::new();
    let own = (*OWN.get_or_init(|| machine(&own_header()?)))?;
    let reason = check_machine(head, own)?;
    // Handlers such as those of Wine or QEMU may execute any format.
    let is_known =
        cfg!(target_os = "linux") && !has_handlers(Path::new("/proc/sys/fs/binfmt_misc"));
    is_known.then_some(reason)
}

fn check_machine(head: &[u8], own: u16) -> Option<&'static str> {
    match machine(head) {
        None => Some("is neither a program nor a script with a #! line"),
        Some(other) if other == own || COMPATIBLE_MACHINES.contains(&(own, other)) => None,
        Some(_) => Some("is a program for another machine architecture"),
    }
}

/// The machine that an ELF file is for.
fn machine(head: &[u8]) -> Option<u16> {
    let bytes: [u8; 2] = head.get(MACHINE)?.try_into().ok()?;
    let big_endian = head.get(5) == Some(&2);
    head.starts_with(ELF_MAGIC).then(|| match big_endian {
        true => u16::from_be_bytes(bytes),
        false => u16::from_le_bytes(bytes),
    })
}

fn own_header() -> Option<[u8; 20]> {
    let mut head = [0; 20];
    let mut file = File::open("/proc/self/exe").ok()?;
    file.read_exact(&mut head).ok()?;
    Some(head)
}

fn has_handlers(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name())
        .any(|name| name != "register" && name != "status")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u16) -> Vec<u8> {
        let mut head = ELF_MAGIC.to_vec();
        head.extend([2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
        head.extend(machine.to_le_bytes());
        head
    }

    #[test]
    fn programs_for_other_machines_and_other_files_are_distinguished() {
        let reason = |head: &[u8]| check_machine(head, 62).unwrap_or("supported");
        assert_eq!(reason(&elf(62)), "supported");
        assert_eq!(reason(&elf(3)), "supported");
        assert!(reason(&elf(183)).contains("another machine architecture"));
        // The machine is in the byte order of the file.
        let mut big = elf(0x3e00);
        big[5] = 2;
        assert_eq!(reason(&big), "supported");
        for other in [&elf(62)[..19], b"PK\x03\x04", b"\0", b""] {
            assert!(reason(other).contains("neither"), "{other:?}");
        }
    }

    #[test]
    fn the_executable_of_this_test_is_supported() {
        let head = own_header().expect("the test's executable can be read");
        assert_eq!(unsupported_reason(&head), None);
    }
}
