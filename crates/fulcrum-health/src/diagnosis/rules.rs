//! The rules in their order.

use super::stderr_tail::StderrTail;
use super::types::{Diagnosis, ExitContext};
use super::{module_errors, node_options, other_runtimes, reported, system_errors};

/// The longest cause, in characters.
const MAX_CAUSE: usize = 400;

/// Finds a known cause of an exit; `None` if the last lines show none.
///
/// Where Node reports an uncaught error, that error counts and not what was logged before it.
#[must_use]
pub fn diagnose(context: &ExitContext<'_>) -> Option<Diagnosis> {
    let tail = StderrTail::new(context);
    const RULES: [fn(&StderrTail<'_>) -> Option<Diagnosis>; 28] = [
        system_errors::heap_limit,
        other_runtimes::python,
        other_runtimes::bun,
        other_runtimes::deno,
        node_options::bad_value,
        node_options::bad_option,
        node_options::bad_argument,
        node_options::denied,
        system_errors::address_in_use,
        system_errors::permission,
        system_errors::exhausted,
        module_errors::unsupported_typescript,
        module_errors::unknown_extension,
        module_errors::module_kind,
        module_errors::unknown_builtin,
        module_errors::missing_module,
        module_errors::not_exported,
        module_errors::import_attribute,
        module_errors::require_async,
        module_errors::native_module,
        module_errors::missing_export,
        module_errors::syntax,
        system_errors::refused,
        system_errors::unsettled_await,
        system_errors::rejection,
        system_errors::uncaught,
        reported::stack,
        reported::logged_error,
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
