//! From a domain's last words to what is wrong and what cures it.

mod code;
mod last_words;
mod system;

use last_words::LastWords;

/// What is known of an end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Case<'a> {
    /// The last lines of standard error; about a hundred are enough, since V8's own last words
    /// are long.
    pub stderr: &'a [String],
    /// The exit code, if it exited by itself.
    pub code: Option<i32>,
    /// The signal's number, if a signal ended it.
    pub signal: Option<i32>,
    /// The domain's folder, absolute. Files in it are named relative to it. Empty if unknown.
    pub folder: &'a str,
    /// The app's root, absolute, for files that aren't in the folder. Empty if unknown.
    pub app: &'a str,
}

/// What ended a domain, as far as its last words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is wrong, in one line without a full stop.
    pub cause: String,
    /// What to do about it, in one line; empty where the cause says it all.
    pub cure: String,
    /// Starting it again without a change can't help.
    pub permanent: bool,
    /// The address that it could not have because somebody else has it, as Node writes it:
    /// `127.0.0.1:3001`, `:::3001`, `/run/a.sock`.
    pub taken: Option<String>,
}

/// Looks for a known cause of an end. `None` if its last words tell of none.
///
/// Where Node reports an uncaught error, that one counts and not what was logged before it.
#[must_use]
pub fn diagnose(case: &Case<'_>) -> Option<Diagnosis> {
    let words = LastWords::new(case);
    const RULES: [fn(&LastWords<'_>) -> Option<Diagnosis>; 17] = [
        system::heap_limit,
        system::bad_option,
        system::address_in_use,
        system::permission,
        system::exhausted,
        code::unsupported_typescript,
        code::unknown_extension,
        code::module_kind,
        code::unknown_builtin,
        code::missing_module,
        code::native_module,
        code::missing_export,
        code::syntax,
        system::refused,
        system::unsettled_await,
        system::rejection,
        system::uncaught,
    ];
    let found = RULES.iter().find_map(|rule| rule(&words))?;
    Some(Diagnosis {
        cause: clipped(found.cause),
        ..found
    })
}

/// A message may hold a whole document; its beginning is enough to find it in the log.
fn clipped(text: String) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn found(cause: impl Into<String>, cure: impl Into<String>) -> Option<Diagnosis> {
    Some(Diagnosis {
        cause: cause.into(),
        cure: cure.into(),
        permanent: false,
        taken: None,
    })
}

/// Like [`found`], for what no further attempt can change.
fn found_for_good(cause: impl Into<String>, cure: impl Into<String>) -> Option<Diagnosis> {
    found(cause, cure).map(|diagnosis| Diagnosis {
        permanent: true,
        ..diagnosis
    })
}
