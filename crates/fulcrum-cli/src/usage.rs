//! Prints invalid arguments, help and the version.

use std::io::{IsTerminal, Write};

use crate::error_code::ErrorCode;
use crate::output::color_disabled_by_env;

/// Prints an error of the argument parser. Help and version are among them, with exit code 0. The
/// output may be closed.
pub(crate) fn print(error: &clap::Error) {
    if !error.use_stderr() {
        let _ = error.print();
        return;
    }
    let mut stderr = std::io::stderr().lock();
    let is_plain = !stderr.is_terminal() || color_disabled_by_env(|name| std::env::var_os(name));
    let text = match is_plain {
        true => error.render().to_string(),
        false => error.render().ansi().to_string(),
    };
    // Without arguments, the help is printed as an error.
    let _ = stderr.write_all(with_code(&text).as_bytes());
}

fn with_code(text: &str) -> String {
    let code = ErrorCode::Usage;
    text.replacen("error:", &format!("error[{code}]:"), 1)
}

#[cfg(test)]
mod tests {
    use super::with_code;

    #[test]
    fn an_invalid_argument_has_a_code() {
        assert_eq!(
            with_code("error: unexpected argument '--x' found\n"),
            "error[FUL0901]: unexpected argument '--x' found\n"
        );
    }
}
