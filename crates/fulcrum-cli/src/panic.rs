//! The message of a panic.

use std::io::Write as _;
use std::panic::PanicHookInfo;

use crate::error_code::ErrorCode;

/// Makes every panic print that it is an internal error, where it happened, and what to do.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        // The message is for the ordinary screen.
        fulcrum_tui::term::restore();
        // Standard error may be closed; a panic while panicking would abort.
        let _ = std::io::stderr().write_all(describe(info).as_bytes());
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            let trace = std::backtrace::Backtrace::force_capture();
            let _ = writeln!(std::io::stderr(), "{trace}");
        }
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("panic");
    let location = info.location().map_or_else(String::new, |location| {
        format!(" ({}:{})", location.file(), location.line())
    });
    format!(
        "fulcrum: internal error: {message}{location} [{}]\n  \
         hint: report it with this text, the version ({}) and what you did; \
         RUST_BACKTRACE=1 adds a backtrace\n",
        ErrorCode::Internal,
        env!("CARGO_PKG_VERSION")
    )
}
