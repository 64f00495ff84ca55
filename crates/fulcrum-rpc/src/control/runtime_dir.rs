//! The folder in which a running instance has its lock and its socket.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use sha2::{Digest, Sha256};

/// Socket paths end at 104 bytes on some systems (108 on Linux), the closing NUL included.
const MAX_SOCKET_PATH: usize = 103;

const SOCKET: &str = "control.sock";
const LOCK: &str = "lock";

/// The private folder of one app's instance. It exists, belongs to us, and is closed to
/// everybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeDir {
    dir: PathBuf,
}

impl RuntimeDir {
    /// Finds, and where need be makes, the folder of the app at `root`:
    /// `$XDG_RUNTIME_DIR/fulcrum/HASH`, or `fulcrum-UID/HASH` under `temp_dir` where that
    /// variable is unset, isn't the absolute path of a folder of ours, or would make the
    /// socket's path too long (then, at last, under `/tmp`). The hash is that of the root's
    /// path without symbolic links, so every way to name the app gives one folder.
    ///
    /// # Errors
    /// Where a folder can't be made, or belongs to somebody else, or is a symbolic link.
    pub fn for_app(
        root: &Path,
        env_xdg_runtime_dir: Option<&Path>,
        temp_dir: &Path,
        uid: u32,
    ) -> io::Result<Self> {
        let root = root
            .canonicalize()
            .map_err(|error| with_context(&error, "the app's root", root, "can't be found"))?;
        let hash = hash(&root);
        let private = format!("fulcrum-{uid}");
        let xdg = env_xdg_runtime_dir
            .filter(|dir| is_valid_runtime_dir(dir, uid))
            .map(|dir| dir.join("fulcrum"));
        let candidates = xdg
            .into_iter()
            .chain([temp_dir.join(&private), Path::new("/tmp").join(&private)]);
        for base in candidates {
            let dir = base.join(&hash);
            if dir.join(SOCKET).as_os_str().len() > MAX_SOCKET_PATH {
                continue;
            }
            make_private(&base, uid)?;
            make_private(&dir, uid)?;
            return Ok(Self { dir });
        }
        // Even under /tmp the path has 60 bytes.
        Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "no folder is short enough for a socket",
        ))
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of the control socket, at most 103 bytes long.
    pub fn socket(&self) -> PathBuf {
        self.dir.join(SOCKET)
    }

    /// The path of the file that the instance holds locked.
    pub fn lock_path(&self) -> PathBuf {
        self.dir.join(LOCK)
    }
}

/// Sixteen hex digits that stand for a root.
fn hash(root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_bytes());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether the variable names what the XDG specification asks for; else it says to ignore it.
fn is_valid_runtime_dir(dir: &Path, uid: u32) -> bool {
    dir.is_absolute()
        && dir
            .metadata()
            .is_ok_and(|found| found.is_dir() && found.uid() == uid)
}

/// Makes a folder for us alone, or sees that the one there is.
fn make_private(dir: &Path, uid: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(with_context(
                &error,
                "the runtime folder",
                dir,
                "can't be made",
            ));
        }
        _ => {}
    }
    // Looked at through one descriptor, so that it can't change in between.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    let open = rustix::fs::openat(CWD, dir, flags, Mode::empty()).map_err(|errno| {
        let what = "isn't a folder that can be used (a symbolic link, perhaps); remove it";
        with_context(&errno.into(), "the runtime folder", dir, what)
    })?;
    let found = File::from(open);
    let metadata = found.metadata()?;
    if metadata.uid() != uid {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let what = format!(
            "belongs to user {}, not to user {uid}; remove it, or set XDG_RUNTIME_DIR to a folder of yours",
            metadata.uid()
        );
        return Err(with_context(&denied, "the runtime folder", dir, &what));
    }
    if metadata.mode() & 0o777 != 0o700 {
        rustix::fs::fchmod(&found, Mode::RWXU)?;
    }
    Ok(())
}

