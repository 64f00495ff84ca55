//! Errors with a stack, as JavaScript runtimes and programs print them.

use super::stderr_tail::position_in_stack;

/// How many lines a message may have above its stack.
const MAX_MESSAGE_LINES: usize = 10;

/// An error that is printed with its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stack<'a> {
    /// The first line of its message: `TypeError: boom`.
    pub(super) headline: &'a str,
    /// Its message and its frames.
    pub(super) lines: &'a [String],
    /// What has caused it, by its own first line.
    pub(super) cause: Option<&'a str>,
}

impl<'a> Stack<'a> {
    /// The last error with a stack. Of an error and its causes, it is the error.
    pub(super) fn last_of(lines: &'a [String]) -> Option<Self> {
        let mut end = lines.len();
        let mut cause = None;
        loop {
            let last = lines[..end].iter().rposition(|line| is_frame(line))?;
            let first = lines[..last]
                .iter()
                .rposition(|line| !is_frame(line) && !is_omission(line))?;
            let at = message_start(&lines[..=first])?;
            let headline = lines[at].trim();
            match caused(headline) {
                Some(inner) => {
                    cause.get_or_insert(inner);
                    end = at;
                }
                None => {
                    return Some(Self {
                        headline: headline.strip_prefix("Uncaught ").unwrap_or(headline),
                        lines: &lines[at..=last],
                        cause,
                    });
                }
            }
        }
    }

    /// ` (cause: Error: no route)`, or the empty string.
    pub(super) fn cause_text(&self) -> String {
        describe_cause(self.cause)
    }

    /// The first position in the user's own code, else in a package.
    pub(super) fn position(&self) -> Option<&'a str> {
        position_in_stack(self.lines)
    }
}

/// ` (cause: Error: no route)`, or the empty string.
pub(super) fn describe_cause(cause: Option<&str>) -> String {
    cause.map_or_else(String::new, |cause| format!(" (cause: {cause})"))
}

/// `    at run (/app/a.js:1:2)`
fn is_frame(line: &str) -> bool {
    let text = line.trim_start();
    text.len() < line.len() && text.starts_with("at ")
}

/// `... 4 lines matching cause stack trace ...`
fn is_omission(line: &str) -> bool {
    let text = line.trim();
    text.starts_with("... ") && text.ends_with(" ...")
}

fn caused(headline: &str) -> Option<&str> {
    ["[cause]: ", "Caused by: "]
        .iter()
        .find_map(|marker| headline.strip_prefix(marker))
}

/// Where the message starts whose last line is the last of these: at the line that names an error,
/// if there is one close above, else at the last line.
fn message_start(lines: &[String]) -> Option<usize> {
    let last = lines.len().checked_sub(1)?;
    if lines[last].trim().is_empty() {
        return None;
    }
    let names_error = |line: &str| {
        let line = line.trim_start();
        caused(line).is_some() || names_an_error(line)
    };
    (last.saturating_sub(MAX_MESSAGE_LINES)..=last)
        .rev()
        .take_while(|at| !is_frame(&lines[*at]))
        .find(|at| names_error(&lines[*at]))
        .or(Some(last))
}

/// `DbProblem: no route`, `Error [ERR_X]: …`: one word, and a message.
pub(super) fn names_an_error(line: &str) -> bool {
    let Some((name, _)) = line.split_once(": ") else {
        return false;
    };
    let name = match name.split_once(" [") {
        Some((name, code)) if code.ends_with(']') => name,
        Some(_) => return false,
        None => name,
    };
    name.starts_with(|char: char| char.is_ascii_uppercase())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '$' | '.'))
}
