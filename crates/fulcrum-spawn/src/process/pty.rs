//! A pseudo-terminal as the output of a process.
//!
//! It is not the controlling terminal of anything: the process stays in Fulcrum's session and in its
//! own group, so stop signals and Ctrl-C reach it as they reach one with pipes.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, ReadBuf};

use super::pidfd;
use crate::command::TerminalSize;

/// Opens a pseudo-terminal: the end that is read, and the end of the process.
///
/// # Errors
/// The system has no pseudo-terminal left, or none at all.
pub(super) fn open(size: TerminalSize) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let reader = openpt(flags)?;
    grantpt(&reader)?;
    unlockpt(&reader)?;
    let process_end = ioctl_tiocgptpeer(&reader, flags)?;
    let mut modes = tcgetattr(&process_end)?;
    // Bytes are read as they were written, and what is written is nobody's input.
    modes.output_modes.remove(OutputModes::OPOST);
    modes.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&process_end, OptionalActions::Now, &modes)?;
    tcsetwinsize(
        &process_end,
        Winsize {
            ws_row: size.rows,
            ws_col: size.columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        },
    )?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((reader, process_end))
}

/// The reading end of a pseudo-terminal. It ends when the last process that has it open is gone.
#[derive(Debug)]
pub struct TerminalReader(AsyncFd<OwnedFd>);

impl TerminalReader {
    /// Must be called on a tokio runtime.
    ///
    /// # Errors
    /// It cannot be watched.
    pub(super) fn new(reader: OwnedFd) -> io::Result<Self> {
        pidfd::watch(reader).map(Self)
    }
}

impl AsyncRead for TerminalReader {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(context))?;
            let read = guard.try_io(|terminal| {
                let free = buffer.initialize_unfilled();
                Ok(rustix::io::read(terminal.get_ref(), free)?)
            });
            match read {
                Ok(Ok(count)) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                // No process has the other end open any more, and all was read.
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}
