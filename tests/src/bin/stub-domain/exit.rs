//! How and when it ends, or hangs.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::flags::{End, Flags};
use crate::ledger::Ledger;

/// Ends this process, for good.
pub(crate) fn end(how: End) -> ! {
    match how {
        End::Exit(code) => std::process::exit(code),
        // Rust's runtime has handlers of its own for some signals and ignores SIGPIPE: what comes
        // after an exec has neither. The limit is for the core file, which nobody wants.
        End::Signal(number) => {
            let script = format!("ulimit -c 0; kill -{number} $$; exit 98");
            let error = Command::new("/bin/sh").args(["-c", &script]).exec();
            panic!("no shell: {error}");
        }
    }
}

/// Blocks the only thread: no heartbeat, no answer to a PING, no handler of a signal.
pub(crate) fn hang(time: Duration) {
    std::thread::sleep(time);
}

/// Does what the flags say at times since the start.
pub(crate) fn at_times(flags: &Flags) {
    after(flags.die_at, flags.hang_at, flags);
}

/// Does what the flags say at times since it was registered.
pub(crate) fn since_registered(flags: &Flags) {
    after(flags.die_ready, flags.hang_ready, flags);
}

fn after(die: Option<Duration>, hang_at: Option<Duration>, flags: &Flags) {
    let (how, for_how_long) = (flags.end, flags.hang_for);
    if let Some(time) = die {
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            end(how);
        });
    }
    if let Some(time) = hang_at {
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            hang(for_how_long);
        });
    }
}

/// SIGTERM stops it, unless it is stubborn; SIGUSR1 ends it as the flags say.
pub(crate) fn on_signals(flags: &Flags, ledger: &Ledger) {
    let mut term = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut now = signal(SignalKind::user_defined1()).expect("SIGUSR1 can be handled");
    let (flags, ledger) = (flags.clone(), ledger.clone());
    let how = flags.end;
    tokio::spawn(async move {
        now.recv().await;
        end(how);
    });
    tokio::spawn(async move {
        loop {
            term.recv().await;
            if flags.ignore_term {
                ledger.note("ignored");
                continue;
            }
            stop(&flags, &ledger).await;
        }
    });
}

/// Stops as a good domain does, if slowly.
pub(crate) async fn stop(flags: &Flags, ledger: &Ledger) {
    ledger.note("stopping");
    tokio::time::sleep(flags.slow_stop).await;
    std::process::exit(flags.stop_exit);
}
