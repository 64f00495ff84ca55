//! Detects that the reader of standard output is gone.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::oneshot;

/// Resolves when the reader of standard output is gone, so that a command that follows a quiet
/// source ends with its reader and not at the next line. Never resolves if standard output is
/// neither a pipe nor a terminal.
pub(crate) async fn stdout_closed() {
    let (sender, receiver) = oneshot::channel();
    // Not every file can be in an epoll set, but every one can be polled, by a thread that ends
    // with the process.
    std::thread::spawn(move || {
        let stdout = std::io::stdout();
        // Errors and hang-ups are always reported.
        let mut files = [PollFd::new(&stdout, PollFlags::empty())];
        loop {
            match poll(&mut files, None) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => break,
                // The next write will fail.
                Err(_) => return std::mem::forget(sender),
            }
        }
        // The receiver is gone if the command has ended.
        let _ = sender.send(());
    });
    let _ = receiver.await;
}
