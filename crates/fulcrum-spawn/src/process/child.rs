//! Starts a child that shares this program's memory until it executes its program, as `vfork` does,
//! and is in its cgroup from its first moment.
//!
//! Both are about time. A fork copies the page tables of a program that may be large, and each page
//! that this program writes afterwards. A process that is moved to another cgroup waits for the
//! kernel to interrupt all others: 5 to 30 ms, measured, against 0.2 ms for one that begins there.
#![expect(
    unsafe_code,
    reason = "clone3 has no safe interface; the child runs on a stack of its own and never returns"
)]

use std::ffi::{CString, OsStr, c_char, c_int};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::descriptor_slots::DescriptorSlots;
use super::pre_exec::PreExec;
use crate::command::CommandSpec;

/// Of the child until it executes its program, in units of 16 bytes: 64 KiB. It needs a few hundred
/// bytes; what is not touched takes no memory.
const STACK_UNITS: usize = 4096;

/// The kernel's `CLONE_INTO_CGROUP`, which not every C library has.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// The kernel's `struct clone_args`, as Linux 5.7 has it.
#[repr(C, align(8))]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// What the child needs, prepared before it exists: it must not allocate.
pub(super) struct ChildImage<'a> {
    program: CString,
    cwd: CString,
    /// Own the texts that the pointers lead to.
    _texts: Vec<CString>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    /// Standard input, output and error.
    streams: [&'a OwnedFd; 3],
    pre_exec: &'a PreExec,
    /// The first descriptor that the child does not need, if it shares the table of this program
    /// until it has copied those before it.
    unneeded: Option<u32>,
    /// The error of the step that failed.
    errno: AtomicI32,
}

/// The outcome of a start.
pub(super) enum Started {
    /// The program runs.
    Child(Pid),
    /// There is none, and another way may work: the system has no such call, or refuses it.
    Unavailable,
}

impl<'a> ChildImage<'a> {
    /// `None` for a command that this way of starting does not serve: with a zero in a text, or
    /// without a path.
    pub(super) fn new(
        spec: &CommandSpec,
        streams: [&'a OwnedFd; 3],
        pre_exec: &'a PreExec,
        unneeded: Option<u32>,
    ) -> Option<Self> {
        let text = |text: &OsStr| CString::new(text.as_bytes()).ok();
        if !spec.program.is_absolute() || streams.iter().any(|stream| stream.as_raw_fd() <= 2) {
            return None;
        }
        let program = text(spec.program.as_os_str())?;
        let mut texts = vec![program.clone()];
        for argument in &spec.args {
            texts.push(text(argument)?);
        }
        let arguments = texts.len();
        for (name, value) in &spec.env {
            let mut pair = name.as_bytes().to_vec();
            pair.push(b'=');
            pair.extend_from_slice(value.as_bytes());
            texts.push(CString::new(pair).ok()?);
        }
        let pointers = |texts: &[CString]| -> Vec<*const c_char> {
            let pointers = texts.iter().map(|text| text.as_ptr());
            pointers.chain([std::ptr::null()]).collect()
        };
        Some(Self {
            program,
            cwd: text(spec.cwd.as_os_str())?,
            argv: pointers(&texts[..arguments]),
            envp: pointers(&texts[arguments..]),
            _texts: texts,
            streams,
            pre_exec,
            unneeded,
            errno: AtomicI32::new(0),
        })
    }

    /// Starts the child, in a cgroup or in that of this program. Returns once it executes its
    /// program, or has failed to.
    ///
    /// # Errors
    /// The step between the start and the program that the system refused.
    pub(super) fn start(&self, cgroup: Option<&File>) -> io::Result<Started> {
        let signals = BlockedSignals::block();
        let child = clone(self, cgroup);
        drop(signals);
        let Some(pid) = child else {
            return Ok(Started::Unavailable);
        };
        match self.errno.load(Ordering::Acquire) {
            0 => Ok(Started::Child(pid)),
            errno => {
                let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
                match errno {
                    // A script without #! is for the C library, which runs it with a shell.
                    libc::ENOEXEC => Ok(Started::Unavailable),
                    errno => Err(io::Error::from_raw_os_error(errno)),
                }
            }
        }
    }

    /// In the child: makes system calls only. Returns the error of the one that failed.
    fn execute(&self) -> c_int {
        if let Some(first) = self.unneeded
            && let Err(error) = DescriptorSlots::copy_table(first)
        {
            return error.raw_os_error();
        }
        for (stream, number) in self.streams.iter().zip(0..) {
            // SAFETY: dup2 takes numbers only.
            if unsafe { libc::dup2(stream.as_raw_fd(), number) } < 0 {
                return last_errno();
            }
        }
        // SAFETY: the path is a text that ends with a zero and outlives the call.
        if unsafe { libc::chdir(self.cwd.as_ptr()) } < 0 {
            return last_errno();
        }
        // SAFETY: setpgid takes numbers only.
        if unsafe { libc::setpgid(0, 0) } < 0 {
            return last_errno();
        }
        if let Err(error) = self.pre_exec.apply() {
            return error.raw_os_error().unwrap_or(libc::EINVAL);
        }
        // SAFETY: both lists end with a null pointer, and their texts outlive the call.
        unsafe {
            libc::execve(
                self.program.as_ptr(),
                self.argv.as_ptr(),
                self.envp.as_ptr(),
            )
        };
        last_errno()
    }
}

/// Of this thread, which the child shares.
fn last_errno() -> c_int {
    // SAFETY: the C library's variable of this thread, which exists as long as the thread.
    unsafe { *libc::__errno_location() }
}

/// Where the child begins. What it returns is its exit code, which nobody reads.
extern "C" fn child_main(image: *const ChildImage<'_>) -> c_int {
    // SAFETY: the parent waits in `clone` with the image borrowed.
    let image = unsafe { &*image };
    let errno = image.execute();
    image.errno.store(errno, Ordering::Release);
    127
}

/// Runs [`child_main`] in a child that shares all memory with this program, which waits until it
/// executes a program or exits. `None` if the system does not make one.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn clone(image: &ChildImage<'_>, cgroup: Option<&File>) -> Option<Pid> {
    let mut stack: Vec<MaybeUninit<u128>> = Vec::with_capacity(STACK_UNITS);
    let mut args = CloneArgs {
        flags: u64::from((libc::CLONE_VM | libc::CLONE_VFORK).unsigned_abs()),
        exit_signal: u64::from(libc::SIGCHLD.unsigned_abs()),
        stack: stack.as_mut_ptr() as u64,
        stack_size: (STACK_UNITS * size_of::<u128>()) as u64,
        ..CloneArgs::default()
    };
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::from(cgroup.as_raw_fd().unsigned_abs());
    }
    if image.unneeded.is_some() {
        args.flags |= u64::from(libc::CLONE_FILES.unsigned_abs());
    }
    // SAFETY: the child runs on a stack that nobody else uses and that outlives it here, executes
    // only `child_main`, and never returns from this block. The parent continues after that.
    let result = unsafe { clone3(&raw const args, size_of::<CloneArgs>(), image) };
    drop(stack);
    // A failure is a negative number: that of its error.
    let pid = i32::try_from(result).ok().filter(|pid| *pid > 0);
    pid.and_then(Pid::from_raw)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn clone(_: &ChildImage<'_>, _: Option<&File>) -> Option<Pid> {
    let _ = (child_main, MaybeUninit::<[u128; STACK_UNITS]>::uninit);
    None
}

