//! The rules in their order.

use super::stderr_tail::StderrTail;
use super::types::{Diagnosis, ExitContext};
use super::{module_errors, system_errors};

/// The longest cause, in characters.
const MAX_CAUSE: usize = 400;

/// Finds a known cause of an exit; `None` if the last lines show none.
///
/// Where Node reports an uncaught error, that error counts and not what was logged before it.
#[must_use]
pub fn diagnose(context: &ExitContext<'_>) -> Option<Diagnosis> {
    let tail = StderrTail::new(context);
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
    let found = RULES.iter().find_map(|rule| rule(&tail))?;
    Some(Diagnosis {
        cause: truncate(found.cause),
        ..found
    })
}

/// A message may contain a whole document; its beginning is enough to find it in the log.
fn truncate(text: String) -> String {
    match text.char_indices().nth(MAX_CAUSE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
