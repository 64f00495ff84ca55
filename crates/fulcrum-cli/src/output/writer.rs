//! Writes what a command prints, and decides what a failed write means.

use std::io::{self, Write};

use serde::Serialize;

use super::color::Color;
use super::stream_info::{self, StreamInfo};
use crate::exit::{CliError, Code};

/// Where a command writes.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    stdout: StreamInfo,
    stderr: StreamInfo,
    quiet: bool,
}

impl Output {
    /// The two streams of this process.
    pub(crate) fn of_process(no_color: bool, quiet: bool) -> Self {
        let variable = |name: &str| std::env::var_os(name);
        let plain = no_color || stream_info::color_disabled_by_env(variable);
        Self {
            stdout: StreamInfo::of(&io::stdout(), plain),
            stderr: StreamInfo::of(&io::stderr(), plain),
            quiet,
        }
    }

    /// What standard output is.
    pub(crate) fn stdout(&self) -> StreamInfo {
        self.stdout
    }

    /// Writes data.
    ///
    /// # Errors
    /// A silent [`Code::Done`] where nobody reads any more, so that `| head` ends a command
    /// quietly; [`Code::Failed`] where writing fails, as on a full disk.
    pub(crate) fn data(&self, bytes: &[u8]) -> Result<(), CliError> {
        write_to(&mut io::stdout().lock(), bytes)
    }

    /// Writes data as one JSON document, indented.
    ///
    /// # Errors
    /// Those of [`Output::data`].
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| {
            CliError::failed(format!("the answer can't be shown as JSON: {error}"))
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
            CliError::failed(format!("the answer can't be shown as YAML: {error}"))
        })?;
        self.data(text.as_bytes())
    }

    /// A line about progress, for people; left out when they want quiet.
    pub(crate) fn progress(&self, text: &str) {
        if !self.quiet {
            self.eprint(text);
        }
    }

    /// A line for people. Where nobody reads it, it is lost.
    pub(crate) fn eprint(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Why a command ends.
    pub(crate) fn error(&self, error: &CliError) {
        if error.message.is_empty() {
            return;
        }
        let name = match error.code {
            Code::Done | Code::Interrupted => "fulcrum:".to_owned(),
            _ => Color::Red.paint("fulcrum:", self.stderr.color),
        };
        self.eprint(&format!("{name} {}", error.message));
    }
}

fn write_to(stream: &mut impl Write, bytes: &[u8]) -> Result<(), CliError> {
    stream
        .write_all(bytes)
        .and_then(|()| stream.flush())
        .map_err(|error| why_unwritten(&error))
}

fn why_unwritten(error: &io::Error) -> CliError {
    // EIO is what a terminal gives that has been closed.
    let terminal_gone = error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error());
    if error.kind() == io::ErrorKind::BrokenPipe || terminal_gone {
        return CliError::already_reported(Code::Done);
    }
    CliError::failed(format!("can't write to standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refusing(rustix::io::Errno);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_gone_ends_quietly_and_a_full_disk_does_not() {
        use rustix::io::Errno;
        for gone in [Errno::PIPE, Errno::IO] {
            let error = write_to(&mut Refusing(gone), b"x").expect_err("refused");
            assert_eq!(error, CliError::already_reported(Code::Done));
        }
        let error = write_to(&mut Refusing(Errno::NOSPC), b"x").expect_err("refused");
        assert_eq!(error.code, Code::Failed);
        assert!(error.message.contains("standard output"), "{error}");
    }
}
