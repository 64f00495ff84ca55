//! From a domain's last words to what is wrong and what cures it.

mod module_errors;
mod stderr_tail;
mod system_errors;

use stderr_tail::StderrTail;

/// How many of the last lines of standard error are worth a look: V8's own report is long.
pub const DIAGNOSED_LINES: usize = 100;

/// What is known of an end.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExitContext<'a> {
    /// The last lines of standard error; about a hundred are enough, since V8's own last words
    /// are long.
    pub stderr: &'a [String],
    /// The exit code, if it exited by itself.
    pub code: Option<i32>,
    /// The signal's number, if a signal ended it.
    pub signal: Option<i32>,
    /// The domain's folder, absolute. Files in it are named relative to it. Empty if unknown.
    pub domain_dir: &'a str,
    /// The app's root, absolute, for files that aren't in the folder. Empty if unknown.
    pub app: &'a str,
}

/// What ended a domain, as far as its last words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is wrong, in one line without a full stop.
    pub cause: String,
    /// What to do about it, in one line; empty where the cause says it all.
    pub hint: String,
    /// Starting it again without a change can't help.
    pub permanent: bool,
    /// The address that it could not have because somebody else has it, as Node writes it:
    /// `127.0.0.1:3001`, `:::3001`, `/run/a.sock`.
    pub address_in_use: Option<String>,
}

/// Looks for a known cause of an end. `None` if its last words tell of none.
///
/// Where Node reports an uncaught error, that one counts and not what was logged before it.
#[must_use]
pub fn diagnose(case: &ExitContext<'_>) -> Option<Diagnosis> {
    let words = StderrTail::new(case);
    const RULES: [fn(&StderrTail<'_>) -> Option<Diagnosis>; 17] = [
        system_errors::heap_limit,
        system_errors::bad_option,
        system_errors::address_in_use,
        system_errors::permission,
        system_errors::exhausted,
        module_errors::unsupported_typescript,
        module_errors::unknown_extension,
        module_errors::module_kind,
        module_errors::unknown_builtin,
        module_errors::missing_module,
        module_errors::native_module,
        module_errors::missing_export,
        module_errors::syntax,
        system_errors::refused,
        system_errors::unsettled_await,
        system_errors::rejection,
        system_errors::uncaught,
    ];
    let found = RULES.iter().find_map(|rule| rule(&words))?;
    Some(Diagnosis {
        cause: truncate(found.cause),
        ..found
    })
}

/// A message may hold a whole document; its beginning is enough to find it in the log.
fn truncate(text: String) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn found(cause: impl Into<String>, cure: impl Into<String>) -> Option<Diagnosis> {
    Some(Diagnosis {
        cause: cause.into(),
        hint: cure.into(),
        permanent: false,
        address_in_use: None,
    })
}

/// Like [`found`], for what no further attempt can change.
fn permanent(cause: impl Into<String>, cure: impl Into<String>) -> Option<Diagnosis> {
    found(cause, cure).map(|diagnosis| Diagnosis {
        permanent: true,
        ..diagnosis
    })
}
