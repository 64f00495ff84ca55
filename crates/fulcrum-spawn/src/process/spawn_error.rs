//! Why the operating system rejected a process, and what has to be done.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::code::Code;
use crate::command::CommandSpec;
use crate::start_error::StartError;

/// The longest single argument or variable that Linux passes on: `MAX_ARG_STRLEN`.
const MAX_STRING: usize = 128 * 1024;

/// The longest name of a file: `NAME_MAX`.
const MAX_NAME: usize = 255;

/// Explains the error of the operating system by what has to be done.
pub(super) fn spawn_error(spec: &CommandSpec, error: &io::Error) -> StartError {
    explain(spec, error).code(Code::CannotRun)
}

fn explain(spec: &CommandSpec, error: &io::Error) -> StartError {
    let program = spec.program.display();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::TOOBIG) => too_big(spec),
        Some(Errno::NAMETOOLONG) => too_long(spec),
        Some(Errno::NOENT | Errno::NOTDIR) if !spec.cwd.is_dir() => StartError::permanent(format!(
            "working directory {} does not exist",
            spec.cwd.display()
        ))
        .hint("create it or correct `process.cwd`"),
        Some(Errno::NOENT) if spec.program.exists() => {
            StartError::permanent(format!("the interpreter of {program} does not exist"))
                .hint("correct its first line, #!…")
        }
        Some(Errno::NOENT | Errno::NOTDIR) => {
            StartError::permanent(format!("program {program} does not exist"))
        }
        Some(Errno::ACCESS | Errno::PERM) => not_permitted(spec),
        Some(Errno::LOOP) => {
            StartError::permanent(format!("{program} is a symbolic link that leads to itself"))
        }
        Some(Errno::NOEXEC) => StartError::permanent(format!(
            "{program} is neither an executable nor a script with #!"
        )),
        _ => StartError::from_io(format!("cannot start {program}: {error}"), error),
    }
}

/// The largest of the arguments and variables, and the size of all of them.
fn too_big(spec: &CommandSpec) -> StartError {
    let variables = spec.env.iter().map(|(name, value)| {
        let size = name.len() + value.len() + 2;
        (size, format!("variable {}", name.to_string_lossy()))
    });
    let arguments = spec.args.iter().zip(1..);
    let arguments = arguments.map(|(argument, at)| (argument.len() + 1, format!("argument {at}")));
    let strings: Vec<(usize, String)> = variables.chain(arguments).collect();
    let total: usize = strings.iter().map(|(size, _)| size).sum();
    let (size, name) = strings.into_iter().max().unwrap_or_default();
    let program = spec.program.display();
    let limit = if size > MAX_STRING {
        format!("{name} has {} KiB, and one may have 128 KiB", size / 1024)
    } else {
        format!(
            "arguments and environment have {} KiB together, the largest is {name} with {} KiB",
            total / 1024,
            size / 1024
        )
    };
    StartError::permanent(format!("cannot start {program}: {limit}")).hint(
        "pass large values in a file, or remove what the domain does not need from its environment",
    )
}

fn too_long(spec: &CommandSpec) -> StartError {
    let has_long_name = |path: &Path| path.iter().any(|name| name.len() > MAX_NAME);
    let (path, key) = if has_long_name(&spec.cwd) {
        (&spec.cwd, "process.cwd")
    } else {
        (&spec.program, "process.command")
    };
    let longest = path
        .iter()
        .max_by_key(|name| name.len())
        .unwrap_or_default();
    let shown: String = longest.to_string_lossy().chars().take(40).collect();
    StartError::permanent(format!(
        "cannot start {}: the path has {} bytes, its name {shown}… has {}; a name may have 255 bytes \
         and a path 4096",
        shorten(&spec.program),
        path.as_os_str().len(),
        longest.len()
    ))
    .hint(format!("shorten it, or correct {key}"))
}

