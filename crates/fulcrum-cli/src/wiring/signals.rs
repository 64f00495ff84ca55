//! Signals to the instance, turned into wishes to end.

use std::io;
use std::time::Duration;

use fulcrum_logs::{Hub, Level};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep};

use crate::exit::Code;
use crate::wiring::escalation::{Asked, Insistence, Wish};
use fulcrum_runtime::context::say;
use fulcrum_runtime::shutdown::stage::{Closing, Stage};

/// How long the last word has to reach the terminal.
const LAST_WORD: Duration = Duration::from_millis(50);

/// The signals that end an instance, caught from the moment this exists.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// None under `nohup`: who started us doesn't want a closed terminal to end us.
    hangup: Option<Signal>,
}

impl Signals {
    /// Begins to catch them.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub(crate) fn catch() -> io::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let hangup = if ignores_hangup(&status) {
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
        })
    }

    /// Passes them on for ever. A third Ctrl-C ends the process here and now.
    pub(crate) async fn carry(mut self, closing: Closing, hub: Hub) {
        let begun = Instant::now();
        let mut insistence = Insistence::default();
        loop {
            let asked = tokio::select! {
                Some(()) = self.interrupt.recv() => Asked::CtrlC,
                Some(()) = self.terminate.recv() => Asked::Terminate,
                Some(()) = next(self.hangup.as_mut()) => Asked::HangUp,
                else => return,
            };
            let name = match asked {
                Asked::CtrlC => "Ctrl-C",
                Asked::Terminate => "SIGTERM",
                Asked::HangUp => "SIGHUP",
            };
            match insistence.take(asked, closing.stage(), begun.elapsed()) {
                Wish::Stop => {
                    let hint = match asked {
                        Asked::CtrlC => " (again to kill them)",
                        Asked::Terminate | Asked::HangUp => "",
                    };
                    let text = format!("{name}: stopping the domains{hint}");
                    say(&hub, Level::Info, text);
                    closing.ask(Stage::Stopping);
                }
                Wish::Kill => {
                    let text = format!("{name}: killing what is left (again to leave at once)");
                    say(&hub, Level::Warn, text);
                    closing.ask(Stage::Killing);
                }
                Wish::Leave => leave(&hub).await,
                Wish::Nothing => {}
            }
        }
    }
}

/// Ends the process whatever is stuck. The guard sees that, and kills what is left.
#[expect(
    clippy::disallowed_methods,
    reason = "what would be cleaned up in order is what is stuck; the lock and the pipes go with the process"
)]
async fn leave(hub: &Hub) {
    let text = "Ctrl-C for the third time: leaving at once; the guard kills what is left";
    say(hub, Level::Warn, text);
    sleep(LAST_WORD).await;
    std::process::exit(Code::Interrupted as i32);
}

async fn next(signal: Option<&mut Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP is ignored, by `/proc/PID/status`: bit n - 1 of `SigIgn` is signal n.
fn ignores_hangup(status: &str) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_seen_in_the_status() {
        let status = |mask| format!("Name:\tfulcrum\nSigBlk:\t0000000000000000\nSigIgn:\t{mask}\n");
        assert!(ignores_hangup(&status("0000000000001001")));
        assert!(!ignores_hangup(&status("0000000000001006")));
        assert!(!ignores_hangup(""));
    }
}
