//! How and when it ends, or hangs.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::activity_log::ActivityLog;
use crate::flags::{ExitMode, Flags};

/// Ends this process, for good.
pub(crate) fn exit_as(mode: ExitMode) -> ! {
    match mode {
        ExitMode::Exit(code) => std::process::exit(code),
        // Rust's runtime has handlers of its own for some signals and ignores SIGPIPE: what comes
        // after an exec has neither. The limit is for the core file, which nobody wants.
        ExitMode::Signal(number) => {
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
pub(crate) fn schedule_from_start(flags: &Flags) {
    schedule(flags.exit_at, flags.hang_at, flags);
}

/// Does what the flags say at times since it was registered.
pub(crate) fn schedule_from_registration(flags: &Flags) {
    schedule(flags.exit_after_ready, flags.hang_ready, flags);
}

fn schedule(exit_after: Option<Duration>, hang_after: Option<Duration>, flags: &Flags) {
    let (mode, hang_duration) = (flags.exit_mode, flags.hang_for);
    if let Some(time) = exit_after {
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            exit_as(mode);
        });
    }
    if let Some(time) = hang_after {
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            hang(hang_duration);
        });
    }
}

/// SIGTERM stops it, unless it is stubborn; SIGUSR1 ends it as the flags say.
pub(crate) fn handle_signals(flags: &Flags, activity_log: &ActivityLog) {
    let mut term = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut usr1 = signal(SignalKind::user_defined1()).expect("SIGUSR1 can be handled");
    let (flags, activity_log) = (flags.clone(), activity_log.clone());
    let mode = flags.exit_mode;
    tokio::spawn(async move {
        usr1.recv().await;
        exit_as(mode);
    });
    tokio::spawn(async move {
        loop {
            term.recv().await;
            if flags.ignore_term {
                activity_log.record("ignored");
                continue;
            }
            stop(&flags, &activity_log).await;
        }
    });
}

/// Stops as a good domain does, if slowly.
pub(crate) async fn stop(flags: &Flags, activity_log: &ActivityLog) {
    activity_log.record("stopping");
    tokio::time::sleep(flags.slow_stop).await;
    std::process::exit(flags.stop_exit);
}
