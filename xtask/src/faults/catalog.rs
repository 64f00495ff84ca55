//! The rows of the failure catalog that must have an outcome: sections A to G, I: field reports,
//! and J: calls.

use super::row::Id;

/// One row.
pub(super) struct Entry {
    pub(super) id: Id,
    pub(super) title: &'static str,
    /// The reason for having no test; an existing test takes precedence.
    pub(super) untested: Option<&'static str>,
}

const fn row(section: char, number: u8, title: &'static str) -> Entry {
    Entry {
        id: Id(section, number),
        title,
        untested: None,
    }
}

const fn untested(section: char, number: u8, title: &'static str, why: &'static str) -> Entry {
    Entry {
        id: Id(section, number),
        title,
        untested: Some(why),
    }
}

/// All rows, in order.
pub(super) const ROWS: &[Entry] = &[
    row(
        'A',
        1,
        "a crash at the start is reported with its code and its stderr tail",
    ),
    row('A', 2, "exit 0 before registering is a failure"),
    row('A', 3, "exit 13: a top-level await that never settles"),
    row('A', 4, "a domain that never registers"),
    row('A', 5, "a registration close to the start timeout"),
    row('A', 6, "a registration under another domain's name"),
    row('A', 7, "one process registers twice"),
    row('A', 8, "an earlier generation registers again"),
    row('A', 9, "an unknown process registers"),
    row('A', 10, "a client of another protocol version"),
    row('A', 11, "no Node at all"),
    row('A', 12, "a program that cannot be executed"),
    row('A', 13, "TypeScript on a Node that cannot run it"),
    row('A', 14, "a broken package.json, a missing entry point"),
    row('A', 15, "an entry point outside the app, circular links"),
    row('A', 16, "an npm install that fails or hangs"),
    row('A', 17, "a shutdown during an npm install"),
    row('A', 18, "no process can be started (EAGAIN)"),
    row('A', 19, "no file descriptor is left (EMFILE)"),
    row('A', 20, "a thousand domains"),
    row('A', 21, "names that collide or are invalid"),
    row('B', 1, "a crash after ready: back after the backoff"),
    row('B', 2, "exit 0 after ready"),
    row(
        'B',
        3,
        "every exit code and fatal signal is reported exactly",
    ),
    row('B', 4, "killed by the kernel for lack of memory"),
    row('B', 5, "V8's heap limit"),
    row('B', 6, "the domain's own memory limit is exceeded"),
    row('B', 7, "a crash loop ends within its budget"),
    row('B', 8, "a crash just inside and outside the stable time"),
    row('B', 9, "a hundred domains crash at once"),
    row('B', 10, "a crash during a restart"),
    row('B', 11, "a stop during the backoff"),
    row('B', 12, "a stop during the start"),
    row('B', 13, "twenty starts at once"),
    row('B', 14, "the order of dependencies, and a cycle"),
    row('C', 1, "an endless loop"),
    row('C', 2, "a domain that is stopped by SIGSTOP"),
    row('C', 3, "an event loop that lags, below the limit"),
    row('C', 4, "sends heartbeats, but reads nothing"),
    row('C', 5, "Fulcrum itself is frozen"),
    row('C', 6, "a machine without a free core"),
    row('C', 7, "the clock jumps"),
    untested(
        'C',
        8,
        "suspend and resume",
        "a test cannot suspend the machine; C5 freezes Fulcrum, C7 covers the clocks",
    ),
    row('C', 9, "readiness that flaps"),
    row('C', 10, "a sample of a process that has just exited"),
    row('D', 1, "a domain that ignores SIGTERM"),
    row('D', 2, "a grandchild in the group outlives the leader"),
    row('D', 3, "a grandchild in a session of its own"),
    row('D', 4, "a grandchild holds the pipe"),
    row('D', 5, "a grandchild writes after the leader's exit"),
    row('D', 6, "a crash leaves grandchildren, and a port"),
    row('D', 7, "a thousand orphans become zombies"),
    row('D', 8, "a pid is reused"),
    row('D', 9, "Fulcrum is killed"),
    row('D', 10, "the spawning thread exits"),
    row('D', 11, "Fulcrum and its guard are killed"),
    row('D', 12, "SIGTERM to Fulcrum, with domains that ignore it"),
    row('D', 13, "Ctrl-C once"),
    row('D', 14, "Ctrl-C twice and three times"),
    row('D', 15, "the terminal or the reader is closed"),
    row('D', 16, "Ctrl-Z and fg"),
    row('D', 17, "signals that Fulcrum inherited as ignored"),
    row('D', 18, "no file descriptor leaks into a domain"),
    row('D', 19, "a process that cannot be killed"),
    row('D', 20, "a wrapper as the command"),
    row('D', 21, "shutdown, starts and crashes in any order"),
    row(
        'E',
        1,
        "last lines before an exit, a throw, an abort, a SIGKILL",
    ),
    row('E', 2, "a line without a line break"),
    row('E', 3, "a line of 100 MB"),
    row('E', 4, "a flood"),
    row('E', 5, "ten million numbered lines, one follower stopped"),
    row('E', 6, "hostile bytes"),
    row('E', 7, "escape sequences sent to a terminal"),
    row('E', 8, "the disk of the logs is full"),
    row('E', 9, "the directory of the logs is removed"),
    row('E', 10, "a follower that reads nothing"),
    row('E', 11, "followers that exit early, or are killed"),
    row('E', 12, "a hundred followers"),
    row('E', 13, "the order of standard output and error"),
    row('E', 14, "Fulcrum is killed during rotation"),
    row('E', 15, "logs that other users could read"),
    row('F', 1, "a second instance of one app"),
    row('F', 2, "a socket and a lock of a killed instance"),
    row(
        'F',
        3,
        "a socket path that is too long, missing or read-only",
    ),
    row('F', 4, "the gRPC port is in use"),
    row('F', 5, "no IPv4 loopback"),
    row('F', 6, "garbage, HTTP/1.1 and TLS on the port"),
    row('F', 7, "idle connections and slow drips"),
    row('F', 8, "thousands of streams at once"),
    row('F', 9, "messages that are too large, or declare to be"),
    row('F', 10, "floods of resets, pings and settings"),
    row('F', 11, "a client that never reads"),
    row('F', 12, "messages that cannot be decoded"),
    row('F', 13, "a handler that panics"),
    row('F', 14, "a connection that is half open"),
    row('F', 15, "a client that pings too often"),
    row('F', 16, "a shutdown with open streams"),
    row('F', 17, "all domains reconnect at once"),
    row('F', 18, "a command that is killed while it runs"),
    row('F', 19, "a client of another version"),
    row('F', 20, "no terminal, no standard streams"),
    row('G', 1, "an invalid configuration while the app runs"),
    row('G', 2, "a configuration that is expensive to read"),
    row('G', 3, "a file that is truncated first and written later"),
    row('G', 4, "every way of saving a file: one restart"),
    row('G', 5, "a checkout of thousands of files"),
    row(
        'G',
        6,
        "packages, logs, repositories, and files that a domain writes",
    ),
    row('G', 7, "lost notifications"),
    row('G', 8, "no notifications at all"),
    row(
        'G',
        9,
        "watched directories that are removed and recreated, circular links",
    ),
    row('G', 10, "saves faster than restarts"),
    row('G', 11, "new code that is broken or crashes"),
    row('G', 12, "reloads, restarts and crashes at once"),
    row('G', 13, "which domains are restarted for which file"),
    row('G', 14, "domains that are added, removed and renamed"),
    row('G', 15, "a save that changes nothing"),
    row('I', 1, "a domain's own cleanup is complete at every stop"),
    row(
        'I',
        2,
        "the leader gets the stop signal before the rest of its tree",
    ),
    row('I', 3, "whatever stops several stops dependents first"),
    untested(
        'I',
        4,
        "a stream ends after the last response is read",
        "section J: calls during a stop",
    ),
    row(
        'I',
        5,
        "a start brings up what is needed, and one that cannot succeed ends at once",
    ),
    row(
        'I',
        6,
        "a program that does not register is ready once it runs",
    ),
    row('I', 7, "a stranger's answer makes nothing ready"),
    row('I', 8, "a probe of the loopback asks both address families"),
    row('I', 9, "a text is awaited without colors and line ends"),
    row('I', 10, "readiness that does not come is reported"),
    row('I', 11, "jobs complete, and dependents wait for that"),
    untested('I', 12, "lifecycle hooks", "there are no hooks yet"),
    row(
        'I',
        13,
        "started by hand, and a start that finds it running",
    ),
    row('I', 14, "the first crash is followed by a restart at once"),
    row('I', 15, "what cannot change is not retried"),
    row('I', 16, "the memory of a domain is what its end would free"),
    row('I', 17, "one end is one line, with the error"),
    row('I', 18, "signals by hand"),
    row('I', 19, "an instance that does not respond"),
    row('J', 1, "calls wait for a busy domain, none is refused"),
    row(
        'J',
        2,
        "restarts, saves and reloads under load fail no call",
    ),
    row('J', 3, "a crash fails only the calls in flight"),
    row('J', 4, "a call to a domain that starts waits for it"),
    row('J', 5, "the caller's deadline is kept, and handed on"),
    row('J', 6, "a call that is given up is cancelled at the domain"),
    row('J', 7, "responses in parts, with back-pressure"),
    row('J', 8, "events between domains"),
    row('K', 1, "every environment finds the one instance"),
    untested('K', 2, "a wait begins before its instance", "not built yet"),
    untested('K', 3, "what dead instances left is swept", "not built yet"),
    row(
        'K',
        4,
        "packages are installed at the root of their workspace",
    ),
    row('K', 5, "what is installed decides about an install"),
    row(
        'K',
        6,
        "installs use the app's own tools and are not cut short",
    ),
    row(
        'K',
        7,
        "the version of Node is the one that the app asks for",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_complete_and_in_order() {
        let ids: Vec<Id> = ROWS.iter().map(|entry| entry.id).collect();
        let sections = [
            ('A', 21),
            ('B', 14),
            ('C', 10),
            ('D', 21),
            ('E', 15),
            ('F', 20),
            ('G', 15),
            ('I', 19),
            ('J', 8),
            ('K', 7),
        ];
        let expected = sections
            .into_iter()
            .flat_map(|(section, last)| (1..=last).map(move |number| Id(section, number)));
        let numbered = ids.iter().copied().take_while(|id| id.0 != 'I');
        assert_eq!(numbered.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        // Field reports are numbered by topic, with room in between.
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
}
