//! Signals to the instance, turned into wishes to end.

use std::io;

use fulcrum_logs::{Hub, Level};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::closing::{Closing, Stage};
use super::house::say;

/// The signals that end an instance, caught from the moment this exists.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Begins to catch them.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Passes them on for ever: the first asks to stop, a second Ctrl-C or SIGTERM to kill.
    pub(crate) async fn carry(mut self, closing: Closing, hub: Hub) {
        loop {
            let (name, insistent) = tokio::select! {
                Some(()) = self.interrupt.recv() => ("Ctrl-C", true),
                Some(()) = self.terminate.recv() => ("SIGTERM", true),
                Some(()) = self.hangup.recv() => ("SIGHUP", false),
                else => return,
            };
            if closing.stage() == Stage::Open {
                say(
                    &hub,
                    Level::Info,
                    format!("{name}: stopping the domains (again to kill them)"),
                );
                closing.ask(Stage::Stopping);
            } else if insistent {
                say(
                    &hub,
                    Level::Warn,
                    format!("{name} again: killing what is left"),
                );
                closing.ask(Stage::Killing);
            }
        }
    }
}
