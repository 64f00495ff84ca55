//! Looks up programs in PATH, and explains why a file cannot be executed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::binary;
use crate::StartError;

/// The first executable file of this name in the directories of `path` (the value of `PATH`).
/// Relative directories are skipped: they depend on the working directory.
pub(super) fn find_in_path(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    directories(path)
        .map(|dir| dir.join(name))
        .find(|candidate| is_executable(candidate))
}

/// A program that is given as a path, or as a name that is looked up in `path`; one that is not found
/// stays as it is.
#[cfg(feature = "node")]
pub(super) fn named_program(program: &Path, path: &OsStr) -> PathBuf {
    let is_name = program.components().count() == 1 && program.is_relative();
    let found = is_name.then(|| find_in_path(program.as_os_str(), path));
    found.flatten().unwrap_or_else(|| program.to_path_buf())
}

/// The first file of this name in `path`, executable or not.
pub(super) fn find_file_in_path(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    directories(path)
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}

fn directories(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path).filter(|dir| dir.is_absolute())
}

/// Whether this process may execute the file.
pub(super) fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Checks that `path` can be executed. `role` says in messages what it is, such as `process.node`.
///
/// # Errors
/// A permanent failure with the reason.
pub(super) fn check_executable(path: &Path, role: &str) -> Result<(), StartError> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let dangling = path.symlink_metadata().is_ok();
            let what = if dangling {
                "is a dangling symbolic link"
            } else {
                "does not exist"
            };
            return Err(StartError::permanent(format!("{role}: {shown} {what}"))
                .hint("correct the path, or install the program"));
        }
        Err(error) => {
            return Err(
                StartError::permanent(format!("{role}: cannot read {shown}: {error}"))
                    .hint("check the permissions of its parent directories"),
            );
        }
        Ok(meta) if meta.is_dir() => {
            return Err(StartError::permanent(format!(
                "{role}: {shown} is a directory, not a program"
            ))
            .hint("name a program in it"));
        }
        Ok(_) => {}
    }
    if !is_executable(path) {
        return Err(
            StartError::permanent(format!("{role}: {shown} is not executable"))
                .hint(format!("chmod +x {shown}")),
        );
    }
    check_format(path, role)
}

/// Checks that the interpreter of a script exists, since the kernel reports a missing interpreter
/// like a missing script, and that any other file is a program for this machine.
fn check_format(path: &Path, role: &str) -> Result<(), StartError> {
    let shown = path.display();
    let mut head = [0; 256];
    let Some(head) = File::open(path).ok().and_then(|mut file| {
        let length = file.read(&mut head).ok()?;
        Some(&head[..length])
    }) else {
        // Executable but not readable is legal for a binary.
        return Ok(());
    };
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let interpreter = line
            .trim_ascii()
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .next();
        let text = interpreter.unwrap_or_default();
        let carriage_return = line.ends_with(b"\r");
        let interpreter = Path::new(OsStr::from_bytes(text));
        if text.is_empty() || !is_executable(interpreter) || carriage_return {
            let why = if carriage_return {
                "ends its first line with a carriage return, so its interpreter is not found"
            } else {
                "names an interpreter that does not exist or is not executable"
            };
            let interpreter = interpreter.display();
            return Err(
                StartError::permanent(format!("{role}: {shown} {why}: #!{interpreter}"))
                    .hint("correct its first line, or install the interpreter"),
            );
        }
        return Ok(());
    }
    let is_text = !head.is_empty() && !head.contains(&0) && std::str::from_utf8(head).is_ok();
    if head.is_empty() || is_text {
        return Err(StartError::permanent(format!(
            "{role}: {shown} is a text file without a #! line, so it cannot be executed"
        ))
        .hint("add a first line such as #!/usr/bin/env node, or name the interpreter first"));
    }
    match binary::unsupported_reason(head) {
        None => Ok(()),
        Some(why) => Err(StartError::permanent(format!("{role}: {shown} {why}"))
            .hint("build it for this machine, or name the program that runs it first")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn script(dir: &Path, name: &str, content: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn each_reason_has_its_own_message() {
        let dir = tempfile::tempdir().unwrap();
        let message = |name: &str, content: &str, mode| {
            check_executable(&script(dir.path(), name, content, mode), "command")
                .unwrap_err()
                .message
        };
        assert!(message("plain", "#!/bin/sh\n", 0o644).contains("not executable"));
        assert!(message("noint", "#!/no/such thing\n", 0o755).contains("#!/no/such"));
        assert!(message("dos", "#!/bin/sh\r\necho", 0o755).contains("carriage return"));
        assert!(message("bare", "echo hi\n", 0o755).contains("without a #! line"));
        assert!(message("empty", "", 0o755).contains("without a #! line"));
        assert!(
            check_executable(&dir.path().join("gone"), "command")
                .unwrap_err()
                .message
                .contains("not exist")
        );
        assert!(
            check_executable(dir.path(), "command")
                .unwrap_err()
                .message
                .contains("directory")
        );
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        let dangling = check_executable(&dir.path().join("link"), "command").unwrap_err();
        assert!(dangling.message.contains("dangling symbolic link") && dangling.permanent);
        check_executable(&script(dir.path(), "fine", "#!/bin/sh\n", 0o755), "command").unwrap();
        check_executable(Path::new("/bin/sh"), "command").unwrap();
    }

    #[test]
    fn files_that_are_not_executable_and_relative_directories_are_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::create_dir_all(&a).unwrap();
        fs::create_dir_all(b.join("node")).unwrap();
        fs::write(a.join("node"), "").unwrap();
        let path = std::env::join_paths([Path::new("."), &a, &b]).unwrap();
        assert_eq!(find_in_path("node".as_ref(), &path), None);
        assert_eq!(
            find_file_in_path("node".as_ref(), &path),
            Some(a.join("node"))
        );
    }
}
