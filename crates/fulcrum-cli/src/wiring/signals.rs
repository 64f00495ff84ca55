//! Signals to the instance, turned into requests for a shutdown.

use std::io;
use std::time::Duration;

use fulcrum_logs::{Hub, Level, with_code};
use tokio::signal::unix::{Signal, SignalKind as UnixSignal, signal};
use tokio::time::{Instant, sleep};

use crate::error_code::ErrorCode;
use crate::exit::Code;
use fulcrum_runtime::{
    ShutdownAction, ShutdownSignal, ShutdownStage, SignalEscalation, SignalKind,
};

/// How long the last line has to reach the terminal.
const FLUSH_DELAY: Duration = Duration::from_millis(50);

/// The signals that end an instance, caught from the moment this exists.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// None under `nohup`: a closed terminal must not end the instance.
    hangup: Option<Signal>,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// The system rejects the handlers.
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

    /// Handles signals until the process ends. A third Ctrl-C exits at once.
    pub(crate) async fn run(mut self, shutdown: ShutdownSignal, hub: Hub) {
        let started = Instant::now();
        let mut escalation = SignalEscalation::default();
        loop {
            let received = tokio::select! {
                Some(()) = self.interrupt.recv() => SignalKind::CtrlC,
                Some(()) = self.terminate.recv() => SignalKind::Terminate,
                Some(()) = next(self.hangup.as_mut()) => SignalKind::HangUp,
                else => return,
            };
            let name = match received {
                SignalKind::CtrlC => "Ctrl-C",
                SignalKind::Terminate => "SIGTERM",
                SignalKind::HangUp => "SIGHUP",
            };
            match escalation.on_signal(received, shutdown.stage(), started.elapsed()) {
                ShutdownAction::Stop => {
                    let hint = match received {
                        SignalKind::CtrlC => " (press Ctrl-C again to kill)",
                        SignalKind::Terminate | SignalKind::HangUp => "",
                    };
                    let text = format!("{name}: stopping domains{hint}");
                    hub.log(Level::Info, text);
                    shutdown.request(ShutdownStage::Stopping);
                }
                ShutdownAction::Kill => {
                    let text = format!(
                        "{name}: killing the remaining processes (press Ctrl-C again to exit at once)"
                    );
                    hub.log(Level::Warn, with_code(&text, ErrorCode::ForcedShutdown));
                    shutdown.request(ShutdownStage::Killing);
                }
                ShutdownAction::ExitNow => exit_immediately(&hub).await,
                ShutdownAction::Ignore => {}
            }
        }
    }
}

/// Exits whatever is stuck. The cleanup guard kills the remaining processes.
#[expect(
    clippy::disallowed_methods,
    reason = "an orderly cleanup is what is stuck; the lock and the pipes are released with the process"
)]
async fn exit_immediately(hub: &Hub) {
    let text = "exiting immediately; the cleanup guard kills remaining processes";
    hub.log(Level::Warn, with_code(text, ErrorCode::ForcedShutdown));
    sleep(FLUSH_DELAY).await;
    fulcrum_tui::term::restore();
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
    fn nohup_is_detected_from_the_process_status() {
        let status = |mask| format!("Name:\tfulcrum\nSigBlk:\t0000000000000000\nSigIgn:\t{mask}\n");
        assert!(ignores_hangup(&status("0000000000001001")));
        assert!(!ignores_hangup(&status("0000000000001006")));
        assert!(!ignores_hangup(""));
    }
}
