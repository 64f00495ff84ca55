//! The output of a package manager: passed on, with its end kept for messages.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

/// How much of the end is kept.
const TAIL_BYTES: usize = 16 * 1024;

/// The longest quote of a package manager in a message.
const MAX_QUOTE: usize = 400;

/// A pipe of a package manager. Whoever gets it has to read it to its end.
#[derive(Debug)]
pub struct InstallOutput {
    pipe: pipe::Receiver,
    tail: Arc<Mutex<VecDeque<u8>>>,
    /// Dropped with this value, so that the end of the output is noticed.
    _open: mpsc::Sender<()>,
}

/// The end of a package manager's output.
#[derive(Debug)]
pub(super) struct OutputTail {
    tail: Arc<Mutex<VecDeque<u8>>>,
    open: mpsc::Receiver<()>,
}

impl OutputTail {
    /// Wraps both pipes.
    pub(super) fn new(
        stdout: pipe::Receiver,
        stderr: pipe::Receiver,
    ) -> (Self, InstallOutput, InstallOutput) {
        let tail = Arc::default();
        let (sender, open) = mpsc::channel(1);
        let wrap = |pipe| InstallOutput {
            pipe,
            tail: Arc::clone(&tail),
            _open: sender.clone(),
        };
        let (stdout, stderr) = (wrap(stdout), wrap(stderr));
        (Self { tail, open }, stdout, stderr)
    }

    /// Waits until both pipes were read to their end.
    pub(super) async fn closed(&mut self) {
        let _ = self.open.recv().await;
    }

    /// The text, without escape sequences.
    pub(super) fn text(&self) -> String {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        plain(&String::from_utf8_lossy(tail.make_contiguous()))
    }
}

impl AsyncRead for InstallOutput {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.pipe).poll_read(cx, buf);
        let read = &buf.filled()[before..];
        if !read.is_empty() {
            let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
            tail.extend(read);
            let excess = tail.len().saturating_sub(TAIL_BYTES);
            tail.drain(..excess);
        }
        polled
    }
}

/// A text without escape sequences and box drawings.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => {
                if chars.next_if_eq(&'[').is_some() {
                    while chars.next_if(|c| !c.is_ascii_alphabetic()).is_some() {}
                    chars.next();
                }
            }
            '\u{2500}'..='\u{257f}' | '▶' | '×' => plain.push(' '),
            '\r' => plain.push('\n'),
            other => plain.push(other),
        }
    }
    plain
}

/// The words of a package manager that tell how to cure what it warns about, such as `Run "pnpm
/// approve-builds" to pick which dependencies should be allowed to run scripts.`
pub(super) fn quoted_cure(text: &str) -> Option<String> {
    let words = joined(text.lines());
    let at = ["Run \"", "Run `", "run \"", "run `", "Run '", "run '"]
        .iter()
        .filter_map(|start| words.find(start))
        .min()?;
    let sentence = &words[at..];
    let end = sentence.find(". ").map_or(sentence.len(), |end| end + 1);
    Some(shorten(&sentence[..end]))
}

/// The words of a package manager that tell why it failed.
pub(super) fn quoted_error(text: &str) -> Option<String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_noise(line))
        .collect();
    let is_error = |line: &&str| {
        let lower = line.to_ascii_lowercase();
        lower.starts_with("npm err")
            || lower.starts_with("error")
            || lower.contains("err_pnpm")
            // Yarn 2 and later number their messages; these are steps.
            || (lower.contains("yn0") && !["yn0000", "yn0013", "yn0085"].iter().any(|step| lower.contains(step)))
    };
    let mut errors: Vec<&str> = lines.iter().copied().filter(is_error).take(3).collect();
    if let [code] = errors[..]
        && code.contains("ERR_PNPM")
    {
        // The code stands alone, and the words follow it.
        let at = lines.iter().position(|line| *line == code).unwrap_or(0);
        errors = lines[at..].iter().copied().take(3).collect();
    }
    if !errors.is_empty() {
        return Some(shorten(&joined(errors.into_iter().map(without_prefix))));
    }
    let last = lines.len().saturating_sub(2);
    (!lines.is_empty()).then(|| shorten(&joined(lines[last..].iter().copied())))
}

/// Lines at the end of every failed npm.
fn is_noise(line: &str) -> bool {
    line.contains("A complete log of this run") || line.contains("-debug-0.log")
}

fn without_prefix(line: &str) -> &str {
    ["npm error ", "npm ERR! ", "error: ", "Error: ", "error "]
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix))
        .unwrap_or(line)
}

fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

/// A quote of bounded length.
pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() <= MAX_QUOTE {
        return text.to_owned();
    }
    let kept: String = text.chars().take(MAX_QUOTE).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cure_is_quoted_as_pnpm_says_it() {
        let pnpm_10 = "╭ Warning ─────╮\n│                │\n│   Ignored build scripts: p@7.6.6.   │\n\
                       │   Run \"pnpm approve-builds\" to pick which dependencies should be allowed     │\n\
                       │   to run scripts.                │\n╰────╯\nDone in 3.8s using pnpm v10\n";
        let pnpm_12 = "Error: ERR_PNPM_IGNORED_BUILDS\n\n  × installing dependencies\n  ╰─▶ Ignored build \
                       scripts: p@7.6.6\n  help: Run \"pnpm approve-builds\" to pick which dependencies \
                       should be allowed\n        to run scripts.\n";
        let cure = "Run \"pnpm approve-builds\" to pick which dependencies should be allowed to run scripts.";
        for text in [pnpm_10, pnpm_12] {
            assert_eq!(quoted_cure(&plain(text)).as_deref(), Some(cure));
        }
        assert_eq!(quoted_cure("all is well"), None);
    }

    #[test]
    fn the_error_is_quoted_without_noise() {
        let npm = "npm error code E404\nnpm error 404 Not Found - GET http://127.0.0.1/x\nnpm error A complete log of this run can be found in: _logs/1-debug-0.log\n";
        assert_eq!(
            quoted_error(npm).unwrap(),
            "code E404 404 Not Found - GET http://127.0.0.1/x"
        );
        let pnpm =
            "Error: ERR_PNPM_FETCH_404\n\n  × installing dependencies\n  ╰─▶ GET x: Not Found\n";
        assert_eq!(
            quoted_error(&plain(pnpm)).unwrap(),
            "ERR_PNPM_FETCH_404 installing dependencies GET x: Not Found"
        );
        assert_eq!(quoted_error("one\n\ntwo\nthree\n").unwrap(), "two three");
        assert_eq!(quoted_error("\n"), None);
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m"), "red");
    }
}
