//! The control socket and its file.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::lock::InstanceLock;
use super::runtime_dir::{RuntimeDir, with_context};

/// The bound control socket. Dropping it removes its file.
#[derive(Debug)]
pub struct ControlListener {
    listener: UnixListener,
    file: SocketFile,
}

/// The socket's file, by path and identity.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

/// Binds the control socket, and replaces one that an earlier instance left.
///
/// The lock proves that the caller is the instance, which alone may replace the socket. The file
/// has mode 0600 before it is visible, whatever the process's umask is.
///
/// # Errors
/// If the lock belongs to another directory, or if binding the socket fails.
pub fn bind_control(lock: &InstanceLock, dir: &RuntimeDir) -> io::Result<ControlListener> {
    if lock.socket() != dir.socket() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "the lock in {} is not that of {}",
                lock.dir().display(),
                dir.dir().display()
            ),
        ));
    }
    let path = dir.socket();
    let fail = |error: &io::Error| with_context(error, "cannot bind the control socket", &path);
    // Bound under another name and renamed, which replaces the old socket in one step.
    let temporary = dir.dir().join("new.sock");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(&error)),
        _ => {}
    }
    let bind = || {
        let listener = UnixListener::bind(&temporary)?;
        listener.set_nonblocking(true)?;
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600))?;
        let identity = identity(&temporary)?;
        fs::rename(&temporary, &path)?;
        Ok((listener, identity))
    };
    let (listener, identity) = bind().map_err(|error: io::Error| fail(&error))?;
    Ok(ControlListener {
        listener,
        file: SocketFile { path, identity },
    })
}

impl ControlListener {
    /// The listener for the tokio runtime, which must be running, and the file to be removed.
    pub(crate) fn into_tokio(self) -> io::Result<(tokio::net::UnixListener, SocketFile)> {
        Ok((
            tokio::net::UnixListener::from_std(self.listener)?,
            self.file,
        ))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another instance may have replaced the file if the lock was released before.
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_socket_is_replaced_and_the_new_one_removed() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let uid = rustix::process::getuid().as_raw();
        let dir = RuntimeDir::for_app(temp.path(), None, temp.path(), uid).expect("found");
        let lock = dir.try_lock().expect("free");
        // As after a kill: dropping a listener does not remove its file.
        drop(UnixListener::bind(dir.socket()).expect("bound"));
        drop(UnixListener::bind(dir.dir().join("new.sock")).expect("bound"));
        let listener = bind_control(&lock, &dir).expect("bound");
        let mode = fs::metadata(dir.socket())
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        std::os::unix::net::UnixStream::connect(dir.socket()).expect("a listener");
        drop(listener);
        assert!(!dir.socket().exists());
    }

    #[test]
    fn the_lock_of_another_app_is_rejected() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let uid = rustix::process::getuid().as_raw();
        let find = |name| {
            let root = temp.path().join(name);
            fs::create_dir(&root).expect("made");
            RuntimeDir::for_app(&root, None, temp.path(), uid).expect("found")
        };
        let (one, other) = (find("one"), find("other"));
        let lock = one.try_lock().expect("free");
        bind_control(&lock, &other).expect_err("not its lock");
        assert!(!other.socket().exists());
    }
}
