//! Signals to this command, which are passed on to the program.

use std::fs::File;
use std::io;

use rustix::process::{Signal, getpgrp};
use rustix::termios::tcgetpgrp;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};

/// The signals that are passed on, caught from the moment this exists.
pub(super) struct ForwardedSignals {
    interrupt: SignalStream,
    quit: SignalStream,
    terminate: SignalStream,
    hang_up: SignalStream,
    user1: SignalStream,
    user2: SignalStream,
}

/// A signal that was received.
pub(super) struct Received {
    pub(super) signal: Signal,
}

impl ForwardedSignals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// The system rejects the handlers.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    /// The next signal. Cancel safe.
    pub(super) async fn next(&mut self) -> Received {
        let signal = tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.quit.recv() => Signal::QUIT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hang_up.recv() => Signal::HUP,
            _ = self.user1.recv() => Signal::USR1,
            _ = self.user2.recv() => Signal::USR2,
        };
        Received { signal }
    }
}

impl Received {
    /// Whether the signal asks for an end.
    pub(super) fn ends(&self) -> bool {
        self.signal != Signal::USR1 && self.signal != Signal::USR2
    }

    /// Whether the program has received it as well: a terminal sends the signals of its keys to all
    /// processes in the foreground.
    pub(super) fn reached_the_group(&self) -> bool {
        (self.signal == Signal::INT || self.signal == Signal::QUIT) && is_in_foreground()
    }
}

fn is_in_foreground() -> bool {
    let terminal = File::open("/dev/tty");
    let foreground = terminal.ok().and_then(|terminal| tcgetpgrp(terminal).ok());
    foreground == Some(getpgrp())
}
