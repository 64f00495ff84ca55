//! What is reported about a configuration: one finding, where it is, and what to try.

use std::fmt;
use std::path::PathBuf;

/// How much a [`Problem`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The app can't be run like this.
    Error,
    /// The app can be run; something is probably not what was meant.
    Warning,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file, relative to the app root where it is inside it.
    pub file: PathBuf,
    /// Line, counted from 1; 0 means the file as a whole.
    pub line: u32,
    /// Column in characters, counted from 1; 0 means the line as a whole.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape_control(&self.file.to_string_lossy()))?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// One finding about a configuration.
///
/// Its `Display` is `FILE:LINE:COLUMN: message`, then the hint on a line of its own. Control
/// characters that came from the input are made visible, so it is safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the app can be run in spite of it.
    pub severity: Severity,
    /// A stable name of the kind of finding, in kebab case, such as `unknown-key`.
    pub code: &'static str,
    /// Where it is; none for what isn't in a file (a variable, a flag, a missing app).
    pub at: Option<Location>,
    /// What is wrong, in one line.
    pub message: String,
    /// What to try, where something can be suggested.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error without a place and a hint.
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            at: None,
            message: message.into(),
            hint: None,
        }
    }

    /// A warning without a place and a hint.
    pub(crate) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// The same finding with something to try.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same finding at a place.
    pub(crate) fn at(mut self, place: Option<Location>) -> Self {
        self.at = place;
        self
    }

    /// The same finding about a file as a whole.
    pub(crate) fn in_file(self, file: impl Into<PathBuf>) -> Self {
        self.at(Some(Location {
            file: file.into(),
            line: 0,
            column: 0,
        }))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.at {
            write!(f, "{place}: ")?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&escape_control(&self.message))?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", escape_control(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// More than anybody reads. A file that nobody wrote by hand can make any number of them.
pub(crate) const MAX_DIAGNOSTICS: usize = 500;

/// Puts the findings into the order in which they are shown: what has no file first, then by
/// file, line and column. Exact repetitions are dropped, and so are those beyond [`MOST`], which
/// is told.
pub(crate) fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| a.at.cmp(&b.at).then(a.severity.cmp(&b.severity)));
    diagnostics.dedup();
    if diagnostics.len() > MAX_DIAGNOSTICS {
        diagnostics.truncate(MAX_DIAGNOSTICS);
        let message = format!("more than {MAX_DIAGNOSTICS} diagnostics; the rest is not shown");
        diagnostics.push(Diagnostic::error("too-many", message).hint("is this the right file?"));
    }
}

/// Text from the input between backticks, cut to a readable length.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let text = escape_control(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// Makes control characters visible (`\u{1b}`), so that no input can steer a terminal.
fn escape_control(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let steers = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || steers {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_place_message_and_hint() {
        let diagnostic = Diagnostic::error("unknown-key", "unknown key `restrat`")
            .at(Some(Location {
                file: "domains/users/fulcrum.yml".into(),
                line: 3,
                column: 1,
            }))
            .hint("did you mean `restart`?");
        assert_eq!(
            diagnostic.to_string(),
            "domains/users/fulcrum.yml:3:1: unknown key `restrat`\n  hint: did you mean `restart`?"
        );
    }

    #[test]
    fn input_cannot_steer_the_terminal() {
        let diagnostic =
            Diagnostic::error("x", format!("bad {}", quoted("a\u{1b}[2Jb\n"))).in_file("\u{7}f");
        let text = diagnostic.to_string();
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.contains("a\\u{1b}[2Jb"), "{text}");
    }

    #[test]
    fn long_input_is_cut() {
        assert!(quoted(&"ä".repeat(10_000)).chars().count() < 100);
    }
}