fn not_permitted(spec: &CommandSpec) -> StartError {
    let program = spec.program.display();
    if access(&spec.cwd, Access::EXEC_OK).is_err() {
        let cwd = spec.cwd.display();
        return StartError::permanent(format!("the working directory {cwd} cannot be entered"))
            .hint(format!("chmod +x {cwd}, or correct `process.cwd`"));
    }
    if access(&spec.program, Access::EXEC_OK).is_ok() {
        // The file itself may be executed, so its interpreter may not.
        return match interpreter(&spec.program) {
            Some(interpreter) => StartError::permanent(format!(
                "{} is the interpreter of {program}, and not executable",
                interpreter.display()
            ))
            .hint("correct its first line, #!…"),
            None => StartError::permanent(format!("the system does not permit to run {program}"))
                .hint("look for a security policy that forbids it"),
        };
    }
    StartError::permanent(format!("{program} is not executable")).hint(format!(
        "chmod +x {program}; if it is, its file system is mounted without execution (noexec)"
    ))
}

/// What the first line of a script names.
fn interpreter(program: &Path) -> Option<PathBuf> {
    let text = std::fs::read(program).ok()?;
    let line = text
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let word = line.trim_ascii().split(u8::is_ascii_whitespace).next()?;
    Some(PathBuf::from(OsStr::from_bytes(word)))
}

/// The end of a path, which identifies it.
fn shorten(path: &Path) -> String {
    let text = path.to_string_lossy();
    let skipped = text.chars().count().saturating_sub(80);
    match skipped {
        0 => text.into_owned(),
        _ => format!("…{}", text.chars().skip(skipped).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn spec(program: &str) -> CommandSpec {
        CommandSpec {
            terminal: None,
            runner: String::new(),
            program: program.into(),
            args: Vec::new(),
            cwd: "/".into(),
            env: BTreeMap::new(),
        }
    }

    fn explain(spec: &CommandSpec, errno: Errno) -> StartError {
        spawn_error(spec, &io::Error::from(errno))
    }

    #[test]
    fn what_is_too_large_is_named_with_its_size() {
        let mut large = spec("/bin/true");
        large
            .env
            .insert("BIG".into(), "x".repeat(200 * 1024).into());
        let error = explain(&large, Errno::TOOBIG);
        assert!(error.permanent);
        let expected = "cannot start /bin/true: variable BIG has 200 KiB, and one may have 128 KiB";
        assert_eq!(error.message, expected);
        large
            .env
            .insert("BIG".into(), "x".repeat(100 * 1024).into());
        large.args = vec!["y".repeat(50 * 1024).into()];
        let text = explain(&large, Errno::TOOBIG).message;
        assert!(
            text.contains("150 KiB together, the largest is variable BIG with 100 KiB"),
            "{text}"
        );
    }

    #[test]
    fn a_name_that_is_too_long_is_named() {
        let long = spec(&format!("/bin/{}", "n".repeat(300)));
        let error = explain(&long, Errno::NAMETOOLONG);
        assert!(
            error.permanent && error.message.contains("nnn… has 300"),
            "{error}"
        );
        let hint = error.hint.expect("a hint");
        assert!(hint.contains("process.command"), "{hint}");
    }

    #[test]
    fn permission_errors_name_the_file_to_change() {
        let dir = tempfile::tempdir().expect("a directory");
        let script = dir.path().join("script");
        std::fs::write(&script, "#!/etc/passwd -x\n").expect("written");
        let script = spec(script.to_str().expect("UTF-8"));
        let error = explain(&script, Errno::ACCESS);
        assert!(
            error.permanent && error.message.ends_with("is not executable"),
            "{error}"
        );
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&script.program, mode).expect("changed");
        let error = explain(&script, Errno::ACCESS);
        assert!(
            error.message.starts_with("/etc/passwd is the interpreter"),
            "{error}"
        );
    }

    #[test]
    fn only_what_may_pass_is_retried() {
        for errno in [
            Errno::AGAIN,
            Errno::NOMEM,
            Errno::MFILE,
            Errno::NFILE,
            Errno::TXTBSY,
        ] {
            assert!(!explain(&spec("/bin/true"), errno).permanent, "{errno:?}");
        }
        for errno in [
            Errno::ROFS,
            Errno::LOOP,
            Errno::NOEXEC,
            Errno::PERM,
            Errno::INVAL,
        ] {
            assert!(explain(&spec("/bin/true"), errno).permanent, "{errno:?}");
        }
    }
}
