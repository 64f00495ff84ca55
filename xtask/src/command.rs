//! External programs: started without a shell; an error contains the command line to repeat.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::wait::until;

/// A program to run.
#[derive(Clone)]
pub(crate) struct CommandRunner {
    program: OsString,
    args: Vec<OsString>,
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    limit: Option<Duration>,
}

impl CommandRunner {
    /// `program` in `dir`, with the caller's environment.
    pub(crate) fn new(program: impl AsRef<OsStr>, dir: impl AsRef<Path>) -> Self {
        CommandRunner {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            dir: dir.as_ref().to_path_buf(),
            env: Vec::new(),
            limit: None,
        }
    }

    /// The cargo that runs xtask, in the repository's root.
    pub(crate) fn cargo() -> Self {
        CommandRunner::new(
            std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            crate::workspace::root(),
        )
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Kills it after `limit`, which is an error.
    pub(crate) fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The line that runs this in a shell.
    pub(crate) fn command_line(&self) -> String {
        let mut line = vec![
            "cd".to_owned(),
            quote(self.dir.as_os_str()),
            "&&".to_owned(),
        ];
        line.extend(
            self.env
                .iter()
                .map(|(name, value)| format!("{}={}", name.to_string_lossy(), quote(value))),
        );
        line.push(quote(&self.program));
        line.extend(self.args.iter().map(|arg| quote(arg)));
        line.join(" ")
    }

    /// Runs it with the standard output and error of this process.
    ///
    /// # Errors
    /// A program that cannot be started or does not exit with 0.
    pub(crate) fn run_checked(&self) -> anyhow::Result<()> {
        let mut child = self.spawn(self.command().stdin(Stdio::null()))?;
        let status = self.wait(&mut child)?;
        if !status.success() {
            bail!(
                "{} ({status}); repeat with\n  {}",
                self.name(),
                self.command_line()
            );
        }
        Ok(())
    }

    /// Runs it without output and waits for nothing but its exit, for measurements.
    ///
    /// # Errors
    /// A program that cannot be started or does not exit with 0.
    pub(crate) fn run_quietly(&self) -> anyhow::Result<()> {
        let mut command = self.command();
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let status = self.spawn(&mut command)?.wait()?;
        if !status.success() {
            bail!("{} ({status})", self.name());
        }
        Ok(())
    }

    /// Runs it and returns its output and its exit status, whatever that is.
    ///
    /// # Errors
    /// A program that cannot be started.
    pub(crate) fn output(&self) -> anyhow::Result<Output> {
        // Files rather than pipes: a process that it leaves running, such as a detached instance,
        // would hold a pipe open.
        let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let mut command = self.command();
        command.stdin(Stdio::null());
        command.stdout(stdout.try_clone()?);
        command.stderr(stderr.try_clone()?);
        let mut child = self.spawn(&mut command)?;
        let status = self.wait(&mut child)?;
        Ok(Output {
            status,
            stdout: contents(&mut stdout)?,
            stderr: contents(&mut stderr)?,
        })
    }

    /// Runs it and returns its standard output.
    ///
    /// # Errors
    /// A program that cannot be started, does not exit with 0, or prints invalid UTF-8.
    pub(crate) fn stdout(&self) -> anyhow::Result<String> {
        let output = self.output()?;
        if !output.status.success() {
            return Err(self.failure(&output));
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("{} printed invalid UTF-8", self.name()))
    }

    /// Starts it without waiting, with its output redirected to `log`.
    ///
    /// # Errors
    /// A program that cannot be started, or a file that cannot be written.
    pub(crate) fn start(&self, log: &Path) -> anyhow::Result<Child> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = self.command();
        command.stdin(Stdio::null());
        command.stdout(file.try_clone()?).stderr(file);
        self.spawn(&mut command)
    }

