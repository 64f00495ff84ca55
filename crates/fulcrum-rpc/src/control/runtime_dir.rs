//! Where an app's instance has its lock and its socket.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use sha2::{Digest, Sha256};

/// The longest path of a socket, in bytes. The limit is 104 bytes on some systems (108 on Linux),
/// with the final NUL.
const MAX_SOCKET_PATH: usize = 103;

pub(super) const SOCKET: &str = "control.sock";
pub(super) const LOCK: &str = "lock";

/// The directory in an app that keeps its lock, its logs and the like.
pub(super) const STATE_DIR: &str = ".fulcrum";

/// Where an app that cannot be written has its lock. Not `TMPDIR`: the place must not depend on the
/// environment.
const FALLBACKS: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Where one app's instance has its lock and its socket.
///
/// The lock lies in the app, so whoever starts an instance or looks for one finds the same lock,
/// whatever the environment is. The lock names the socket, so the environment may choose where
/// that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeDir {
    /// The app's root, without symbolic links.
    root: PathBuf,
    /// The private directory of the socket that an instance with this environment opens.
    dir: PathBuf,
    /// The lock in the app, and those of an app that cannot be written.
    lock: PathBuf,
    fallback_locks: Vec<PathBuf>,
    uid: u32,
}

impl RuntimeDir {
    /// Finds the places of the app at `root`. Creates nothing.
    ///
    /// The lock is `.fulcrum/lock` in the app. Where that cannot be written, it is
    /// `fulcrum-UID/HASH/lock` under `/tmp` (or `/var/tmp`, `/dev/shm`).
    ///
    /// The socket's directory is `$XDG_RUNTIME_DIR/fulcrum/HASH` if that variable is the absolute
    /// path of a directory of user `uid`. Otherwise, or if the socket's path would be too long, it
    /// is `fulcrum-UID/HASH` under `temp_dir`, or at last under `/tmp`. The hash is that of the
    /// root's path without symbolic links, so every path of an app has the same directory.
    ///
    /// # Errors
    /// If the root does not exist.
    pub fn for_app(
        root: &Path,
        env_xdg_runtime_dir: Option<&Path>,
        temp_dir: &Path,
        uid: u32,
    ) -> io::Result<Self> {
        let root = root
            .canonicalize()
            .map_err(|error| with_context(&error, "cannot resolve the app's root", root))?;
        let hash = hash(&root);
        let user_dir = format!("fulcrum-{uid}");
        let xdg = env_xdg_runtime_dir
            .filter(|dir| is_valid_runtime_dir(dir, uid))
            .map(|dir| dir.join("fulcrum"));
        let candidates = xdg
            .into_iter()
            .chain([temp_dir.join(&user_dir), Path::new("/tmp").join(&user_dir)]);
        let dir = candidates
            .map(|base| base.join(&hash))
            .find(|dir| dir.join(SOCKET).as_os_str().len() <= MAX_SOCKET_PATH)
            .ok_or_else(|| {
                // Not reached: under /tmp the path has 60 bytes.
                io::Error::new(
                    io::ErrorKind::InvalidFilename,
                    "no directory has a path short enough for a socket",
                )
            })?;
        let fallback_locks = FALLBACKS
            .iter()
            .map(|base| Path::new(base).join(&user_dir).join(&hash).join(LOCK))
            .collect();
        Ok(Self {
            lock: root.join(STATE_DIR).join(LOCK),
            root,
            dir,
            fallback_locks,
            uid,
        })
    }

    /// Creates the socket's directory, with mode 0700.
    ///
    /// # Errors
    /// If it cannot be created, belongs to another user, or is a symbolic link.
    pub fn prepare(&self) -> io::Result<()> {
        ensure_private_with_parent(&self.dir, self.uid)
    }

    /// The private directory of the socket.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of the control socket that an instance with this environment opens. It has at most
    /// 103 bytes. A running instance may have another one; its lock names it.
    pub fn socket(&self) -> PathBuf {
        self.dir.join(SOCKET)
    }

