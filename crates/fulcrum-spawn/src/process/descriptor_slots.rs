//! Three low descriptor numbers for the streams of the next child.
//!
//! A child gets a copy of its parent's descriptors, and closes them when it executes its program. An
//! instance has about five for each domain, so the thousandth start would copy and close 5,000. With
//! its streams at low numbers, a child shares the table until it copies only those up to them.
#![expect(
    unsafe_code,
    reason = "close_range with its flag to copy the table has no safe interface"
)]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{DupFlags, Errno, dup3};

/// The kernel's `CLOSE_RANGE_UNSHARE`: the caller continues with a table of its own, into which the
/// range is not even copied.
const CLOSE_RANGE_UNSHARE: u32 = 1 << 1;

/// The reserved numbers. They refer to `/dev/null` except during a start.
#[derive(Debug)]
pub(super) struct DescriptorSlots {
    null: OwnedFd,
    slots: [OwnedFd; 3],
}

impl DescriptorSlots {
    /// To be called while few descriptors are open. `None` on a system without `close_range`
    /// (before Linux 5.9, or where a filter refuses it), or without descriptors.
    pub(super) fn reserve() -> Option<Self> {
        let null = || open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).ok();
        let slots = [null()?, null()?, null()?];
        let null = null()?;
        // A range that has no descriptor: only whether there is such a call.
        close_range(u32::MAX, 0).ok()?;
        let is_usable = slots.iter().all(|slot| slot.as_raw_fd() > 2);
        is_usable.then_some(Self { null, slots })
    }

    /// Duplicates the streams of a child to the reserved numbers, until the result is dropped.
    ///
    /// # Errors
    /// The operating system refuses it.
    pub(super) fn fill(&mut self, streams: &[OwnedFd; 3]) -> Result<FilledSlots<'_>, Errno> {
        let filled = FilledSlots { slots: self };
        for (slot, stream) in filled.slots.slots.iter_mut().zip(streams) {
            dup3(stream, slot, DupFlags::CLOEXEC)?;
        }
        Ok(filled)
    }

    /// In a child that shares its parent's table: continues with one of its own that ends before
    /// `first`. Makes one system call.
    pub(super) fn copy_table(first: u32) -> Result<(), Errno> {
        close_range(first, CLOSE_RANGE_UNSHARE)
    }
}

/// The streams of a child at the reserved numbers.
pub(super) struct FilledSlots<'a> {
    slots: &'a mut DescriptorSlots,
}

impl FilledSlots<'_> {
    /// Standard input, output and error.
    pub(super) fn streams(&self) -> [&OwnedFd; 3] {
        self.slots.slots.each_ref()
    }

    /// The first number after them.
    pub(super) fn end(&self) -> Option<u32> {
        let numbers = self.slots.slots.iter().map(AsRawFd::as_raw_fd);
        numbers.max().map(|last| last.unsigned_abs() + 1)
    }
}

impl Drop for FilledSlots<'_> {
    fn drop(&mut self) {
        // A pipe that stayed here would not end with its child.
        for slot in &mut self.slots.slots {
            // Neither number is ever closed, and one that replaces another needs no room.
            let _ = dup3(self.slots.null.as_fd(), slot, DupFlags::CLOEXEC);
        }
    }
}

/// Closes the descriptors from `first` on.
fn close_range(first: u32, flags: u32) -> Result<(), Errno> {
    // SAFETY: close_range takes numbers only. Only a child between its start and its program, which
    // uses no descriptor that an object owns, calls this with a range that contains any.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) };
    match result {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    #[test]
    fn a_pipe_ends_once_the_streams_are_replaced() {
        let Some(mut slots) = DescriptorSlots::reserve() else {
            // A system without close_range has no slots to test.
            return;
        };
        let pipe = || pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        let ((read, write), (_, second), (third, _)) = (pipe(), pipe(), pipe());
        let streams = [third, write, second];
        let filled = slots.fill(&streams).expect("three duplicates");
        let numbers = filled.streams().map(AsRawFd::as_raw_fd);
        let end = filled.end().and_then(|end| i32::try_from(end).ok());
        assert_eq!(end, numbers.iter().max().map(|last| last + 1));
        drop(streams);
        drop(filled);
        let mut text = Vec::new();
        let end = std::fs::File::from(read).read_to_end(&mut text);
        assert_eq!((end.expect("readable"), text), (0, Vec::new()));
    }
}
