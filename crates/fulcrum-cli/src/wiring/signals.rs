//! Signals to the instance, turned into wishes to end.

use std::io;
use std::time::Duration;

use fulcrum_logs::{Hub, Level};
use tokio::signal::unix::{Signal, SignalKind as UnixSignal, signal};
use tokio::time::{Instant, sleep};

use crate::exit::Code;
use crate::wiring::escalation::{ShutdownAction, SignalEscalation, SignalKind};
use fulcrum_runtime::context::log;
use fulcrum_runtime::shutdown::stage::{ShutdownSignal, ShutdownStage};

/// How long the last word has to reach the terminal.
const FLUSH_DELAY: Duration = Duration::from_millis(50);

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
            Some(signal(UnixSignal::hangup())?)
        };
        Ok(Self {
            interrupt: signal(UnixSignal::interrupt())?,
            terminate: signal(UnixSignal::terminate())?,
            hangup,
        })
    }

    /// Passes them on for ever. A third Ctrl-C ends the process here and now.
    pub(crate) async fn run(mut self, closing: ShutdownSignal, hub: Hub) {
        let begun = Instant::now();
        let mut escalation = SignalEscalation::default();
        loop {
            let asked = tokio::select! {
                Some(()) = self.interrupt.recv() => SignalKind::CtrlC,
                Some(()) = self.terminate.recv() => SignalKind::Terminate,
                Some(()) = next(self.hangup.as_mut()) => SignalKind::HangUp,
                else => return,
            };
            let name = match asked {
                SignalKind::CtrlC => "Ctrl-C",
                SignalKind::Terminate => "SIGTERM",
                SignalKind::HangUp => "SIGHUP",
            };
            match escalation.on_signal(asked, closing.stage(), begun.elapsed()) {
                ShutdownAction::Stop => {
                    let hint = match asked {
                        SignalKind::CtrlC => " (again to kill them)",
                        SignalKind::Terminate | SignalKind::HangUp => "",
                    };
                    let text = format!("{name}: stopping the domains{hint}");
                    log(&hub, Level::Info, text);
                    closing.request(ShutdownStage::Stopping);
                }
                ShutdownAction::Kill => {
                    let text = format!("{name}: killing what is left (again to leave at once)");
                    log(&hub, Level::Warn, text);
                    closing.request(ShutdownStage::Killing);
                }
                ShutdownAction::ExitNow => exit_immediately(&hub).await,
                ShutdownAction::Ignore => {}
            }
        }
    }
}

/// Ends the process whatever is stuck. The guard sees that, and kills what is left.
#[expect(
    clippy::disallowed_methods,
    reason = "what would be cleaned up in order is what is stuck; the lock and the pipes go with the process"
)]
async fn exit_immediately(hub: &Hub) {
    let text = "Ctrl-C for the third time: leaving at once; the guard kills what is left";
    log(hub, Level::Warn, text);
    sleep(FLUSH_DELAY).await;
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
