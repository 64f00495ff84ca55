//! Which events somebody may want to be notified of.

use fulcrum_config::NotifyEvent;
use fulcrum_spawn::lifecycle::Phase;

use crate::events::event::Event;

/// How the reason begins of a domain that was restarted too often.
const CRASH_LOOP: &str = "crash loop:";

/// How that of a process begins that exceeded its memory limit.
const MEMORY_LIMIT: &str = "memory limit:";

/// How that of a process begins whose liveness probe failed.
const HUNG: &str = "hung:";

/// The occasion of an event. `oom_killed` is whether the kernel killed the generation because memory
/// ran out.
pub(crate) fn occasion(event: &Event, oom_killed: impl FnOnce() -> bool) -> Option<NotifyEvent> {
    let (_, to) = event.phases?;
    match (to, event.kind) {
        (Phase::Failed, _) if event.reason.contains(CRASH_LOOP) => Some(NotifyEvent::CrashLoop),
        (Phase::Failed, _) => Some(NotifyEvent::Failed),
        (_, "hung") => Some(NotifyEvent::Hung),
        (_, "unhealthy") if event.reason.starts_with(MEMORY_LIMIT) => Some(NotifyEvent::Memory),
        (_, "unhealthy") if event.reason.starts_with(HUNG) => Some(NotifyEvent::Hung),
        (_, "exited") if oom_killed() => Some(NotifyEvent::Memory),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn event(to: Phase, kind: &'static str, reason: &str) -> Event {
        Event {
            seq: 1,
            time: SystemTime::UNIX_EPOCH,
            first_time: SystemTime::UNIX_EPOCH,
            count: 1,
            domain: "users".to_owned(),
            generation: 1,
            kind,
            phases: Some((Phase::Running, to)),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn an_occasion_is_what_needs_somebody() {
        use NotifyEvent::{CrashLoop, Failed, Hung, Memory};
        for (to, kind, reason, expected) in [
            (Phase::Failed, "failed", "exit 1: Error: boom", Some(Failed)),
            (
                Phase::Failed,
                "failed",
                "crash loop: 8 restarts in 1m: exit 1",
                Some(CrashLoop),
            ),
            (Phase::Stopping, "hung", "no heartbeat for 20 s", Some(Hung)),
            (
                Phase::Stopping,
                "unhealthy",
                "hung: alive probe failed",
                Some(Hung),
            ),
            (
                Phase::Stopping,
                "unhealthy",
                "memory limit: 70 MiB of 64 MiB",
                Some(Memory),
            ),
            (Phase::Stopping, "unhealthy", "something else", None),
            (Phase::Stopping, "exited", "exit 1", None),
            (Phase::Backoff, "backoff", "exit 1", None),
            (Phase::Running, "ready", "registered", None),
        ] {
            let found = occasion(&event(to, kind, reason), || false);
            assert_eq!(found, expected, "{kind}: {reason}");
        }
        let killed = event(Phase::Stopping, "exited", "killed by SIGKILL");
        assert_eq!(occasion(&killed, || true), Some(Memory));
        let late = Event {
            phases: None,
            ..event(Phase::Running, "late", "")
        };
        assert_eq!(occasion(&late, || true), None);
    }
}
