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

/// What is known of the generation of an event besides it.
pub(crate) trait Circumstances {
    /// Whether the kernel killed it because memory ran out.
    fn is_oom_killed(&self) -> bool;

    /// Whether it ended with a failure and is not started again, though it is meant to run.
    fn is_left_down(&self) -> bool;
}

/// The occasion of an event.
pub(crate) fn occasion(event: &Event, known: &impl Circumstances) -> Option<NotifyEvent> {
    let (_, to) = event.phases?;
    match (to, event.kind) {
        (Phase::Stopped, _) if known.is_left_down() => Some(NotifyEvent::Failed),
        (Phase::Failed, _) if event.reason.contains(CRASH_LOOP) => Some(NotifyEvent::CrashLoop),
        (Phase::Failed, _) => Some(NotifyEvent::Failed),
        (_, "hung") => Some(NotifyEvent::Hung),
        (_, "unhealthy") if event.reason.starts_with(MEMORY_LIMIT) => Some(NotifyEvent::Memory),
        (_, "unhealthy") if event.reason.starts_with(HUNG) => Some(NotifyEvent::Hung),
        (_, "exited") if known.is_oom_killed() => Some(NotifyEvent::Memory),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    /// Both are so, or neither.
    struct Known(bool);

    impl Circumstances for Known {
        fn is_oom_killed(&self) -> bool {
            self.0
        }

        fn is_left_down(&self) -> bool {
            self.0
        }
    }

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
            let found = occasion(&event(to, kind, reason), &Known(false));
            assert_eq!(found, expected, "{kind}: {reason}");
        }
        let killed = event(Phase::Stopping, "exited", "killed by SIGKILL");
        assert_eq!(occasion(&killed, &Known(true)), Some(Memory));
        let stopped = event(Phase::Stopped, "stopped", "exit 1: Error: boom");
        assert_eq!(occasion(&stopped, &Known(true)), Some(Failed));
        assert_eq!(occasion(&stopped, &Known(false)), None);
        let late = Event {
            phases: None,
            ..event(Phase::Running, "late", "")
        };
        assert_eq!(occasion(&late, &Known(true)), None);
    }
}