    /// The path of the file in the app that the instance keeps locked.
    pub fn lock_path(&self) -> &Path {
        &self.lock
    }

    /// The locks of an app that cannot be written.
    pub(super) fn fallback_locks(&self) -> &[PathBuf] {
        &self.fallback_locks
    }

    /// The app's root.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The user who looks for the instance.
    pub(super) fn uid(&self) -> u32 {
        self.uid
    }

    #[cfg(test)]
    pub(super) fn with_fallback(mut self, base: &Path) -> Self {
        self.fallback_locks = vec![base.join("user").join("app").join(LOCK)];
        self
    }
}

/// Creates a private directory in a private directory, or checks the existing ones.
pub(super) fn ensure_private_with_parent(dir: &Path, uid: u32) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        ensure_private(parent, uid)?;
    }
    ensure_private(dir, uid)
}

/// Sixteen hexadecimal digits that identify a root.
fn hash(root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_bytes());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether the variable is valid. The XDG specification requires to ignore it otherwise.
fn is_valid_runtime_dir(dir: &Path, uid: u32) -> bool {
    dir.is_absolute()
        && dir
            .metadata()
            .is_ok_and(|found| found.is_dir() && found.uid() == uid)
}

/// Creates a private directory, or checks that the existing one is private.
fn ensure_private(dir: &Path, uid: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(with_context(
                &error,
                "cannot create the runtime directory",
                dir,
            ));
        }
        _ => {}
    }
    // Checked through one descriptor, so that the directory cannot be replaced in between.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    let open = rustix::fs::openat(CWD, dir, flags, Mode::empty()).map_err(|errno| {
        let what = "cannot use the runtime directory (it may be a symbolic link)";
        let error = with_context(&errno.into(), what, dir);
        with_hint(&error, &format!("remove {}", dir.display()))
    })?;
    let open = File::from(open);
    let metadata = open.metadata()?;
    if metadata.uid() != uid {
        let owner = metadata.uid();
        let denied = io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("it belongs to user {owner}, not to user {uid}"),
        );
        let error = with_context(&denied, "cannot use the runtime directory", dir);
        let hint = "remove it, or set XDG_RUNTIME_DIR to a directory of your own";
        return Err(with_hint(&error, hint));
    }
    if metadata.mode() & 0o777 != 0o700 {
        rustix::fs::fchmod(&open, Mode::RWXU)?;
    }
    Ok(())
}

/// An error of the same kind, with what failed and the path before its text.
pub(crate) fn with_context(error: &io::Error, what: &str, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.display()))
}

