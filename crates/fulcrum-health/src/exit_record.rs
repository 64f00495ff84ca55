//! How a generation ended, with all that is known about the reason.

use std::fmt;
use std::path::PathBuf;

use crate::code::Code;
use crate::diagnosis::Diagnosis;
use crate::exit::{ProgramKind, describe_exit};

const SIGKILL: i32 = 9;

/// The longest line that is quoted, in characters.
const MAX_QUOTED_LINE: usize = 200;

/// The exit of one generation. Its `Display` is [`describe`](Self::describe) of a generation that
/// was ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitRecord {
    /// The generation that ended.
    pub generation: u64,
    /// The exit code, if the process exited by itself.
    pub code: Option<i32>,
    /// The signal's number, if a signal ended it.
    pub signal: Option<i32>,
    /// Whose exit codes its code is one of.
    pub kind: ProgramKind,
    /// The last lines of its standard error, oldest first.
    pub stderr: Vec<String>,
    /// The known cause.
    pub diagnosis: Option<Diagnosis>,
    /// The kernel killed it since memory ran out.
    pub oom_kill: Option<OomKill>,
}

/// A kill by the kernel's out-of-memory killer, and the counter that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomKill {
    /// The counter's new value.
    pub count: u64,
    /// The file that the counter is in, such as a cgroup's `memory.events`.
    pub counter: PathBuf,
}

impl fmt::Display for OomKill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "out of memory: killed by the kernel (oom_kill rose to {} in {})",
            self.count,
            self.counter.display()
        )
    }
}

impl ExitRecord {
    /// Whether another start cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.diagnosis.as_ref().is_some_and(|found| found.permanent)
    }

    /// Describes an exit that was not requested: status, cause, hint and code in one line.
    #[must_use]
    pub fn describe(&self, was_ready: bool) -> String {
        let mut text = describe_exit(self.code, self.signal, self.kind);
        if !was_ready {
            text.push_str(" before it registered");
        }
        if let Some(kill) = &self.oom_kill {
            text.push_str(&format!(", {kill}"));
        } else if self.signal.is_some_and(is_sent_by_others) {
            text.push_str(", sender unknown");
        }
        match &self.diagnosis {
            Some(Diagnosis { cause, hint, .. }) if hint.is_empty() => {
                text.push_str(&format!(": {cause}"));
            }
            Some(Diagnosis { cause, hint, .. }) => {
                text.push_str(&format!(": {cause} ({hint})"));
            }
            None if self.code.is_some_and(|code| code != 0) => {
                let mut lines = self.stderr.iter().rev().map(|line| line.trim());
                if let Some(line) = lines.find(|line| !line.is_empty()) {
                    text.push_str(&format!("; last on stderr: {}", truncate_line(line)));
                }
            }
            None => {}
        }
        if let Some(code) = self.code() {
            text.push_str(&format!(" [{code}]"));
        }
        text
    }

    /// Why it ended; none for exit code 0 without a known cause.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        if self.oom_kill.is_some() {
            return Some(Code::OutOfMemory);
        }
        if let Some(diagnosis) = &self.diagnosis {
            return Some(diagnosis.code);
        }
        match (self.signal, self.code) {
            (Some(signal), _) if is_sent_by_others(signal) => Some(Code::KilledBySignal),
            (Some(_), _) => Some(Code::Crashed),
            (None, Some(0) | None) => None,
            (None, Some(_)) => Some(Code::ExitCode),
        }
    }

    /// Describes an exit that Fulcrum requested; `killed` where it had to send SIGKILL.
    #[must_use]
    pub fn describe_forced(&self, killed: bool) -> String {
        let text = describe_exit(self.code, self.signal, self.kind);
        match (&self.oom_kill, self.signal) {
            (_, Some(SIGKILL)) if killed => format!("{text}, sent by Fulcrum"),
            (Some(kill), Some(SIGKILL)) => format!("{text}, {kill}"),
            (None, Some(SIGKILL)) => format!("{text}, sender unknown"),
            _ => text,
        }
    }
}

impl fmt::Display for ExitRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe(true))
    }
}

/// Whether a signal comes from another process and not from a fault of the program.
fn is_sent_by_others(signal: i32) -> bool {
    // HUP, INT, QUIT, KILL, USR1, USR2, TERM on Linux.
    matches!(signal, 1 | 2 | 3 | 9 | 10 | 12 | 15)
}

/// A line of output, cut to 200 characters so that it can be quoted in a sentence.
#[must_use]
pub fn truncate_line(line: &str) -> String {
    match line.char_indices().nth(MAX_QUOTED_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{ExitContext, diagnose};

    fn record(code: Option<i32>, signal: Option<i32>, stderr: &[&str]) -> ExitRecord {
        let stderr: Vec<String> = stderr.iter().map(|line| (*line).to_owned()).collect();
        ExitRecord {
            generation: 1,
            code,
            signal,
            kind: ProgramKind::Node,
            diagnosis: diagnose(&ExitContext {
                stderr: &stderr,
                kind: ProgramKind::Node,
                code,
                signal,
                ..ExitContext::default()
            }),
            stderr,
            oom_kill: None,
        }
    }

    #[test]
    fn an_unrequested_exit_is_described_with_its_cause() {
        assert_eq!(
            record(Some(3), None, &["boom", ""]).describe(false),
            "exit 3 before it registered; last on stderr: boom [FUL0343]"
        );
        assert_eq!(record(Some(0), None, &["bye"]).to_string(), "exit 0");
        let uncaught = [
            "/a/domain.js:7",
            "Error: boom",
            "    at f (/a/domain.js:7:9)",
            "Node.js v20",
        ];
        assert_eq!(
            record(Some(1), None, &uncaught).to_string(),
            "exit 1: Error: boom at /a/domain.js:7:9 [FUL0326]"
        );
        assert!(record(Some(13), None, &[]).describe(false).starts_with(
            "exit 13 (top-level await never settled) before it registered: a top-level await "
        ));
    }

    #[test]
    fn the_sender_of_a_sigkill_is_named_or_unknown() {
        let mut killed = record(None, Some(9), &["unrelated"]);
        assert_eq!(
            killed.describe(true),
            "killed by SIGKILL (9), sender unknown [FUL0341]"
        );
        assert_eq!(
            killed.describe_forced(true),
            "killed by SIGKILL (9), sent by Fulcrum"
        );
        assert_eq!(
            killed.describe_forced(false),
            "killed by SIGKILL (9), sender unknown"
        );
        killed.oom_kill = Some(OomKill {
            count: 1,
            counter: "/sys/fs/cgroup/shop/memory.events".into(),
        });
        let by_kernel = "killed by SIGKILL (9), out of memory: killed by the kernel \
                         (oom_kill rose to 1 in /sys/fs/cgroup/shop/memory.events)";
        assert_eq!(killed.describe(true), format!("{by_kernel} [FUL0340]"));
        assert_eq!(killed.describe_forced(false), by_kernel);
        assert_eq!(
            record(None, Some(11), &[]).describe(true),
            "killed by SIGSEGV (11) [FUL0342]"
        );
        assert_eq!(
            record(None, Some(15), &[]).describe(true),
            "killed by SIGTERM (15), sender unknown [FUL0341]"
        );
    }
}
