//! What it burdens the machine with: descendants, memory, output.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::activity_log::ActivityLog;
use crate::flags::Flags;

/// Starts the descendants that the flags ask for, and waits until each is proof against SIGTERM.
#[expect(
    clippy::zombie_processes,
    reason = "it outlives this function, and that is its point"
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
        forked.expect("the first of two forks ends");
    }
}

fn self_command() -> Command {
    Command::new(std::env::current_exe().expect("a program knows itself"))
}

/// Starts it and waits for its word, which comes by its standard input: standard output and error
/// are the domain's own, as those of careless programs are.
fn spawn_ready(mut command: Command) -> Child {
    let (mut ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
    let child = command.spawn();
    // Its end of the pair is the child's alone then.
    drop(command);
    let _ = ours.read(&mut [0]);
    child.expect("a child can be started")
}

/// Starts an offspring in a session of its own, and is gone.
#[expect(
    clippy::zombie_processes,
    reason = "it outlives its parent, and that is its point"
)]
pub(crate) fn double_fork(flags: &Flags) -> ExitCode {
    rustix::process::setsid().expect("a process that leads no group can lead a session");
    let mut command = self_command();
    command.args(["--child", "daemon"]);
    if let (Some(file), Some(name)) = (&flags.activity_log, &flags.name) {
        command.args(["--activity-log", file, "--name", name]);
    }
    // Its standard input is passed on, and with it the duty to say that it is there.
    let _daemon = command
        .env_clear()
        .spawn()
        .expect("a daemon can be started");
    ExitCode::SUCCESS
}

/// Lives on, whatever SIGTERM says.
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

/// Holds so much memory from then on, every page of it in use.
pub(crate) async fn hold_memory(after: Duration, bytes: usize) {
    if bytes > 0 {
        tokio::time::sleep(after).await;
        // Not zeroes: pages of those aren't the process's own until they are written.
        std::mem::forget(vec![1_u8; bytes]);
    }
}

/// Writes so many bytes each second.
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
