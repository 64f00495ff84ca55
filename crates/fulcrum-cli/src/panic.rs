//! What is said when Fulcrum itself is at fault.

use std::io::Write as _;
use std::panic::PanicHookInfo;

/// Makes every panic say that it is a defect of Fulcrum, where it is, and what to do.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        // Standard error may be closed; a panic while panicking would abort.
        let _ = std::io::stderr().write_all(describe(info).as_bytes());
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            let trace = std::backtrace::Backtrace::force_capture();
            let _ = writeln!(std::io::stderr(), "{trace}");
        }
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let what = info.payload_as_str().unwrap_or("it panicked");
    let place = info.location().map_or_else(String::new, |place| {
        format!(" ({}:{})", place.file(), place.line())
    });
    format!(
        "fulcrum: this is a defect of fulcrum, not of your app: {what}{place}\n  \
         hint: please report it with this text, `fulcrum --version` ({}), and what you did; \
         RUST_BACKTRACE=1 adds a backtrace\n",
        env!("CARGO_PKG_VERSION")
    )
}
