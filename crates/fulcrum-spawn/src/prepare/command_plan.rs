//! Programs that aren't Node: their own command line, resolved to the end.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::executable;
use super::warning::StartWarning;
use crate::{CommandSpec, StartError};

/// Programs that start another one and don't pass signals on to it.
const WRAPPERS: &[&str] = &["npm", "npx", "pnpm", "pnpx", "yarn", "tsx", "nodemon"];
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "fish"];

/// The command for a program of `process.command`.
///
/// `argv[0]` with a slash is taken from `cwd`, without one it is looked for in `path`; no shell is
/// involved. A wrapper such as `npm` or `sh -c` is run as asked, with a notice.
///
/// # Errors
/// Permanent failures: nothing to run, no such program, not executable, a script whose interpreter
/// is missing, a working directory that isn't there.
pub fn plan_command(
    argv: &[String],
    cwd: &Path,
    env: BTreeMap<OsString, OsString>,
    path: &OsStr,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    let Some((name, args)) = argv.split_first().filter(|(name, _)| !name.is_empty()) else {
        return Err(StartError::permanent("process.command is empty")
            .hint("name a program and its arguments, such as [\"./server\", \"--port\", \"80\"]"));
    };
    check_cwd(cwd)?;
    let program = resolve(name, cwd, path)?;
    executable::check(&program, "process.command")?;
    let spec = CommandSpec {
        runner: program.display().to_string(),
        program,
        args: args.iter().map(OsString::from).collect(),
        cwd: cwd.to_path_buf(),
        env,
    };
    Ok((spec, wrapper_notice(name, args).into_iter().collect()))
}

/// A missing working directory makes every program look missing: say which of the two it is.
pub(super) fn check_cwd(cwd: &Path) -> Result<(), StartError> {
    if cwd.is_dir() {
        return Ok(());
    }
    let what = if cwd.exists() {
        "is not a folder"
    } else {
        "does not exist"
    };
    Err(
        StartError::permanent(format!("the working directory {} {what}", cwd.display()))
            .hint("create it, or correct process.cwd"),
    )
}

fn resolve(name: &str, cwd: &Path, path: &OsStr) -> Result<PathBuf, StartError> {
    if name.contains('/') {
        return Ok(cwd.join(name));
    }
    if let Some(found) = executable::find_in_path(name.as_ref(), path) {
        return Ok(found);
    }
    if let Some(unusable) = executable::find_unusable_in_path(name.as_ref(), path) {
        return Ok(unusable);
    }
    let failure = StartError::permanent(format!(
        "{name} not found in PATH={}",
        path.to_string_lossy()
    ));
    Err(if cwd.join(name).is_file() {
        failure.hint(format!("write ./{name} for the one in {}", cwd.display()))
    } else {
        failure.hint(format!(
            "install {name}, or give its path in process.command"
        ))
    })
}

fn wrapper_notice(name: &str, args: &[String]) -> Option<StartWarning> {
    let base = Path::new(name).file_name()?.to_str()?;
    let runs_a_shell = SHELLS.contains(&base) && args.iter().any(|arg| arg == "-c");
    if !runs_a_shell && !WRAPPERS.contains(&base) {
        return None;
    }
    let shown = if runs_a_shell {
        format!("{base} -c")
    } else {
        base.to_owned()
    };
    Some(StartWarning::new(format!(
        "{shown} starts the real program as a child and may not pass signals on to it, so a graceful \
         stop may not reach it: name the program itself in process.command"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(
        argv: &[&str],
        cwd: &Path,
        path: &str,
    ) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
        let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
        plan_command(&argv, cwd, BTreeMap::new(), path.as_ref())
    }

    #[test]
    fn a_name_is_looked_for_in_path_and_a_path_from_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let (spec, notices) = plan(&["sh", "x.sh"], dir.path(), "/bin").unwrap();
        assert_eq!(
            (spec.program.as_path(), spec.args.len()),
            (Path::new("/bin/sh"), 1)
        );
        assert!(notices.is_empty());
        std::os::unix::fs::symlink("/bin/sh", dir.path().join("mine")).unwrap();
        let (spec, _) = plan(&["./mine"], dir.path(), "").unwrap();
        assert_eq!(spec.program, dir.path().join("./mine"));
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let missing = plan(&["gone"], dir.path(), "/bin").unwrap_err();
        assert_eq!(missing.message, "gone not found in PATH=/bin");
        std::fs::write(dir.path().join("here"), "").unwrap();
        let near = plan(&["here"], dir.path(), "/bin").unwrap_err();
        assert!(near.hint.unwrap().starts_with("write ./here"));
        assert!(
            plan(&[], dir.path(), "/bin")
                .unwrap_err()
                .message
                .contains("empty")
        );
        let nowhere = plan(&["sh"], &dir.path().join("no"), "/bin").unwrap_err();
        assert!(nowhere.message.contains("working directory") && nowhere.permanent);
    }

    #[test]
    fn wrappers_are_run_with_a_notice() {
        let dir = tempfile::tempdir().unwrap();
        let (_, notices) = plan(&["sh", "-c", "exit"], dir.path(), "/bin").unwrap();
        assert!(notices[0].text().starts_with("sh -c"));
        assert!(wrapper_notice("/usr/bin/npm", &["start".to_owned()]).is_some());
        assert!(wrapper_notice("python3", &["-c".to_owned()]).is_none());
    }
}