#[cfg(target_arch = "x86_64")]
unsafe fn clone3(args: *const CloneArgs, size: usize, image: *const ChildImage<'_>) -> i64 {
    let result;
    // SAFETY: see the caller.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            // The child. Its frame is the first one.
            "xor ebp, ebp",
            "mov rdi, r8",
            "call r9",
            "mov edi, eax",
            "mov eax, {exit}",
            "syscall",
            "ud2",
            "2:",
            exit = const libc::SYS_exit_group,
            inlateout("rax") libc::SYS_clone3 => result,
            in("rdi") args,
            in("rsi") size,
            in("r8") image,
            in("r9") child_main as extern "C" fn(_) -> _,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

#[cfg(target_arch = "aarch64")]
unsafe fn clone3(args: *const CloneArgs, size: usize, image: *const ChildImage<'_>) -> i64 {
    let result;
    // SAFETY: see the caller.
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            // The child. Its frame is the first one.
            "mov x29, xzr",
            "mov x0, x9",
            "blr x10",
            "mov x8, {exit}",
            "svc #0",
            "brk #1",
            "2:",
            exit = const libc::SYS_exit_group,
            inlateout("x0") args => result,
            in("x1") size,
            in("x8") libc::SYS_clone3,
            in("x9") image,
            in("x10") child_main as extern "C" fn(_) -> _,
        );
    }
    result
}

/// Blocks all signals of this thread until it is dropped: a handler that ran in the child would do
/// so in the memory of this program. The child has none any more when it unblocks them.
struct BlockedSignals {
    before: libc::sigset_t,
}

impl BlockedSignals {
    fn block() -> Self {
        let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: both sets are written before they are read.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            Self {
                before: before.assume_init(),
            }
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the set was initialized, and nothing is written without a third argument.
        unsafe {
            libc::pthread_sigmask(
                libc::SIG_SETMASK,
                &raw const self.before,
                std::ptr::null_mut(),
            );
        }
    }
}

/// The directory of a cgroup, for [`ChildImage::start`].
pub(super) fn open_cgroup(dir: &Path) -> Option<File> {
    File::open(dir).ok()
}
