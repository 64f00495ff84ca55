//! Exit codes and signals as text.

/// Whose exit codes a program's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProgramKind {
    /// Node, whose codes from 5 to 14 have a meaning.
    Node,
    /// Any other program, whose codes are its own.
    #[default]
    Other,
}

impl ProgramKind {
    /// The kind of a command, by the name of its program.
    #[must_use]
    pub fn of_command(program: &str) -> Self {
        let name = program.rsplit('/').next().unwrap_or(program);
        match name {
            "node" | "nodejs" | "tsx" | "ts-node" => Self::Node,
            _ => Self::Other,
        }
    }
}

/// Describes how a process ended: `exit 1`, `exit 13 (top-level await never settled)`,
/// `killed by SIGKILL (9)`.
///
/// `code` is the exit code, `signal` the number of the signal that ended the process; the signal
/// takes precedence. The meanings of codes are those of Node's documentation of `process` ("Exit
/// codes"), without the codes that only a broken build of Node returns and that programs often use
/// themselves. A code such as 137 is *not* described as SIGKILL: the process exited by itself, with
/// the code that shells use when a signal ended one of their children.
#[must_use]
pub fn describe_exit(code: Option<i32>, signal: Option<i32>, kind: ProgramKind) -> String {
    match (signal, code) {
        (Some(signal), _) => match signal_name(signal) {
            Some(name) => format!("killed by {name} ({signal})"),
            None => format!("killed by signal {signal}"),
        },
        (None, Some(code)) => match exit_code_meaning(code, kind) {
            Some(meaning) => format!("exit {code} ({meaning})"),
            None => format!("exit {code}"),
        },
        (None, None) => "ended, status unknown".to_owned(),
    }
}

fn exit_code_meaning(code: i32, kind: ProgramKind) -> Option<String> {
    if code < 126 && kind != ProgramKind::Node {
        return None;
    }
    let known = match code {
        5 => "Node's code for: fatal error in V8",
        6 => "Node's code for: its exception handler was not a function",
        7 => "Node's code for: the handler of an uncaught exception threw",
        9 => "Node's code for: invalid argument",
        12 => "Node's code for: invalid debugger argument",
        13 => "top-level await never settled",
        14 => "Node's code for: a V8 startup snapshot failed",
        126 => "a shell's code for: not executable",
        127 => "a shell's code for: command not found",
        129.. => {
            let name = signal_name(code - 128)?;
            return Some(format!(
                "its own exit code; shells use it when {name} ended a process below them"
            ));
        }
        _ => return None,
    };
    Some(known.to_owned())
}

/// The name of a signal on this system, such as `SIGTERM` for 15.
#[must_use]
pub fn signal_name(signal: i32) -> Option<&'static str> {
    SIGNALS
        .iter()
        .find(|(number, _)| *number == signal)
        .map(|(_, name)| *name)
}

/// From signal(7), the numbers of x86 and ARM.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SIGNALS: [(i32, &str); 31] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (10, "SIGUSR1"),
    (11, "SIGSEGV"),
    (12, "SIGUSR2"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (16, "SIGSTKFLT"),
    (17, "SIGCHLD"),
    (18, "SIGCONT"),
    (19, "SIGSTOP"),
    (20, "SIGTSTP"),
    (21, "SIGTTIN"),
    (22, "SIGTTOU"),
    (23, "SIGURG"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (26, "SIGVTALRM"),
    (27, "SIGPROF"),
    (28, "SIGWINCH"),
    (29, "SIGIO"),
    (30, "SIGPWR"),
    (31, "SIGSYS"),
];

/// From signal(3) of macOS and the BSDs: the signals that end a process.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SIGNALS: [(i32, &str); 19] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (10, "SIGBUS"),
    (11, "SIGSEGV"),
    (12, "SIGSYS"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (27, "SIGPROF"),
    (30, "SIGUSR1"),
    (31, "SIGUSR2"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_signals_are_distinguished() {
        assert_eq!(describe_exit(Some(0), None, ProgramKind::Node), "exit 0");
        assert_eq!(describe_exit(Some(1), None, ProgramKind::Node), "exit 1");
        assert_eq!(
            describe_exit(None, Some(9), ProgramKind::Node),
            "killed by SIGKILL (9)"
        );
        assert_eq!(
            describe_exit(None, Some(40), ProgramKind::Node),
            "killed by signal 40"
        );
        assert_eq!(
            describe_exit(Some(13), None, ProgramKind::Node),
            "exit 13 (top-level await never settled)"
        );
        assert_eq!(
            describe_exit(Some(6), None, ProgramKind::Other),
            "exit 6",
            "a program of its own"
        );
        let code_137 = describe_exit(Some(137), None, ProgramKind::Node);
        assert!(
            code_137.starts_with("exit 137 (its own exit code;"),
            "{code_137}"
        );
    }

    #[test]
    fn every_status_has_a_text_of_its_own() {
        let codes = (0..=255).map(|code| describe_exit(Some(code), None, ProgramKind::Node));
        let signals = (1..=64).map(|signal| describe_exit(None, Some(signal), ProgramKind::Node));
        let texts: std::collections::BTreeSet<String> = codes.chain(signals).collect();
        assert_eq!(texts.len(), 256 + 64);
        assert!(
            texts
                .iter()
                .all(|text| text.starts_with("exit ") || text.starts_with("killed by "))
        );
    }
}
