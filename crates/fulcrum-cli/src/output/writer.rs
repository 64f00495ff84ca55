//! Writes the output of a command, and maps failed writes to exit codes.

use std::io::{self, Write};
use std::path::Path;

use fulcrum_config::Diagnostic;
use serde::Serialize;

use super::color::Color;
use super::excerpt::render_diagnostic;
use super::spinner::{Spinner, Waiting};
use super::stream_info::{StreamInfo, color_disabled_by_env};
use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};

/// Standard output and standard error of a command.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    stdout: StreamInfo,
    stderr: StreamInfo,
    quiet: bool,
    spinner: Spinner,
}

impl Output {
    /// The streams of this process.
    pub(crate) fn from_process(no_color: bool, quiet: bool) -> Self {
        let no_color = no_color || color_disabled_by_env(|name| std::env::var_os(name));
        let stderr = StreamInfo::inspect(&io::stderr(), no_color);
        Self {
            stdout: StreamInfo::inspect(&io::stdout(), no_color),
            stderr,
            quiet,
            spinner: Spinner::new(stderr, quiet),
        }
    }

    /// The properties of standard output.
    pub(crate) fn stdout(&self) -> StreamInfo {
        self.stdout
    }

    /// Writes data.
    ///
    /// # Errors
    /// [`Code::Done`] without a message if the reader is gone, so that `| head` ends a command
    /// silently; [`Code::Failed`] if writing fails, for example on a full disk.
    pub(crate) fn data(&self, bytes: &[u8]) -> Result<(), CliError> {
        self.spinner
            .suspend(|| write_to(&mut io::stdout().lock(), bytes))
    }

    /// Writes data as one JSON document, indented.
    ///
    /// # Errors
    /// Those of [`Output::data`].
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| {
            CliError::new(
                ErrorCode::Internal,
                format!("cannot print as JSON: {error}"),
            )
        })?;
        text.push(b'\n');
        self.data(&text)
    }

    /// Writes data as YAML.
    ///
    /// # Errors
    /// Those of [`Output::data`].
    pub(crate) fn yaml(&self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_yaml::to_string(value).map_err(|error| {
            CliError::new(
                ErrorCode::Internal,
                format!("cannot print as YAML: {error}"),
            )
        })?;
        self.data(text.as_bytes())
    }

    /// Prints progress on standard error, unless `--quiet` is set.
    pub(crate) fn progress(&self, text: &str) {
        if !self.quiet {
            self.eprint(text);
        }
    }

    /// Shows on a terminal that something is waited for, until the result is dropped.
    pub(crate) fn waiting(&self, text: &str) -> Waiting {
        Waiting::start(self.spinner.clone(), text)
    }

    /// Prints a line on standard error. A failed write is ignored.
    pub(crate) fn eprint(&self, text: &str) {
        let _ = self
            .spinner
            .suspend(|| writeln!(io::stderr().lock(), "{text}"));
    }

    /// Prints diagnostics on standard error; `root` is what their files are relative to.
    pub(crate) fn diagnostics(&self, diagnostics: &[Diagnostic], root: Option<&Path>) {
        for diagnostic in diagnostics {
            self.eprint(&render_diagnostic(diagnostic, root, self.stderr));
        }
    }

    /// Prints the error of a command, if it has a message.
    pub(crate) fn error(&self, error: &CliError) {
        self.spinner.end();
        if error.message.is_empty() {
            return;
        }
        let prefix = match error.id.as_str() {
            "" => "fulcrum:".to_owned(),
            id => Color::Red.paint(&format!("fulcrum: error[{id}]:"), self.stderr.color),
        };
        self.eprint(&format!("{prefix} {}", error.message));
    }
}

fn write_to(stream: &mut impl Write, bytes: &[u8]) -> Result<(), CliError> {
    stream
        .write_all(bytes)
        .and_then(|()| stream.flush())
        .map_err(|error| write_error(&error))
}

fn write_error(error: &io::Error) -> CliError {
    // A closed terminal returns EIO.
    let is_closed_terminal = error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error());
    if error.kind() == io::ErrorKind::BrokenPipe || is_closed_terminal {
        return CliError::already_reported(Code::Done);
    }
    CliError::new(
        ErrorCode::OutputFailed,
        format!("cannot write to standard output: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    struct FailingWriter(rustix::io::Errno);

    impl Write for FailingWriter {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_reader_is_success_and_a_full_disk_is_a_failure() {
        use rustix::io::Errno;
        for closed in [Errno::PIPE, Errno::IO] {
            let error = write_to(&mut FailingWriter(closed), b"x").expect_err("a failed write");
            assert_eq!(error, CliError::already_reported(Code::Done));
        }
        let error = write_to(&mut FailingWriter(Errno::NOSPC), b"x").expect_err("a failed write");
        assert_eq!(error.code, Code::Failed);
        assert!(error.message.contains("standard output"), "{error}");
    }
}
