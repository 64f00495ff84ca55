//! Children, memory and floods of output.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::activity_log::ActivityLog;
use crate::flags::Flags;

/// Starts the children that the flags ask for, and waits until each ignores SIGTERM.
#[expect(
    clippy::zombie_processes,
    reason = "the child is to outlive this function"
)]
pub(crate) fn spawn_children(flags: &Flags, activity_log: &ActivityLog) {
    let mut common = Vec::new();
    if let Some(file) = activity_log.file() {
        common.extend(["--activity-log".to_owned(), file.display().to_string()]);
        common.extend(["--name".to_owned(), activity_log.domain().to_owned()]);
    }
    if flags.grandchild || flags.child_rss > 0 {
        let mut command = self_command();
        command.args(["--child", "grandchild"]).args(&common);
        command.args(["--rss", &flags.child_rss.to_string()]);
        let _child = spawn_ready(command);
    }
    if flags.daemon {
        let mut command = self_command();
        command.arg("--double-fork").args(&common).env_clear();
        let forked = spawn_ready(command).wait();
        forked.expect("the first of two forks exits");
    }
}

fn self_command() -> Command {
    Command::new(std::env::current_exe().expect("the path of the executable is known"))
}

/// Starts it and waits until it reports readiness through its standard input. It inherits the
/// domain's standard output and error, as children of many programs do.
fn spawn_ready(mut command: Command) -> Child {
    let (mut ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
    let child = command.spawn();
    // Only the child has its end of the pair now.
    drop(command);
    let _ = ours.read(&mut [0]);
    child.expect("a child can be started")
}

/// Starts a child in a session of its own, and exits.
#[expect(
    clippy::zombie_processes,
    reason = "the child is to outlive its parent"
)]
pub(crate) fn double_fork(flags: &Flags) -> ExitCode {
    rustix::process::setsid().expect("a process that leads no group can lead a session");
    let mut command = self_command();
    command.args(["--child", "daemon"]);
    if let (Some(file), Some(name)) = (&flags.activity_log, &flags.name) {
        command.args(["--activity-log", file, "--name", name]);
    }
    // It inherits standard input, and so reports readiness itself.
    let _daemon = command
        .env_clear()
        .spawn()
        .expect("a daemon can be started");
    ExitCode::SUCCESS
}

/// Runs until it is killed: SIGTERM is recorded and ignored.
pub(crate) async fn run_child(flags: &Flags) -> ExitCode {
    let mut term = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let activity_log = ActivityLog::from_environment(flags);
    hold_memory(Duration::ZERO, flags.rss).await;
    activity_log.record(&flags.event);
    let _ = rustix::io::write(rustix::stdio::stdin(), b".");
    if let Ok(null) = std::fs::File::open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(null);
    }
    loop {
        term.recv().await;
        activity_log.record("ignored");
    }
}

/// Allocates memory after a delay, and writes to every page of it.
pub(crate) async fn hold_memory(after: Duration, bytes: usize) {
    if bytes > 0 {
        tokio::time::sleep(after).await;
        // Not zeros: such pages are not allocated before they are written.
        std::mem::forget(vec![1_u8; bytes]);
    }
}

/// Writes as many bytes per second.
pub(crate) async fn write_flood(bytes: usize) {
    const TICK: Duration = Duration::from_millis(20);
    let line = format!("{}\n", "x".repeat(99));
    let lines = bytes.div_ceil(50 * line.len());
    let text = line.repeat(lines);
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        if std::io::stdout().write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}
