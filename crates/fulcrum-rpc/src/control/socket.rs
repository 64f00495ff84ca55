//! The control socket's file.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::runtime_dir::with_context;
use super::{InstanceLock, RuntimeDir};

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

/// Binds the control socket in place of whatever an earlier instance left there.
///
/// The lock is asked for as a witness: only the instance may replace the socket. The file
/// has mode 0600 before anybody can find it, whatever the process's umask is.
///
/// # Errors
/// Where the lock is another folder's, or the socket can't be bound.
pub fn bind_control(lock: &InstanceLock, dir: &RuntimeDir) -> io::Result<ControlListener> {
    if lock.path() != dir.lock_path() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "{} isn't the lock of {}",
                lock.path().display(),
                dir.dir().display()
            ),
        ));
    }
    let path = dir.socket();
    let fail =
        |error: &io::Error| with_context(error, "the control socket", &path, "can't be bound");
    // Bound under another name and renamed: it appears complete, and replaces in one step.
    let fresh = dir.dir().join("new.sock");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(&error)),
        _ => {}
    }
    let bind = || {
        let listener = UnixListener::bind(&fresh)?;
        listener.set_nonblocking(true)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
        let identity = identity(&fresh)?;
        fs::rename(&fresh, &path)?;
        Ok((listener, identity))
    };
    let (listener, identity) = bind().map_err(|error: io::Error| fail(&error))?;
    Ok(ControlListener {
        listener,
        file: SocketFile { path, identity },
    })
}

impl ControlListener {
    /// Where the socket is.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The listener for the runtime, which must be running, and the file to be removed.
    pub(crate) fn into_tokio(self) -> io::Result<(tokio::net::UnixListener, SocketFile)> {
        Ok((
            tokio::net::UnixListener::from_std(self.listener)?,
            self.file,
        ))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Only our own: another instance may have replaced it if the lock went first.
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
    fn a_stale_socket_is_replaced_and_ours_removed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let uid = rustix::process::getuid().as_raw();
        let dir = RuntimeDir::for_app(folder.path(), None, folder.path(), uid).expect("found");
        let lock = dir.try_lock().expect("free");
        // What a killed instance leaves: nothing removes the file when a listener is dropped.
        drop(UnixListener::bind(dir.socket()).expect("bound"));
        drop(UnixListener::bind(dir.dir().join("new.sock")).expect("bound"));
        let listener = bind_control(&lock, &dir).expect("bound");
        let mode = fs::metadata(dir.socket())
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        std::os::unix::net::UnixStream::connect(dir.socket()).expect("somebody listens");
        drop(listener);
        assert!(!dir.socket().exists());
    }

    #[test]
    fn the_lock_of_another_app_is_no_witness() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let uid = rustix::process::getuid().as_raw();
        let find = |name| {
            let root = folder.path().join(name);
            fs::create_dir(&root).expect("made");
            RuntimeDir::for_app(&root, None, folder.path(), uid).expect("found")
        };
        let (one, other) = (find("one"), find("other"));
        let lock = one.try_lock().expect("free");
        bind_control(&lock, &other).expect_err("not its lock");
        assert!(!other.socket().exists());
    }
}
