//! How and when the stub exits or hangs.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::activity_log::ActivityLog;
use crate::flags::{ExitMode, Flags};

/// Exits, or kills this process by a signal.
pub(crate) fn exit_as(mode: ExitMode) -> ! {
    match mode {
        ExitMode::Exit(code) => std::process::exit(code),
        // Rust's runtime handles some signals and ignores SIGPIPE; exec resets both. The limit
        // prevents a core file.
        ExitMode::Signal(number) => {
            let script = format!("ulimit -c 0; kill -{number} $$; exit 98");
            let error = Command::new("/bin/sh").args(["-c", &script]).exec();
            panic!("no shell: {error}");
        }
    }
}

/// Blocks the only thread: no heartbeat, no response to a PING, no signal handler.
pub(crate) fn hang(time: Duration) {
    std::thread::sleep(time);
}

/// Schedules an exit or hang relative to the start.
pub(crate) fn schedule_from_start(flags: &Flags) {
    schedule(flags.exit_at, flags.hang_at, flags);
}

/// Schedules an exit or hang relative to the registration.
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

/// SIGTERM stops it, unless a flag ignores that; SIGUSR1 exits as the flags say.
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

/// Stops in order, after the delay that the flags set.
pub(crate) async fn stop(flags: &Flags, activity_log: &ActivityLog) {
    activity_log.record("stopping");
    tokio::time::sleep(flags.slow_stop).await;
    std::process::exit(flags.stop_exit);
}
