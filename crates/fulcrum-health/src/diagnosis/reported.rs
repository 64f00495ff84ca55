//! Errors that a program reports by itself before it exits.

use super::stack::Stack;
use super::stderr_tail::StderrTail;
use super::types::Diagnosis;

/// The last error with a stack, on standard error or standard output: that of
/// `main().catch(error => { console.error(error); process.exit(1) })`.
pub(super) fn stack(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    if !tail.failed() {
        return None;
    }
    let stack = Stack::last_of(tail.all).or_else(|| Stack::last_of(tail.stdout))?;
    let at = tail.at_position(stack.position());
    Diagnosis::transient(format!("{}{at}{}", stack.headline, stack.cause_text()), "")
}

/// The last line of level error or fatal.
pub(super) fn logged_error(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    if !tail.failed() {
        return None;
    }
    let text = tail.logged_error.map(str::trim);
    Diagnosis::transient(text.filter(|text| !text.is_empty())?, "")
}
