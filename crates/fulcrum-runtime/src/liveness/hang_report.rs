//! What a process that hangs was doing, found before it is replaced and its traces are gone.
//!
//! Bounded by [`LIMIT`] in all: whatever isn't known by then is left out.

use std::path::Path;
use std::time::Duration;

use fulcrum_logs::{Capacity, Delivery, Follower, Hub, LogQuery, Stream};
use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::inspect::{
    Inspector, describe_process, describe_stack, is_inspector_output, report_file_name, save_report,
};
use fulcrum_spawn::process::{GroupSnapshot, ProcessSnapshot, exe_path};
use tokio::time::{Instant, timeout};

use crate::context::{SharedContext, now};
use crate::format::format_duration;

/// How long the replacement waits for evidence.
const COLLECT_TIMEOUT: Duration = Duration::from_millis(500);

/// A life that was found hung.
pub(crate) struct HangContext<'a> {
    pub(crate) domain: &'a str,
    pub(crate) generation: u64,
    /// CPU time that its processes have used since it was late.
    pub(crate) cpu_time: Duration,
    /// For how long it has been late.
    pub(crate) silence: Duration,
    /// Its processes now.
    pub(crate) look: GroupSnapshot,
}

/// What can be said, at most four lines.
pub(crate) async fn collect(house: &SharedContext, case: &HangContext<'_>) -> Vec<String> {
    let until = Instant::now() + COLLECT_TIMEOUT;
    let Some(suspect) = select_process(&case.look).cloned() else {
        return Vec::new();
    };
    let (busy, silence) = (case.cpu_time, case.silence);
    let node = is_node(suspect.pid);
    let mut found = Vec::new();
    let seen = suspect.clone();
    // It reads /proc, which may block.
    let state = tokio::task::spawn_blocking(move || {
        describe_process(&seen, busy, silence, format_duration)
    });
    if let Ok(Ok(text)) = timeout(COLLECT_TIMEOUT, state).await {
        found.push(text);
    }
    // Who is asleep in the kernel, or stands still, runs no JavaScript that could be stopped.
    let runs = suspect.state == 'R' || busy * 10 >= silence;
    if node && runs && Inspector::can_open(&suspect) {
        let asking = inspect_javascript(house, case, &suspect, until);
        found.extend(asking.await);
    }
    found.extend(last_output(house, case));
    found
}

/// Where the JavaScript is stuck, and where the report about it lies.
async fn inspect_javascript(
    house: &SharedContext,
    case: &HangContext<'_>,
    suspect: &ProcessSnapshot,
    until: Instant,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut inspector = None;
    let asking = async {
        // Before the signal is sent, so that no line is missed.
        let stderr = stderr_lines(&house.hub, case.domain, case.generation);
        let mut open = Inspector::open(suspect, stderr).await?;
        let frames = open.pause().await?;
        inspector = Some(open);
        Some(frames)
    };
    let Some(frames) = tokio::time::timeout_at(until, asking).await.ok().flatten() else {
        return found;
    };
    found.extend(describe_stack(&frames, &house.agenda().app.root));
    let (Some(mut inspector), Some(top)) = (inspector, frames.first()) else {
        return found;
    };
    let reporting = async {
        let text = inspector.report(top).await?;
        let (root, name) = (
            house.agenda().app.root.clone(),
            report_file_name(case.domain, case.generation, now()),
        );
        // It writes to disk, which may block.
        let writing = tokio::task::spawn_blocking(move || save_report(&root, &name, &text));
        writing.await.ok()?.ok()
    };
    if let Ok(Some(file)) = tokio::time::timeout_at(until, reporting).await {
        found.push(format!("Node.js diagnostic report: {}", file.display()));
    }
    found
}

/// Who of the group is asked: the leader, or, where that is a wrapper, the first Node program.
fn select_process(look: &GroupSnapshot) -> Option<&ProcessSnapshot> {
    let leader = look.members.first()?;
    if is_node(leader.pid) {
        return Some(leader);
    }
    let node = look.members.iter().find(|seen| is_node(seen.pid));
    Some(node.unwrap_or(leader))
}

fn is_node(pid: u32) -> bool {
    let program = exe_path(pid);
    let name = program.as_deref().and_then(Path::file_name);
    name.is_some_and(|name| name == "node" || name == "nodejs")
}

/// The lines that a generation writes to standard error from now on.
fn stderr_lines(
    hub: &Hub,
    domain: &str,
    generation: u64,
) -> impl futures_util::Stream<Item = String> + use<> {
    let query = LogQuery {
        generation: Some(generation),
        stream: Some(Stream::Stderr),
        tail: Some(0),
        ..LogQuery::domain(domain)
    };
    let follower = hub.subscribe(query, Capacity::default());
    futures_util::stream::unfold(follower, async |mut follower: Follower| {
        loop {
            if let Delivery::Line(line) = follower.next().await? {
                return Some((line.text().into_owned(), follower));
            }
        }
    })
}

fn last_output(house: &SharedContext, case: &HangContext<'_>) -> Option<String> {
    let lines = |stream| {
        house
            .hub
            .last_lines(case.domain, case.generation, stream, 8)
    };
    let said = lines(Stream::Stdout)
        .into_iter()
        .chain(lines(Stream::Stderr));
    let last = said
        .filter(|line| {
            let text = line.text();
            !text.trim().is_empty() && !is_inspector_output(&text)
        })
        .max_by_key(|line| line.seq)?;
    Some(format!("it said last: {}", last.text().trim()))
}

/// The flag that opens Node's inspector at its start, where there is one.
pub(crate) fn inspector_flag(spec: &CommandSpec) -> Option<String> {
    if !is_node_name(&spec.program) {
        return None;
    }
    let opens = |word: &str| {
        let flag = word.split('=').next().unwrap_or_default();
        matches!(flag, "--inspect" | "--inspect-brk" | "--inspect-wait").then(|| flag.to_owned())
    };
    let mut loads = false;
    let own = spec.args.iter().filter_map(|arg| arg.to_str());
    // The first word that is neither a flag nor a flag's value is the entry, and what stands behind
    // it is the program's own.
    let own = own.take_while(move |arg| {
        let goes_on = loads || arg.starts_with('-');
        loads = matches!(*arg, "--require" | "-r" | "--import" | "--loader" | "-C");
        goes_on
    });
    let options = spec
        .env
        .iter()
        .find(|(key, _)| key.as_os_str() == "NODE_OPTIONS");
    let options = options
        .and_then(|(_, value)| value.to_str())
        .unwrap_or_default();
    own.chain(options.split_ascii_whitespace()).find_map(opens)
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
    fn a_node_that_was_started_for_a_debugger_is_known() {
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
}
