//! The directory of an instance's lock and socket.

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

const SOCKET: &str = "control.sock";
const LOCK: &str = "lock";

/// The private directory of one app's instance. It exists, belongs to the current user, and has
/// mode 0700.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeDir {
    dir: PathBuf,
}

impl RuntimeDir {
    /// Finds the directory of the app at `root`, and creates it if it does not exist.
    ///
    /// It is `$XDG_RUNTIME_DIR/fulcrum/HASH` if that variable is the absolute path of a directory
    /// of user `uid`. Otherwise, or if the socket's path would be too long, it is
    /// `fulcrum-UID/HASH` under `temp_dir`, or at last under `/tmp`. The hash is that of the root's
    /// path without symbolic links, so every path of an app has the same directory.
    ///
    /// # Errors
    /// If a directory cannot be created, belongs to another user, or is a symbolic link.
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
        for base in candidates {
            let dir = base.join(&hash);
            if dir.join(SOCKET).as_os_str().len() > MAX_SOCKET_PATH {
                continue;
            }
            ensure_private(&base, uid)?;
            ensure_private(&dir, uid)?;
            return Ok(Self { dir });
        }
        // Not reached: under /tmp the path has 60 bytes.
        Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "no directory has a path short enough for a socket",
        ))
    }

    /// The path of the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of the control socket. It has at most 103 bytes.
    pub fn socket(&self) -> PathBuf {
        self.dir.join(SOCKET)
    }

    /// The path of the file that the instance keeps locked.
    pub fn lock_path(&self) -> PathBuf {
        self.dir.join(LOCK)
    }
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
            RuntimeDir::for_app(&self.path("app"), xdg, &self.path("tmp"), self.uid)
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
        fs::remove_dir(found.dir()).expect("removed");
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
            .expect_err("not theirs");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
