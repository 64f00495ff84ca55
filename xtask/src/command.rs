//! Other programs: started without a shell, and a failure names the line to repeat.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::wait::until;

/// A program to run, with what a person needs to run it again by hand.
#[derive(Clone)]
pub(crate) struct Run {
    program: OsString,
    args: Vec<OsString>,
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    limit: Option<Duration>,
}

impl Run {
    /// `program` in `dir`, with the caller's environment.
    pub(crate) fn new(program: impl AsRef<OsStr>, dir: impl AsRef<Path>) -> Self {
        Run {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            dir: dir.as_ref().to_path_buf(),
            env: Vec::new(),
            limit: None,
        }
    }

    /// The cargo that runs this, in the repository's root.
    pub(crate) fn cargo() -> Self {
        Run::new(
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

    /// Ends it by force, and makes that a failure, when it takes longer.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The line that repeats this in a shell.
    pub(crate) fn line(&self) -> String {
        let mut words = vec![
            "cd".to_owned(),
            quote(self.dir.as_os_str()),
            "&&".to_owned(),
        ];
        words.extend(
            self.env
                .iter()
                .map(|(name, value)| format!("{}={}", name.to_string_lossy(), quote(value))),
        );
        words.push(quote(&self.program));
        words.extend(self.args.iter().map(|arg| quote(arg)));
        words.join(" ")
    }

    /// Runs it with our own stdout and stderr.
    ///
    /// # Errors
    /// A program that can't be started or doesn't end with 0.
    pub(crate) fn passes(&self) -> anyhow::Result<()> {
        let mut child = self.spawn(self.command().stdin(Stdio::null()))?;
        let status = self.wait(&mut child)?;
        if !status.success() {
            bail!("{} ({status}); repeat with\n  {}", self.name(), self.line());
        }
        Ok(())
    }

    /// Runs it and keeps what it prints, however it ends.
    ///
    /// # Errors
    /// A program that can't be started.
    pub(crate) fn output(&self) -> anyhow::Result<Output> {
        // Files rather than pipes: a process that it leaves running, as a detached instance,
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
    /// A program that can't be started, doesn't end with 0, or prints what isn't UTF-8.
    pub(crate) fn stdout(&self) -> anyhow::Result<String> {
        let output = self.output()?;
        if !output.status.success() {
            return Err(self.failure(&output));
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("{} printed what isn't UTF-8", self.name()))
    }

    /// Starts it without waiting, with everything it prints going to `log`.
    ///
    /// # Errors
    /// A program that can't be started, or a file that can't be written.
    pub(crate) fn start(&self, log: &Path) -> anyhow::Result<Child> {
        let file = File::create(log).with_context(|| format!("can't write {}", log.display()))?;
        let mut command = self.command();
        command.stdin(Stdio::null());
        command.stdout(file.try_clone()?).stderr(file);
        self.spawn(&mut command)
    }

    /// Starts it without waiting, with its standard output to be read by the caller.
    ///
    /// # Errors
    /// A program that can't be started.
    pub(crate) fn piped(&self) -> anyhow::Result<Child> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        self.spawn(&mut command)
    }

    /// The error for an output that isn't what it should be.
    pub(crate) fn failure(&self, output: &Output) -> anyhow::Error {
        anyhow::anyhow!(
            "{} ({}); repeat with\n  {}\n{}{}",
            self.name(),
            describe(output.status),
            self.line(),
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
        let ended = until("it ends", limit, || Ok(child.try_wait()?));
        if ended.is_err() {
            child.kill()?;
            child.wait()?;
        }
        ended.with_context(|| format!("{}; repeat with\n  {}", self.name(), self.line()))
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
        let cure = match error.kind() {
            ErrorKind::NotFound => " (is it installed, and on PATH?)",
            _ => "",
        };
        anyhow::anyhow!(
            "{} can't be started: {error}{cure}; the line was\n  {}",
            quote(&self.program),
            self.line()
        )
    }
}

fn describe(status: ExitStatus) -> String {
    if status.success() {
        "ended with 0, but not as it should".to_owned()
    } else {
        status.to_string()
    }
}

/// What a child wrote to its file, from the beginning.
fn contents(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn section(name: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.trim().is_empty() {
        return format!("  {name}: nothing\n");
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
    fn the_line_to_repeat_survives_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run::new("printf", folder.path()).env("A", "it's").args([
            "%s|",
            "plain",
            "two words",
            "it's",
            "",
            "$HOME",
            r#"{"a":"b"}"#,
        ]);
        let output = Run::new("sh", ".")
            .arg("-c")
            .arg(run.line())
            .stdout()
            .unwrap();
        assert_eq!(output, r#"plain|two words|it's||$HOME|{"a":"b"}|"#);
    }

    #[test]
    fn a_failure_names_the_status_the_line_and_what_was_printed() {
        let run = Run::new("sh", ".").args(["-c", "echo out; echo err >&2; exit 3"]);
        let message = run.stdout().unwrap_err().to_string();
        for part in ["exit status: 3", "cd . && sh -c", "| out", "| err"] {
            assert!(message.contains(part), "{part} is missing in {message}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_ended_at_its_limit_and_named() {
        let run = Run::new("sleep", ".").arg("60").within(Duration::ZERO);
        for result in [run.output().map(drop), run.passes()] {
            let message = format!("{:#}", result.unwrap_err());
            assert!(
                message.contains("sleep 60") && message.contains("in vain"),
                "{message}"
            );
        }
    }

    #[test]
    fn what_is_left_running_does_not_hold_the_output_open() {
        let run = Run::new("sh", ".").args(["-c", "sleep 60 & echo $!"]);
        let pid = run.stdout().unwrap();
        Run::new("kill", ".").arg(pid.trim()).passes().unwrap();
    }

    #[test]
    fn a_missing_program_is_told_with_a_cure() {
        let message = Run::new("no-such-program", ".")
            .passes()
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("no-such-program") && message.contains("PATH"),
            "{message}"
        );
    }
}
