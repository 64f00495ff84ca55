//! The command of a program that is not Node.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::executable::{check_executable, find_file_in_path, find_in_path};
use super::warning::StartWarning;
use crate::{Code, CommandSpec, StartError};

/// Programs that restart or wrap another program, and whose reaction to signals is their own. Shells
/// and package managers are not among them: the stop signal goes to the program behind them.
const WRAPPERS: &[&str] = &["tsx", "nodemon"];

/// Plans the command of `process.command`, without a shell.
///
/// `argv[0]` with a slash is relative to `cwd`; without a slash it is looked up in `path`, the value
/// of `PATH`. A wrapper such as `nodemon` is run as configured, with a warning.
///
/// # Errors
/// Permanent failures: `argv` is empty, the program does not exist or is not executable, the
/// interpreter of a script or the working directory is missing.
pub fn plan_command(
    argv: &[String],
    cwd: &Path,
    env: BTreeMap<OsString, OsString>,
    path: &OsStr,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    plan(argv, cwd, env, path).map_err(|failure| failure.code(Code::CannotRun))
}

fn plan(
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
    check_executable(&program, "process.command")?;
    let spec = CommandSpec {
        terminal: None,
        runner: program.display().to_string(),
        program,
        args: args.iter().map(OsString::from).collect(),
        cwd: cwd.to_path_buf(),
        env,
    };
    Ok((spec, wrapper_warning(name).into_iter().collect()))
}

/// Whether a command runs JavaScript, which may import `@fulcrum/domain`.
#[must_use]
pub fn command_runs_javascript(argv: &[String]) -> bool {
    const RUNTIMES: [&str; 8] = [
        "node", "bun", "deno", "tsx", "ts-node", "npm", "npx", "pnpm",
    ];
    let name = argv.first().map(Path::new);
    let name = name.and_then(|path| path.file_name()?.to_str());
    name.is_some_and(|name| RUNTIMES.contains(&name)) || command_script(argv).is_some()
}

/// The JavaScript or TypeScript file among the words of a command.
#[must_use]
pub fn command_script(argv: &[String]) -> Option<&str> {
    let is_script = |word: &&str| {
        let extension = Path::new(word).extension().and_then(OsStr::to_str);
        extension.is_some_and(|extension| {
            matches!(
                extension,
                "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "tsx" | "jsx"
            )
        })
    };
    argv.iter().map(String::as_str).find(is_script)
}

/// Checks the working directory: the error of a spawn does not distinguish a missing directory from
/// a missing program.
pub(super) fn check_cwd(cwd: &Path) -> Result<(), StartError> {
    if cwd.is_dir() {
        return Ok(());
    }
    let what = if cwd.exists() {
        "is not a directory"
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
    if let Some(found) = find_in_path(name.as_ref(), path) {
        return Ok(found);
    }
    if let Some(unusable) = find_file_in_path(name.as_ref(), path) {
        return Ok(unusable);
    }
    let failure = StartError::permanent(format!(
        "{name} not found in PATH={}",
        path.to_string_lossy()
    ));
    Err(if cwd.join(name).is_file() {
        failure.hint(format!(
            "write ./{name} to run the file in {}",
            cwd.display()
        ))
    } else {
        failure.hint(format!(
            "install {name}, or give its path in process.command"
        ))
    })
}

fn wrapper_warning(name: &str) -> Option<StartWarning> {
    let base = Path::new(name).file_name()?.to_str()?;
    let text = format!(
        "{base} runs the program as a child and may not forward signals to it, so a graceful stop may \
         not reach it: name the program itself in process.command"
    );
    WRAPPERS.contains(&base).then(|| StartWarning::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_of_javascript_is_known_by_its_program_or_its_script() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (text, script) in [
            ("node --enable-source-maps main.mjs", Some("main.mjs")),
            ("/opt/bun/bin/bun run start", None),
            ("tini -- node server.ts", Some("server.ts")),
        ] {
            assert!(command_runs_javascript(&words(text)), "{text}");
            assert_eq!(command_script(&words(text)), script, "{text}");
        }
        assert!(!command_runs_javascript(&words("python3 main.py")));
    }

    fn plan(
        argv: &[&str],
        cwd: &Path,
        path: &str,
    ) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
        let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
        plan_command(&argv, cwd, BTreeMap::new(), path.as_ref())
    }

    #[test]
    fn a_name_is_looked_up_in_path_and_a_path_is_relative_to_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let (spec, warnings) = plan(&["sh", "x.sh"], dir.path(), "/bin").unwrap();
        assert_eq!(
            (spec.program.as_path(), spec.args.len()),
            (Path::new("/bin/sh"), 1)
        );
        assert!(warnings.is_empty());
        std::os::unix::fs::symlink("/bin/sh", dir.path().join("mine")).unwrap();
        let (spec, _) = plan(&["./mine"], dir.path(), "").unwrap();
        assert_eq!(spec.program, dir.path().join("./mine"));
    }

    #[test]
    fn an_error_names_what_is_missing_with_a_hint() {
        let dir = tempfile::tempdir().unwrap();
        let missing = plan(&["gone"], dir.path(), "/bin").unwrap_err();
        assert_eq!(missing.message, "gone not found in PATH=/bin");
        std::fs::write(dir.path().join("here"), "").unwrap();
        let in_cwd = plan(&["here"], dir.path(), "/bin").unwrap_err();
        assert!(in_cwd.hint.unwrap().starts_with("write ./here"));
        assert!(
            plan(&[], dir.path(), "/bin")
                .unwrap_err()
                .message
                .contains("empty")
        );
        let no_cwd = plan(&["sh"], &dir.path().join("no"), "/bin").unwrap_err();
        assert!(no_cwd.message.contains("working directory") && no_cwd.permanent);
    }

    #[test]
    fn wrappers_whose_signals_are_their_own_are_run_with_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let (_, warnings) = plan(&["sh", "-c", "exit"], dir.path(), "/bin").unwrap();
        assert!(warnings.is_empty());
        let warning = wrapper_warning("/usr/bin/nodemon").expect("a warning");
        assert!(warning.text().starts_with("nodemon runs"));
        assert!(wrapper_warning("npm").is_none());
    }
}
