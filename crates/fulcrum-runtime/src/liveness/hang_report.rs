//! What a hung process was doing, collected before it is killed.
//!
//! Collecting takes at most [`COLLECT_TIMEOUT`]; what is not known by then is left out.

use std::path::Path;
use std::time::Duration;

use fulcrum_logs::{Capacity, Delivery, Hub, LogQuery, Stream as LogStream};
use fulcrum_spawn::inspect::{
    Inspector, describe_process, describe_stack, is_inspector_output, report_file_name, save_report,
};
use fulcrum_spawn::process::{GroupSnapshot, ProcessSnapshot, exe_path};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use crate::clock::now;
use crate::format::format_duration;
use crate::state::inspect::is_node;

/// How long the restart waits for the report.
const COLLECT_TIMEOUT: Duration = Duration::from_millis(500);

/// How many of the last lines of each stream are searched for the last output.
const SEARCHED_LINES: usize = 8;

/// How many lines of standard error may wait for the inspector.
const STDERR_BUFFER: usize = 64;

/// A generation that was found hung.
pub(crate) struct HangContext<'a> {
    pub(crate) hub: &'a Hub,
    /// The app root.
    pub(crate) app: &'a Path,
    pub(crate) domain: &'a str,
    pub(crate) generation: u64,
    /// CPU time that its processes have used since it became late.
    pub(crate) cpu_time: Duration,
    /// For how long it has been late.
    pub(crate) silence: Duration,
    /// Its processes now.
    pub(crate) now: GroupSnapshot,
}

/// The report, at most four lines.
pub(crate) async fn collect(context: &HangContext<'_>) -> Vec<String> {
    let until = Instant::now() + COLLECT_TIMEOUT;
    let Some(suspect) = select_process(&context.now).cloned() else {
        return Vec::new();
    };
    let (busy, silence) = (context.cpu_time, context.silence);
    let node = runs_node(suspect.pid);
    let mut lines = Vec::new();
    let process = suspect.clone();
    // Reads /proc, which may block.
    let state = tokio::task::spawn_blocking(move || {
        describe_process(&process, busy, silence, format_duration)
    });
    if let Ok(Ok(text)) = timeout(COLLECT_TIMEOUT, state).await {
        lines.push(text);
    }
    // A process that sleeps in the kernel, or is stopped, runs no JavaScript to interrupt.
    let runs = suspect.state == 'R' || busy * 10 >= silence;
    if node && runs && Inspector::can_open(&suspect) {
        lines.extend(inspect_javascript(context, &suspect, until).await);
    }
    lines.extend(last_output(context));
    lines
}

/// Where the JavaScript is stuck, and the path of its diagnostic report.
async fn inspect_javascript(
    context: &HangContext<'_>,
    suspect: &ProcessSnapshot,
    until: Instant,
) -> Vec<String> {
    let mut lines = Vec::new();
    let (domain, generation) = (context.domain, context.generation);
    let mut inspector = None;
    let pausing = async {
        // Before the signal is sent, so that no line is missed.
        let stderr = stderr_lines(context.hub, domain, generation);
        let mut open = Inspector::open(suspect, stderr).await?;
        let frames = open.pause().await?;
        inspector = Some(open);
        Some(frames)
    };
    let Some(frames) = timeout_at(until, pausing).await.ok().flatten() else {
        return lines;
    };
    lines.extend(describe_stack(&frames, context.app));
    let (Some(mut inspector), Some(top)) = (inspector, frames.first()) else {
        return lines;
    };
    let reporting = async {
        let text = inspector.report(top).await?;
        let root = context.app.to_owned();
        let name = report_file_name(domain, generation, now());
        // Writes to disk, which may block.
        let writing = tokio::task::spawn_blocking(move || save_report(&root, &name, &text));
        writing.await.ok()?.ok()
    };
    if let Ok(Some(file)) = timeout_at(until, reporting).await {
        lines.push(format!("Node.js diagnostic report: {}", file.display()));
    }
    lines
}

/// The process to inspect: the leader, or the first Node process if the leader is a wrapper.
pub(crate) fn select_process(group: &GroupSnapshot) -> Option<&ProcessSnapshot> {
    let leader = group.members.first()?;
    if runs_node(leader.pid) {
        return Some(leader);
    }
    let node = group.members.iter().find(|member| runs_node(member.pid));
    Some(node.unwrap_or(leader))
}

fn runs_node(pid: u32) -> bool {
    exe_path(pid).is_some_and(is_node)
}

/// The lines that a generation writes to standard error from now on.
pub(crate) fn stderr_lines(
    hub: &Hub,
    domain: &str,
    generation: u64,
) -> impl Stream<Item = String> + use<> {
    let query = LogQuery {
        generation: Some(generation),
        stream: Some(LogStream::Stderr),
        tail: Some(0),
        ..LogQuery::domain(domain)
    };
    let mut follower = hub.subscribe(query, Capacity::default());
    let (sender, lines) = mpsc::channel(STDERR_BUFFER);
    tokio::spawn(async move {
        loop {
            let delivery = tokio::select! {
                delivery = follower.next() => delivery,
                () = sender.closed() => return,
            };
            let Some(delivery) = delivery else { return };
            if let Delivery::Line(line) = delivery
                && sender.send(line.text().into_owned()).await.is_err()
            {
                return;
            }
        }
    });
    ReceiverStream::new(lines)
}

fn last_output(context: &HangContext<'_>) -> Option<String> {
    let (domain, generation) = (context.domain, context.generation);
    let lines = |stream| {
        let lines = context
            .hub
            .last_lines(domain, generation, stream, SEARCHED_LINES);
        lines.into_iter()
    };
    let last = lines(LogStream::Stdout)
        .chain(lines(LogStream::Stderr))
        .filter(|line| {
            let text = line.text();
            !text.trim().is_empty() && !is_inspector_output(&text)
        })
        .max_by_key(|line| line.seq)?;
    Some(format!("last output: {}", last.text().trim()))
}
