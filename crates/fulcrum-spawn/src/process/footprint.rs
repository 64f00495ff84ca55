//! The memory of this program itself: what only its start needed is given back.
#![expect(
    unsafe_code,
    reason = "neither the program headers nor the allocator have a safe interface"
)]

use std::ffi::{c_int, c_void};

/// `PF_W` of elf(5): the segment is writable.
const WRITABLE: u32 = 2;

/// Gives back the memory that this program does not use at the moment: free memory of the heap, and the
/// pages of its code, which are read again from the page cache when they are used. Of thirty megabytes
/// of code, most are needed to start, and few to wait.
pub fn release_unused_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
    // SAFETY: the callback has the type that the function expects, and uses no data.
    unsafe {
        libc::dl_iterate_phdr(Some(release_code), std::ptr::null_mut());
    }
}

/// Limits the heaps between which threads choose: each keeps memory of its own that no other thread
/// uses. To be called before there are threads.
pub fn limit_heaps() {
    /// Few enough to be small, and enough that a thread rarely waits for another.
    #[cfg(target_env = "gnu")]
    const HEAPS: c_int = 2;
    #[cfg(target_env = "gnu")]
    // SAFETY: it changes a setting of the allocator, and no other thread runs.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}

/// Releases the pages of one object that nobody has written to. Returns 1, so that the first object,
/// this program, is the only one: libraries are shared with other programs.
unsafe extern "C" fn release_code(
    object: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut c_void,
) -> c_int {
    // SAFETY: the C library passes a valid object, with an array of so many headers.
    let (base, headers) = unsafe {
        let object = &*object;
        let count = usize::from(object.dlpi_phnum);
        let headers = std::slice::from_raw_parts(object.dlpi_phdr, count);
        (object.dlpi_addr, headers)
    };
    // SAFETY: it only reads a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let Some(page) = usize::try_from(page).ok().filter(|page| *page > 0) else {
        return 1;
    };
    for header in headers {
        // What the loader may have written to, such as relocated addresses, has no other copy.
        if header.p_type != libc::PT_LOAD || header.p_flags & WRITABLE != 0 {
            continue;
        }
        let start = usize::try_from(base + header.p_vaddr).unwrap_or_default();
        let length = usize::try_from(header.p_memsz).unwrap_or_default();
        let (first, end) = (start.next_multiple_of(page), (start + length) / page * page);
        if first < end {
            let pages = std::ptr::with_exposed_provenance_mut::<c_void>(first);
            // SAFETY: the pages belong to a mapping of the program's file that is never written to.
            // They keep their content, which is that of the file.
            unsafe {
                libc::madvise(pages, end - first, libc::MADV_DONTNEED);
            }
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_constants_are_still_there_afterwards() {
        let before = format!("{:?}", "constants".repeat(100));
        release_unused_memory();
        assert_eq!(format!("{:?}", "constants".repeat(100)), before);
    }
}