/// An error of the same kind, with a hint after its text.
fn with_hint(error: &io::Error, hint: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{error}\n  hint: {hint}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct TestDirs {
        temp: tempfile::TempDir,
        uid: u32,
    }

    impl TestDirs {
        fn new() -> Self {
            let temp = tempfile::tempdir().expect("temporary directory");
            for name in ["app", "run", "tmp"] {
                fs::create_dir(temp.path().join(name)).expect("created");
            }
            Self {
                temp,
                uid: rustix::process::getuid().as_raw(),
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.temp.path().join(name)
        }

        fn find(&self, xdg: Option<&Path>) -> io::Result<RuntimeDir> {
            let dir = RuntimeDir::for_app(&self.path("app"), xdg, &self.path("tmp"), self.uid)?;
            dir.prepare()?;
            Ok(dir)
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn every_path_of_an_app_has_one_directory_and_apps_differ() {
        let dirs = TestDirs::new();
        let run = dirs.path("run");
        let found = dirs.find(Some(&run)).expect("found");
        assert!(found.dir().starts_with(run.join("fulcrum")));
        assert_eq!(found.socket().parent(), Some(found.dir()));
        symlink(dirs.path("app"), dirs.path("link")).expect("linked");
        for other in ["link", "app/../app/."] {
            let again =
                RuntimeDir::for_app(&dirs.path(other), Some(&run), &dirs.path("tmp"), dirs.uid);
            assert_eq!(again.expect("found"), found, "{other}");
        }
        let other = RuntimeDir::for_app(&dirs.path("tmp"), Some(&run), &dirs.path("tmp"), dirs.uid);
        assert_ne!(other.expect("found"), found);
    }

    #[test]
    fn the_lock_does_not_depend_on_the_environment() {
        let dirs = TestDirs::new();
        let locks = |dir: RuntimeDir| (dir.lock.clone(), dir.fallback_locks);
        let other = RuntimeDir::for_app(&dirs.path("app"), None, Path::new("/var/tmp"), dirs.uid);
        let one = dirs.find(Some(&dirs.path("run"))).expect("found");
        assert!(one.lock_path().ends_with("app/.fulcrum/lock"), "{one:?}");
        assert_eq!(locks(one), locks(other.expect("found")));
    }

    #[test]
    fn looking_for_an_instance_creates_nothing() {
        let dirs = TestDirs::new();
        let run = dirs.path("run");
        RuntimeDir::for_app(&dirs.path("app"), Some(&run), &dirs.path("tmp"), dirs.uid)
            .expect("found");
        for name in ["app", "run", "tmp"] {
            let entries = fs::read_dir(dirs.path(name)).expect("readable").count();
            assert_eq!(entries, 0, "{name}");
        }
    }

    #[test]
    fn an_invalid_xdg_runtime_dir_is_ignored() {
        let dirs = TestDirs::new();
        let expected = dirs.path(&format!("tmp/fulcrum-{}", dirs.uid));
        let missing = dirs.path("missing");
        for xdg in [None, Some(Path::new("run")), Some(missing.as_path())] {
            let found = dirs.find(xdg).expect("found");
            assert!(found.dir().starts_with(&expected), "{xdg:?}: {found:?}");
        }
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_not_used() {
        let dirs = TestDirs::new();
        let long = dirs.path(&format!("run/{}", "x".repeat(60)));
        fs::create_dir(&long).expect("created");
        let found = dirs.find(Some(&long)).expect("found");
        assert!(!found.dir().starts_with(&long));
        assert!(found.socket().as_os_str().len() <= MAX_SOCKET_PATH);

        let found = RuntimeDir::for_app(&dirs.path("app"), None, &long, dirs.uid).expect("found");
        assert!(
            found
                .dir()
                .starts_with(format!("/tmp/fulcrum-{}", dirs.uid)),
            "{found:?}"
        );
    }

    #[test]
    fn the_directory_is_private() {
        let dirs = TestDirs::new();
        let base = dirs.path("run/fulcrum");
        fs::create_dir(&base).expect("created");
        fs::set_permissions(&base, fs::Permissions::from_mode(0o777)).expect("opened");
        let found = dirs.find(Some(&dirs.path("run"))).expect("found");
        assert_eq!((mode(&base), mode(found.dir())), (0o700, 0o700));
    }

    #[test]
    fn a_link_or_a_file_at_its_path_is_rejected_by_name() {
        let dirs = TestDirs::new();
        let path = dirs.path(&format!("tmp/fulcrum-{}", dirs.uid));
        symlink(dirs.path("run"), &path).expect("linked");
        let error = dirs.find(None).expect_err("a link");
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
        fs::remove_file(&path).expect("removed");
        fs::write(&path, "").expect("written");
        dirs.find(None).expect_err("a file");
    }

    #[test]
    fn a_directory_of_another_user_is_rejected() {
        let dirs = TestDirs::new();
        let other = dirs.uid + 1;
        let base = dirs.path(&format!("tmp/fulcrum-{other}"));
        fs::create_dir(&base).expect("created");
        let error = RuntimeDir::for_app(&dirs.path("app"), None, &dirs.path("tmp"), other)
            .expect("the app exists")
            .prepare()
            .expect_err("not theirs");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
