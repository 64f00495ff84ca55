//! What the processes of a generation do, as a plain value.

use std::time::{Duration, Instant};

/// The processes of a generation at one moment. Two of them are compared to find out what happened
/// in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessActivity {
    /// When the values were read.
    pub at: Instant,
    /// The living members of the process group. Empty once all have exited.
    pub members: Vec<MemberActivity>,
}

/// One process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberActivity {
    /// The process id.
    pub pid: u32,
    /// The process that traces it, such as a debugger; `TracerPid` in `/proc/PID/status`.
    pub tracer: Option<u32>,
    /// CPU time used since its start; the first field of `/proc/PID/schedstat`.
    pub cpu_time: Duration,
    /// Time since its start in which it was runnable, but had no CPU; the second field of
    /// `/proc/PID/schedstat`.
    pub run_delay: Duration,
}

impl ProcessActivity {
    /// The process that traces a member.
    #[must_use]
    pub fn tracer(&self) -> Option<u32> {
        self.members.iter().find_map(|member| member.tracer)
    }

    /// CPU time used since `earlier`, summed over the processes that are in both.
    #[must_use]
    pub fn cpu_time_since(&self, earlier: &Self) -> Duration {
        self.differences(earlier, |member| member.cpu_time).sum()
    }

    /// How long a process has waited for a CPU since `earlier`: the longest wait of those that are
    /// in both.
    #[must_use]
    pub fn run_delay_since(&self, earlier: &Self) -> Duration {
        let delays = self.differences(earlier, |member| member.run_delay);
        delays.max().unwrap_or_default()
    }

    fn differences<'a>(
        &'a self,
        earlier: &'a Self,
        value: impl Fn(&MemberActivity) -> Duration + 'a,
    ) -> impl Iterator<Item = Duration> + 'a {
        self.members.iter().filter_map(move |now| {
            let before = earlier
                .members
                .iter()
                .find(|member| member.pid == now.pid)?;
            Some(value(now).saturating_sub(value(before)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processes_in_both_snapshots_are_compared() {
        #[expect(clippy::disallowed_methods, reason = "any moment")]
        let start = Instant::now();
        let member = |pid, cpu, delay| MemberActivity {
            pid,
            tracer: None,
            cpu_time: Duration::from_millis(cpu),
            run_delay: Duration::from_millis(delay),
        };
        let activity = |members| ProcessActivity { at: start, members };
        let before = activity(vec![member(7, 100, 10), member(8, 50, 0)]);
        let now = activity(vec![
            member(7, 350, 60),
            member(9, 9_000, 9_000),
            member(8, 60, 200),
        ]);
        assert_eq!(now.cpu_time_since(&before), Duration::from_millis(260));
        assert_eq!(now.run_delay_since(&before), Duration::from_millis(200));
        assert_eq!(activity(Vec::new()).run_delay_since(&now), Duration::ZERO);
    }
}
