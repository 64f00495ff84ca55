//! Whether anybody still reads standard output.

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::oneshot;

/// Ends when the reader of standard output is gone, so that following something quiet ends with
/// it and not at the next line, which may never come. Where standard output isn't a pipe or a
/// terminal it never ends.
pub(crate) async fn stdout_closed() {
    let (tell, told) = oneshot::channel();
    // Not every file can be in an epoll set, but every one can be polled, by a thread that ends
    // with the process.
    std::thread::spawn(move || {
        let stdout = std::io::stdout();
        // Errors and hang-ups are reported without being asked for.
        let mut files = [PollFd::new(&stdout, PollFlags::empty())];
        loop {
            match poll(&mut files, None) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => break,
                // Then it is found out at the next write.
                Err(_) => return std::mem::forget(tell),
            }
        }
        // Nobody listens once the command has ended.
        let _ = tell.send(());
    });
    let _ = told.await;
}
