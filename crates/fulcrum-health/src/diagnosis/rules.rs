//! The rules in their order.

use super::stderr_tail::StderrTail;
use super::types::{Diagnosis, ExitContext};
use super::{module_errors, node_options, other_runtimes, reported, system_errors};
use crate::code::Code;

/// The longest cause, in characters.
const MAX_CAUSE: usize = 400;

/// Finds its cause in the last lines, or nothing.
type Rule = fn(&StderrTail<'_>) -> Option<Diagnosis>;

/// Finds a known cause of an exit; `None` if the last lines show none.
///
/// Where Node reports an uncaught error, that error counts and not what was logged before it.
#[must_use]
pub fn diagnose(context: &ExitContext<'_>) -> Option<Diagnosis> {
    let tail = StderrTail::new(context);
    const RULES: [(Code, Rule); 28] = [
        (Code::HeapLimit, system_errors::heap_limit),
        (Code::PythonError, other_runtimes::python),
        (Code::BunError, other_runtimes::bun),
        (Code::DenoError, other_runtimes::deno),
        (Code::BadOptionValue, node_options::bad_value),
        (Code::UnknownOption, node_options::bad_option),
        (Code::RejectedOption, node_options::bad_argument),
        (Code::PermissionModel, node_options::denied),
        (Code::AddressInUse, system_errors::address_in_use),
        (Code::NotPermitted, system_errors::permission),
        (Code::Exhausted, system_errors::exhausted),
        (
            Code::UnsupportedTypeScript,
            module_errors::unsupported_typescript,
        ),
        (Code::UnknownExtension, module_errors::unknown_extension),
        (Code::ModuleKind, module_errors::module_kind),
        (Code::UnknownBuiltin, module_errors::unknown_builtin),
        (Code::MissingModule, module_errors::missing_module),
        (Code::NotExported, module_errors::not_exported),
        (Code::ImportAttribute, module_errors::import_attribute),
        (Code::RequireAsync, module_errors::require_async),
        (Code::NativeModule, module_errors::native_module),
        (Code::MissingExport, module_errors::missing_export),
        (Code::SyntaxError, module_errors::syntax),
        (Code::ConnectionRefused, system_errors::refused),
        (Code::UnsettledAwait, system_errors::unsettled_await),
        (Code::UnhandledRejection, system_errors::rejection),
        (Code::UncaughtError, system_errors::uncaught),
        (Code::ReportedError, reported::stack),
        (Code::LoggedError, reported::logged_error),
    ];
    let mut rules = RULES.iter();
    let (code, found) = rules.find_map(|(code, rule)| Some((*code, rule(&tail)?)))?;
    Some(Diagnosis {
        code,
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
