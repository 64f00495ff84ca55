//! Rules about the environment: memory, ports, files, promises.

use super::stack::Stack;
use super::stderr_tail::StderrTail;
use super::types::Diagnosis;
use crate::exit::ProgramKind;

pub(super) fn heap_limit(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    const MESSAGES: [&str; 2] = [
        "JavaScript heap out of memory",
        "V8::FatalProcessOutOfMemory",
    ];
    let aborted = tail.signal == Some(6) || matches!(tail.code, Some(134 | 5));
    let reported = tail
        .all
        .iter()
        .any(|line| MESSAGES.iter().any(|message| line.contains(message)));
    if !(aborted && reported) {
        return None;
    }
    Diagnosis::transient(
        "V8 reached its heap limit",
        "raise it with process.node_args: [--max-old-space-size=<MiB>], or find the leak: \
         --heapsnapshot-near-heap-limit=1 writes a heap snapshot",
    )
}

pub(super) fn address_in_use(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let address = tail.after("EADDRINUSE: address already in use ")?;
    let diagnosis = match port_of(address) {
        Some(port) => Diagnosis::transient(
            format!("port {port} is already in use ({address})"),
            free_port_hint(port),
        ),
        None => Diagnosis::transient(
            format!("the socket {address} is already in use"),
            "stop the process that listens on it, or remove the file if there is none",
        ),
    };
    diagnosis.map(|diagnosis| Diagnosis {
        address_in_use: Some(address.to_owned()),
        ..diagnosis
    })
}

pub(super) fn free_port_hint(port: u16) -> String {
    format!(
        "stop the process that listens on it (`ss -ltnp 'sport = :{port}'` shows it) \
         or use another port"
    )
}

fn port_of(address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    if host.contains('/') {
        return None;
    }
    port.parse().ok()
}

pub(super) fn permission(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    if let Some(address) = tail.after("listen EACCES: permission denied ") {
        return match port_of(address) {
            Some(port) if port < 1024 => Diagnosis::permanent(
                format!("port {port} is reserved for privileged processes ({address})"),
                "listen on a port from 1024 on",
            ),
            _ => Diagnosis::permanent(
                format!("not permitted to listen on {address}"),
                "choose another address, or a socket in a directory that this user may write to",
            ),
        };
    }
    let what = tail.after("EACCES: permission denied, ")?;
    Diagnosis::permanent(
        format!("permission denied: {what}"),
        "give the user that runs Fulcrum access to it, or use another path",
    )
}

pub(super) fn exhausted(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    if tail.contains("ENOSPC: System limit for number of file watchers reached") {
        return Diagnosis::transient(
            "the system's limit of file watchers is reached",
            "raise it: `sysctl fs.inotify.max_user_watches=524288`",
        );
    }
    if let Some(what) = tail.after("ENOSPC: no space left on device, ") {
        return Diagnosis::transient(
            format!("no space left on the disk ({what})"),
            "free some space: `df -h` and `df -i` show which file system is full",
        );
    }
    if let Some(what) = tail.after("EMFILE: too many open files, ") {
        return Diagnosis::transient(
            format!("too many open files ({what})"),
            "find files that are not closed (`ls -l /proc/PID/fd` shows them), or raise the limit \
             (`ulimit -n`) before fulcrum is started",
        );
    }
    let what = tail.after("ENFILE: file table overflow, ")?;
    Diagnosis::transient(
        format!("too many open files in the system ({what})"),
        "raise fs.file-max, or find the processes that hold them (`lsof`)",
    )
}

pub(super) fn refused(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let after = tail.after("connect ECONNREFUSED ")?;
    let address = after
        .split([' ', ',', ')', '"', '\''])
        .next()
        .unwrap_or(after)
        .trim_end_matches('.');
    Diagnosis::transient(
        format!("connection refused by {address}"),
        format!(
            "start the server at {address} first; if it should be Fulcrum, use the address in \
             FULCRUM_GRPC_SERVER"
        ),
    )
}

pub(super) fn unsettled_await(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    // Another program may mean anything by it, unless it runs Node, which says so then.
    let is_nodes = tail.kind == ProgramKind::Node || tail.contains("unsettled top-level await");
    if tail.code != Some(13) || !is_nodes {
        return None;
    }
    Diagnosis::transient(
        "a top-level await waits for a promise that is never resolved",
        "find the await at the top level of a module",
    )
}

pub(super) fn rejection(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    const REASON: &str = "The promise rejected with the reason ";
    let reason = tail.after(REASON)?.trim_end_matches(['.', '}', '{', ' ']);
    Diagnosis::transient(
        format!("unhandled promise rejection: {reason}"),
        "reject with an Error to get a stack trace",
    )
}

pub(super) fn uncaught(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    if let Some(thrown) = tail.thrown {
        return Diagnosis::transient(format!("uncaught {thrown}{}", tail.at()), "");
    }
    let headline = tail.error.first()?;
    if !tail.uncaught {
        return None;
    }
    let cause = Stack::last_of(tail.error).map_or_else(String::new, |stack| stack.cause_text());
    Diagnosis::transient(format!("{headline}{}{cause}", tail.at()), "")
}
