//! What a hung process was doing, collected before it is killed.
//!
//! Collecting takes at most [`COLLECT_TIMEOUT`]; what is not known by then is left out.

use std::path::Path;
use std::time::Duration;

use fulcrum_logs::{Hub, Stream};
use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::process::{
    GroupSnapshot, ProcessSnapshot, exe_path, kernel_stack, wait_channel,
};
use tokio::time::{Instant, timeout, timeout_at};

use crate::format::format_duration;
use crate::inspect::node::{Inspector, is_inspector_output};
use crate::inspect::{report, stack};

/// How long the restart waits for the report.
const COLLECT_TIMEOUT: Duration = Duration::from_millis(500);

/// How many of the last lines of each stream are searched for the last output.
const SEARCHED_LINES: usize = 8;

/// How many frames of the kernel stack are shown.
const STACK_FRAMES: usize = 4;

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
    let node = is_node(suspect.pid);
    let mut lines = Vec::new();
    let process = suspect.clone();
    // Reads /proc, which may block.
    let state = tokio::task::spawn_blocking(move || describe(&process, busy, silence));
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
        let mut open = Inspector::open(context.hub, domain, generation, suspect).await?;
        let frames = open.pause().await?;
        inspector = Some(open);
        Some(frames)
    };
    let Some(frames) = timeout_at(until, pausing).await.ok().flatten() else {
        return lines;
    };
    lines.extend(stack::describe_stack(&frames, context.app));
    let (Some(mut inspector), Some(top)) = (inspector, frames.first()) else {
        return lines;
    };
    let reporting = async {
        let text = inspector.report(top).await?;
        let (root, name) = (context.app.to_owned(), report::name(domain, generation));
        // Writes to disk, which may block.
        let writing = tokio::task::spawn_blocking(move || report::save(&root, &name, &text));
        writing.await.ok()?.ok()
    };
    if let Ok(Some(file)) = timeout_at(until, reporting).await {
        lines.push(format!("Node.js diagnostic report: {}", file.display()));
    }
    lines
}

/// The process to inspect: the leader, or the first Node process if the leader is a wrapper.
fn select_process(group: &GroupSnapshot) -> Option<&ProcessSnapshot> {
    let leader = group.members.first()?;
    if is_node(leader.pid) {
        return Some(leader);
    }
    let node = group.members.iter().find(|member| is_node(member.pid));
    Some(node.unwrap_or(leader))
}

fn is_node(pid: u32) -> bool {
    exe_path(pid).as_deref().is_some_and(is_node_name)
}

fn describe(process: &ProcessSnapshot, busy: Duration, silence: Duration) -> String {
    let pid = process.pid;
    let share = format!(
        "{} CPU in the last {}",
        format_duration(busy),
        format_duration(silence)
    );
    match process.state {
        'T' => format!("process {pid} was stopped by a signal (state T)"),
        'D' => {
            let location = kernel_location(pid);
            format!("process {pid} is in uninterruptible sleep{location}: {share}")
        }
        // On a CPU most of the time, whatever its state is just now.
        _ if busy * 2 >= silence => format!("process {pid} is busy: {share}"),
        'R' => format!("process {pid} is runnable: {share}"),
        _ => format!("process {pid} is asleep{}: {share}", kernel_location(pid)),
    }
}

/// ` in …`: the kernel stack of a process, or the function in which it waits; empty if unknown.
fn kernel_location(pid: u32) -> String {
    let channel = wait_channel(pid);
    let frames: Vec<_> = kernel_stack(pid).into_iter().take(STACK_FRAMES).collect();
    match channel {
        _ if !frames.is_empty() => format!(" in {}", frames.join(" < ")),
        Some(channel) => format!(" in {channel}"),
        None => String::new(),
    }
}

fn last_output(context: &HangContext<'_>) -> Option<String> {
    let (domain, generation) = (context.domain, context.generation);
    let lines = |stream| {
        let lines = context.hub.last_lines(domain, generation, stream, SEARCHED_LINES);
        lines.into_iter()
    };
    let last = lines(Stream::Stdout)
        .chain(lines(Stream::Stderr))
        .filter(|line| {
            let text = line.text();
            !text.trim().is_empty() && !is_inspector_output(&text)
        })
        .max_by_key(|line| line.seq)?;
    Some(format!("last output: {}", last.text().trim()))
}

/// The flag in a command that opens Node's inspector, if there is one.
pub(crate) fn inspector_flag(spec: &CommandSpec) -> Option<String> {
    if !is_node_name(&spec.program) {
        return None;
    }
    let inspector_flag = |arg: &str| {
        let flag = arg.split('=').next().unwrap_or_default();
        matches!(flag, "--inspect" | "--inspect-brk" | "--inspect-wait").then(|| flag.to_owned())
    };
    let mut takes_value = false;
    let args = spec.args.iter().filter_map(|arg| arg.to_str());
    // The first argument that is neither a flag nor the value of one is the entry point; those
    // after it belong to the program.
    let flags = args.take_while(move |arg| {
        let is_flag = takes_value || arg.starts_with('-');
        takes_value = matches!(*arg, "--require" | "-r" | "--import" | "--loader" | "-C");
        is_flag
    });
    let options = spec
        .env
        .iter()
        .find(|(key, _)| key.as_os_str() == "NODE_OPTIONS");
    let options = options
        .and_then(|(_, value)| value.to_str())
        .unwrap_or_default();
    flags
        .chain(options.split_ascii_whitespace())
        .find_map(inspector_flag)
}

fn is_node_name(program: &Path) -> bool {
    let name = program.file_name();
    name.is_some_and(|name| name == "node" || name == "nodejs")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn spec(program: &str, args: &[&str], options: &str) -> CommandSpec {
        CommandSpec {
            program: program.into(),
            args: args.iter().map(Into::into).collect(),
            cwd: "/".into(),
            env: BTreeMap::from([("NODE_OPTIONS".into(), options.into())]),
            runner: String::new(),
        }
    }

    #[test]
    fn the_inspector_flag_of_a_command_is_found() {
        let flag = |args: &[&str], options| inspector_flag(&spec("/usr/bin/node", args, options));
        assert_eq!(
            flag(&["--require", "/x/bootstrap.cjs", "/a/domain.js"], ""),
            None
        );
        assert_eq!(
            flag(&["--inspect=9230", "/a/domain.js"], "").as_deref(),
            Some("--inspect")
        );
        assert_eq!(
            flag(&["/a/domain.js"], "--trace-gc --inspect-brk").as_deref(),
            Some("--inspect-brk")
        );
        assert_eq!(flag(&["--inspect-port=0", "/a/domain.js"], ""), None);
        assert_eq!(
            inspector_flag(&spec("/usr/bin/tool", &["--inspect"], "")),
            None
        );
    }

    #[test]
    fn a_process_is_described_by_its_cpu_time_and_state() {
        let process = |state| ProcessSnapshot {
            pid: u32::MAX,
            started: 0,
            state,
            tracer: None,
            cpu_time: Duration::ZERO,
            run_delay: Duration::ZERO,
        };
        let description = |state, busy| {
            let busy = Duration::from_millis(busy);
            describe(&process(state), busy, Duration::from_millis(1_200))
        };
        assert!(description('R', 1_100).ends_with("is busy: 1.1 s CPU in the last 1.2 s"));
        assert!(description('S', 0).ends_with("is asleep: 0 ms CPU in the last 1.2 s"));
        assert!(description('T', 0).contains("stopped by a signal"));
        assert!(description('D', 0).contains("is in uninterruptible sleep"));
    }
}