/// An error of the same kind that says what, where and why.
pub(crate) fn with_context(error: &io::Error, what: &str, path: &Path, how: &str) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{what} {} {how}: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Scene {
        folder: tempfile::TempDir,
        uid: u32,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("temporary folder");
            for name in ["app", "run", "tmp"] {
                fs::create_dir(folder.path().join(name)).expect("made");
            }
            Self {
                folder,
                uid: rustix::process::getuid().as_raw(),
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn find(&self, xdg: Option<&Path>) -> io::Result<RuntimeDir> {
            RuntimeDir::for_app(&self.path("app"), xdg, &self.path("tmp"), self.uid)
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn every_way_to_name_an_app_gives_one_folder_and_apps_differ() {
        let scene = Scene::new();
        let run = scene.path("run");
        let found = scene.find(Some(&run)).expect("found");
        assert!(found.dir().starts_with(run.join("fulcrum")));
        assert_eq!(found.socket().parent(), Some(found.dir()));
        symlink(scene.path("app"), scene.path("link")).expect("linked");
        for other in ["link", "app/../app/."] {
            let again = RuntimeDir::for_app(
                &scene.path(other),
                Some(&run),
                &scene.path("tmp"),
                scene.uid,
            );
            assert_eq!(again.expect("found"), found, "{other}");
        }
        let other = RuntimeDir::for_app(
            &scene.path("tmp"),
            Some(&run),
            &scene.path("tmp"),
            scene.uid,
        );
        assert_ne!(other.expect("found"), found);
    }

    #[test]
    fn an_unusable_xdg_folder_is_ignored() {
        let scene = Scene::new();
        let expected = scene.path(&format!("tmp/fulcrum-{}", scene.uid));
        let missing = scene.path("missing");
        for xdg in [None, Some(Path::new("run")), Some(missing.as_path())] {
            let found = scene.find(xdg).expect("found");
            assert!(found.dir().starts_with(&expected), "{xdg:?}: {found:?}");
        }
    }

    #[test]
    fn a_path_too_long_for_a_socket_gives_way() {
        let scene = Scene::new();
        let long = scene.path(&format!("run/{}", "x".repeat(60)));
        fs::create_dir(&long).expect("made");
        let found = scene.find(Some(&long)).expect("found");
        assert!(!found.dir().starts_with(&long));
        assert!(found.socket().as_os_str().len() <= MAX_SOCKET_PATH);

        let found = RuntimeDir::for_app(&scene.path("app"), None, &long, scene.uid).expect("found");
        assert!(
            found
                .dir()
                .starts_with(format!("/tmp/fulcrum-{}", scene.uid)),
            "{found:?}"
        );
        fs::remove_dir(found.dir()).expect("removed");
    }

    #[test]
    fn the_folder_is_for_us_alone() {
        let scene = Scene::new();
        let base = scene.path("run/fulcrum");
        fs::create_dir(&base).expect("made");
        fs::set_permissions(&base, fs::Permissions::from_mode(0o777)).expect("opened");
        let found = scene.find(Some(&scene.path("run"))).expect("found");
        assert_eq!((mode(&base), mode(found.dir())), (0o700, 0o700));
    }

    #[test]
    fn a_link_or_a_file_in_its_place_is_refused_by_name() {
        let scene = Scene::new();
        let place = scene.path(&format!("tmp/fulcrum-{}", scene.uid));
        symlink(scene.path("run"), &place).expect("linked");
        let error = scene.find(None).expect_err("a link");
        assert!(
            error.to_string().contains(&place.display().to_string()),
            "{error}"
        );
        fs::remove_file(&place).expect("removed");
        fs::write(&place, "").expect("written");
        scene.find(None).expect_err("a file");
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        let scene = Scene::new();
        let other = scene.uid + 1;
        let base = scene.path(&format!("tmp/fulcrum-{other}"));
        fs::create_dir(&base).expect("made by us, for the other to find");
        let error = RuntimeDir::for_app(&scene.path("app"), None, &scene.path("tmp"), other)
            .expect_err("not theirs");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
