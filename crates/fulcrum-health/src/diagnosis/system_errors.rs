//! What the last words tell about the world around the code: memory, ports, files, promises.

use super::stderr_tail::StderrTail;
use super::{Diagnosis, found, permanent};

pub(super) fn heap_limit(words: &StderrTail<'_>) -> Option<Diagnosis> {
    const SIGNS: [&str; 2] = [
        "JavaScript heap out of memory",
        "V8::FatalProcessOutOfMemory",
    ];
    let aborted = words.signal == Some(6) || matches!(words.code, Some(134 | 5));
    let told = words
        .all
        .iter()
        .any(|line| SIGNS.iter().any(|sign| line.contains(sign)));
    if !(aborted && told) {
        return None;
    }
    found(
        "V8 reached its heap limit",
        "raise it by process.node_args: [--max-old-space-size=<MiB>], or find what grows: \
         --heapsnapshot-near-heap-limit=1 writes a snapshot",
    )
}

pub(super) fn bad_option(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let option = words.after(": bad option: ")?;
    permanent(
        format!("this version of Node does not know the option {option}"),
        "remove it from process.node_args or NODE_OPTIONS, or use another Node (process.node)",
    )
}

pub(super) fn address_in_use(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let address = words.after("EADDRINUSE: address already in use ")?;
    let told = match port_of(address) {
        Some(port) => found(
            format!("port {port} is already taken ({address})"),
            format!(
                "stop whoever holds it (`ss -ltnp 'sport = :{port}'` names them) \
                 or listen on another port"
            ),
        ),
        None => found(
            format!("the socket {address} is already taken"),
            "stop whoever listens there, or remove the file if nobody does",
        ),
    };
    told.map(|diagnosis| Diagnosis {
        address_in_use: Some(address.to_owned()),
        ..diagnosis
    })
}

fn port_of(address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    if host.contains('/') {
        return None;
    }
    port.parse().ok()
}

pub(super) fn permission(words: &StderrTail<'_>) -> Option<Diagnosis> {
    if let Some(address) = words.after("listen EACCES: permission denied ") {
        return match port_of(address) {
            Some(port) if port < 1024 => permanent(
                format!("port {port} is reserved for privileged processes ({address})"),
                "listen on a port from 1024 on",
            ),
            _ => permanent(
                format!("not permitted to listen on {address}"),
                "choose another address, or a socket in a directory that this user may write to",
            ),
        };
    }
    let what = words.after("EACCES: permission denied, ")?;
    permanent(
        format!("permission denied: {what}"),
        "give the user that runs Fulcrum access to it, or use another path",
    )
}

pub(super) fn exhausted(words: &StderrTail<'_>) -> Option<Diagnosis> {
    if words.contains("ENOSPC: System limit for number of file watchers reached") {
        return found(
            "the system's limit of file watchers is reached",
            "raise it: `sysctl fs.inotify.max_user_watches=524288`",
        );
    }
    if let Some(what) = words.after("ENOSPC: no space left on device, ") {
        return found(
            format!("no space left on the disk ({what})"),
            "free some: `df -h` and `df -i` show which file system is full",
        );
    }
    if let Some(what) = words.after("EMFILE: too many open files, ") {
        return found(
            format!("it has too many files open ({what})"),
            "find what isn't closed (`ls -l /proc/PID/fd` shows it), or raise the limit \
             (`ulimit -n`) before fulcrum is started",
        );
    }
    let what = words.after("ENFILE: file table overflow, ")?;
    found(
        format!("the system has too many files open ({what})"),
        "raise fs.file-max, or find who holds them (`lsof`)",
    )
}

pub(super) fn refused(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let after = words.after("connect ECONNREFUSED ")?;
    let address = after
        .split([' ', ',', ')', '"', '\''])
        .next()
        .unwrap_or(after)
        .trim_end_matches('.');
    found(
        format!("nothing listens at {address}"),
        format!(
            "if that is meant to be Fulcrum, dial the address in FULCRUM_GRPC_SERVER; \
             otherwise start what should listen at {address} first"
        ),
    )
}

pub(super) fn unsettled_await(words: &StderrTail<'_>) -> Option<Diagnosis> {
    if words.code != Some(13) {
        return None;
    }
    found(
        "it awaits a promise that nobody resolves, and nothing else kept it alive",
        "find that await at the top level of a module",
    )
}

pub(super) fn rejection(words: &StderrTail<'_>) -> Option<Diagnosis> {
    const REASON: &str = "The promise rejected with the reason ";
    let reason = words.after(REASON)?.trim_end_matches(['.', '}', '{', ' ']);
    found(
        format!("a promise was rejected with {reason}, and nobody handled it"),
        "reject with an Error: its stack tells the place",
    )
}

pub(super) fn uncaught(words: &StderrTail<'_>) -> Option<Diagnosis> {
    if let Some(thrown) = words.thrown {
        return found(format!("uncaught {thrown}{}", words.at()), "");
    }
    let headline = words.error.first()?;
    if !words.uncaught {
        return None;
    }
    found(format!("uncaught {headline}{}", words.at()), "")
}