    /// Starts it without waiting, with its standard output as a pipe.
    ///
    /// # Errors
    /// A program that cannot be started.
    pub(crate) fn piped(&self) -> anyhow::Result<Child> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        self.spawn(&mut command)
    }

    /// The error for an output or a status that is not the expected one.
    pub(crate) fn failure(&self, output: &Output) -> anyhow::Error {
        anyhow::anyhow!(
            "{} ({}); repeat with\n  {}\n{}{}",
            self.name(),
            describe(output.status),
            self.command_line(),
            section("stdout", &output.stdout),
            section("stderr", &output.stderr),
        )
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.dir);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn spawn(&self, command: &mut Command) -> anyhow::Result<Child> {
        command.spawn().map_err(|error| self.not_started(&error))
    }

    fn wait(&self, child: &mut Child) -> anyhow::Result<ExitStatus> {
        let Some(limit) = self.limit else {
            return Ok(child.wait()?);
        };
        let exited = until("it exits", limit, || Ok(child.try_wait()?));
        if exited.is_err() {
            child.kill()?;
            child.wait()?;
        }
        exited.with_context(|| format!("{}; repeat with\n  {}", self.name(), self.command_line()))
    }

    fn name(&self) -> String {
        let program = Path::new(&self.program)
            .file_name()
            .unwrap_or(&self.program);
        let args = self.args.iter().take(3);
        std::iter::once(program)
            .chain(args.map(OsString::as_os_str))
            .map(OsStr::to_string_lossy)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn not_started(&self, error: &std::io::Error) -> anyhow::Error {
        let hint = match error.kind() {
            ErrorKind::NotFound => " (is it installed, and on PATH?)",
            _ => "",
        };
        anyhow::anyhow!(
            "{} cannot be started: {error}{hint}; the command line was\n  {}",
            quote(&self.program),
            self.command_line()
        )
    }
}

fn describe(status: ExitStatus) -> String {
    if status.success() {
        "exited with 0, but with an unexpected output".to_owned()
    } else {
        status.to_string()
    }
}

/// The contents of a file, from its beginning.
fn contents(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn section(name: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.trim().is_empty() {
        return format!("  {name}: empty\n");
    }
    let lines: String = text.lines().map(|line| format!("  | {line}\n")).collect();
    format!("  {name}:\n{lines}")
}

/// One word for a POSIX shell.
fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_quoted_for_a_shell() {
        let directory = tempfile::tempdir().unwrap();
        let run = CommandRunner::new("printf", directory.path())
            .env("A", "it's")
            .args([
                "%s|",
                "plain",
                "two words",
                "it's",
                "",
                "$HOME",
                r#"{"a":"b"}"#,
            ]);
        let output = CommandRunner::new("sh", ".")
            .arg("-c")
            .arg(run.command_line())
            .stdout()
            .unwrap();
        assert_eq!(output, r#"plain|two words|it's||$HOME|{"a":"b"}|"#);
    }

    #[test]
    fn a_failure_contains_status_command_line_and_output() {
        let run = CommandRunner::new("sh", ".").args(["-c", "echo out; echo err >&2; exit 3"]);
        let message = run.stdout().unwrap_err().to_string();
        for part in ["exit status: 3", "cd . && sh -c", "| out", "| err"] {
            assert!(message.contains(part), "{part} is missing in {message}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_killed_at_its_limit_and_named() {
        let run = CommandRunner::new("sleep", ".")
            .arg("60")
            .timeout(Duration::ZERO);
        for result in [run.output().map(drop), run.run_checked()] {
            let message = format!("{:#}", result.unwrap_err());
            assert!(
                message.contains("sleep 60") && message.contains("timed out"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_process_left_running_does_not_hold_the_output_open() {
        let run = CommandRunner::new("sh", ".").args(["-c", "sleep 60 & echo $!"]);
        let pid = run.stdout().unwrap();
        CommandRunner::new("kill", ".")
            .arg(pid.trim())
            .run_checked()
            .unwrap();
    }

    #[test]
    fn a_missing_program_is_reported_with_a_hint() {
        let message = CommandRunner::new("no-such-program", ".")
            .run_checked()
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("no-such-program") && message.contains("PATH"),
            "{message}"
        );
    }
}
