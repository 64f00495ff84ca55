//! Decides whether one registered generation is alive. Time is an argument.

use std::time::{Duration, Instant};

use super::activity::ProcessActivity;
use crate::format::format_elapsed;
use crate::heartbeat::{HeartbeatConfig, HeartbeatMonitor, HeartbeatStatus};

/// Lateness is reported again only after this many intervals.
const LATE_REPORT_INTERVALS: u32 = 20;

/// How often a traced process is inspected.
const TRACED_INTERVAL: Duration = Duration::from_secs(1);

/// What shows that a domain is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LivenessSource {
    /// The heartbeats that it sends.
    Heartbeats,
    /// Any data received over its connection; responses to keep-alive pings at least.
    Traffic,
}

/// Monitors one registered generation.
///
/// Call [`check`](Self::check) at each [`deadline`](Self::deadline). When it returns
/// [`CheckResult::Inspect`], read the state of the generation's processes and pass it to
/// [`on_inspected`](Self::on_inspected): a silent generation is declared hung only after its
/// processes were inspected, since a traced process, or one without a CPU, cannot send anything.
#[derive(Debug)]
pub struct LivenessMonitor {
    generation: u64,
    source: LivenessSource,
    config: HeartbeatConfig,
    heartbeats: HeartbeatMonitor,
    registered_at: Instant,
    /// Its stream has ended, and it may register again.
    stream_lost: Option<StreamLost>,
    reconnect_timeout: Duration,
    /// Its processes when it became late.
    baseline: Option<ProcessActivity>,
    /// Its processes when time was last excluded.
    excluded_at: Option<ProcessActivity>,
    inspecting: bool,
    traced: bool,
    last_late_report: Option<Instant>,
    excluded_time: Duration,
}

#[derive(Debug)]
struct StreamLost {
    since: Instant,
    due: Instant,
    extended: bool,
}

/// What a check requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckResult {
    /// Nothing.
    None,
    /// Inspect its processes and call [`LivenessMonitor::on_inspected`].
    Inspect {
        /// It is late, and this is to be reported.
        late: Option<String>,
    },
}

/// What follows from an inspection.
#[derive(Debug, PartialEq, Eq)]
pub enum InspectionResult {
    /// Nothing.
    None,
    /// This process traces it. Silence does not count from now on.
    Traced(u32),
    /// It is no longer traced.
    Untraced,
    /// It could not send anything for this time, since it had no CPU.
    CpuStarved(Duration),
    /// It is hung.
    Hung {
        /// The reason, for people.
        reason: String,
        /// Its processes when it became late.
        baseline: ProcessActivity,
    },
    /// All of its processes have exited; the exit is reported elsewhere.
    Exited,
}

impl LivenessMonitor {
    /// Starts to monitor a generation that registered at `now`. Once its stream is lost, it may
    /// take `reconnect_timeout` to register again.
    #[must_use]
    pub fn new(
        generation: u64,
        source: LivenessSource,
        config: HeartbeatConfig,
        reconnect_timeout: Duration,
        now: Instant,
    ) -> Self {
        Self {
            generation,
            source,
            config,
            heartbeats: HeartbeatMonitor::new(config, now),
            registered_at: now,
            stream_lost: None,
            reconnect_timeout,
            baseline: None,
            excluded_at: None,
            inspecting: false,
            traced: false,
            last_late_report: None,
            excluded_time: Duration::ZERO,
        }
    }

    /// The generation that is monitored.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Records a heartbeat, with the event-loop lag that it carries.
    pub fn beat(&mut self, now: Instant, lag: Option<Duration>) {
        if self.source == LivenessSource::Heartbeats {
            self.heartbeats.beat(now, lag);
        }
    }

    /// Records that its stream has ended.
    pub fn on_stream_lost(&mut self, now: Instant) {
        self.stream_lost.get_or_insert(StreamLost {
            since: now,
            due: now + self.reconnect_timeout,
            extended: false,
        });
    }

    /// How long ago its stream ended; `None` while it is connected.
    #[must_use]
    pub fn disconnected_for(&self, now: Instant) -> Option<Duration> {
        let lost = self.stream_lost.as_ref()?;
        Some(now.saturating_duration_since(lost.since))
    }

    /// When to check next; `None` during an inspection.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        if self.inspecting {
            return None;
        }
        if self.traced {
            return Some(now + TRACED_INTERVAL);
        }
        match &self.stream_lost {
            // The state at the loss is compared with the state at the deadline.
            Some(lost) if self.baseline.is_none() => Some(lost.since),
            Some(lost) => Some(lost.due),
            None => {
                let due = self.heartbeats.deadline(now);
                let recent = self.heartbeats.silence(now) < self.config.interval / 4;
                // The moment at which the next beat is due is too early to miss it.
                let slack = if recent {
                    self.config.interval / 4
                } else {
                    Duration::ZERO
                };
                Some(due + slack)
            }
        }
    }

    /// Checks at a deadline.
    ///
    /// `last_read` is when data was last received over the connection. `suspended` is how long the
    /// caller itself did not run past the deadline, zero where it was on time: a lost stream is
    /// given that time once more, since the domain may have been suspended too.
    pub fn check(
        &mut self,
        now: Instant,
        last_read: Option<Instant>,
        suspended: Duration,
    ) -> CheckResult {
        self.on_traffic(last_read);
        if self.inspecting {
            return CheckResult::None;
        }
        if self.traced {
            return self.inspect(None);
        }
        if let Some(lost) = &mut self.stream_lost {
            if self.baseline.is_none() {
                return self.inspect(None);
            }
            if now < lost.due {
                return CheckResult::None;
            }
            if !lost.extended && !suspended.is_zero() {
                lost.due = now + suspended.min(self.reconnect_timeout);
                lost.extended = true;
                return CheckResult::None;
            }
            return self.inspect(None);
        }
        match self.heartbeats.check(now) {
            HeartbeatStatus::Healthy => {
                self.reset();
                CheckResult::None
            }
            HeartbeatStatus::Late { missed } => {
                let late = self.report_late(missed, now);
                if late.is_some() || self.baseline.is_none() {
                    return self.inspect(late);
                }
                CheckResult::None
            }
            HeartbeatStatus::Hung { .. } => self.inspect(None),
        }
    }

    /// Decides by the state of its processes. `last_read` is when data was last received.
    pub fn on_inspected(
        &mut self,
        activity: ProcessActivity,
        now: Instant,
        last_read: Option<Instant>,
    ) -> InspectionResult {
        self.inspecting = false;
        self.on_traffic(last_read);
        if activity.members.is_empty() {
            return InspectionResult::Exited;
        }
        match (activity.tracer(), self.traced) {
            (Some(_), true) => return InspectionResult::None,
            (Some(tracer), false) => {
                self.traced = true;
                self.heartbeats.suspend();
                return InspectionResult::Traced(tracer);
            }
            (None, true) => {
                self.traced = false;
                self.restart(now);
                return InspectionResult::Untraced;
            }
            (None, false) => {}
        }
        let baseline = self
            .baseline
            .get_or_insert_with(|| activity.clone())
            .clone();
        if let Some(lost) = &self.stream_lost {
            if now < lost.due {
                return InspectionResult::None;
            }
            let since = now.saturating_duration_since(lost.since);
            let reason = format!(
                "unresponsive: stream ended {} ago and was not re-established",
                format_elapsed(since)
            );
            return InspectionResult::Hung { reason, baseline };
        }
        // Data may have arrived during the inspection.
        if self.heartbeats.silence(now) < self.heartbeats.limit() {
            return InspectionResult::None;
        }
        let starved = activity.run_delay_since(self.excluded_at.as_ref().unwrap_or(&baseline));
        if starved >= self.config.interval / 10 {
            self.excluded_at = Some(activity);
            self.heartbeats.exclude_time(starved);
            self.excluded_time += starved;
            return InspectionResult::CpuStarved(starved);
        }
        InspectionResult::Hung {
            reason: self.hung_reason(now),
            baseline,
        }
    }

    /// Counts silence from `now` on.
    pub fn restart(&mut self, now: Instant) {
        self.reset();
        self.heartbeats.resume(now);
        if let Some(lost) = &mut self.stream_lost {
            lost.due = now + self.reconnect_timeout;
        }
    }

    fn reset(&mut self) {
        self.baseline = None;
        self.excluded_at = None;
        self.excluded_time = Duration::ZERO;
    }

    fn on_traffic(&mut self, last_read: Option<Instant>) {
        if let (LivenessSource::Traffic, Some(read)) = (self.source, last_read)
            && self.heartbeats.last_beat().is_none_or(|last| read > last)
        {
            self.heartbeats.beat(read, None);
        }
    }

    fn inspect(&mut self, late: Option<String>) -> CheckResult {
        self.inspecting = true;
        CheckResult::Inspect { late }
    }

    /// The report of a lateness, if one is due: not before half of the tolerated beats are missing,
    /// and once in [`LATE_REPORT_INTERVALS`].
    fn report_late(&mut self, missed: u32, now: Instant) -> Option<String> {
        if missed < self.config.misses.div_ceil(2).max(1) {
            return None;
        }
        let pause = self.config.interval.saturating_mul(LATE_REPORT_INTERVALS);
        let last = self.last_late_report.replace(now);
        if last.is_some_and(|last| now.saturating_duration_since(last) < pause) {
            return None;
        }
        let silence = format_elapsed(self.silence(now));
        Some(match self.source {
            LivenessSource::Heartbeats => format!(
                "no heartbeat for {silence}, expected every {}",
                format_elapsed(self.config.interval)
            ),
            LivenessSource::Traffic => {
                format!("no data received for {silence}, keep-alive pings unanswered")
            }
        })
    }

    fn silence(&self, now: Instant) -> Duration {
        let since = self.heartbeats.last_beat().unwrap_or(self.registered_at);
        now.saturating_duration_since(since)
    }

    fn hung_reason(&self, now: Instant) -> String {
        let silence = format_elapsed(self.silence(now));
        let starved = if self.excluded_time.is_zero() {
            String::new()
        } else {
            format!(", {} of it without CPU", format_elapsed(self.excluded_time))
        };
        match self.source {
            LivenessSource::Heartbeats => format!(
                "unresponsive: no heartbeat for {silence} (limit {}){starved}",
                format_elapsed(self.config.limit())
            ),
            LivenessSource::Traffic => format!(
                "unresponsive: no data received for {silence}, keep-alive pings unanswered{starved}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::activity::MemberActivity;
    use super::*;

    const CONFIG: HeartbeatConfig = HeartbeatConfig {
        interval: ms(200),
        misses: 3,
    };
    const RECONNECT_TIMEOUT: Duration = ms(15_000);

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    struct Harness {
        monitor: LivenessMonitor,
        start: Instant,
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a first moment; all later ones follow from it"
    )]
    fn epoch() -> Instant {
        Instant::now()
    }

    /// A process that has been without a CPU for `starved` ms, traced by `tracer`.
    fn activity(starved: u64, tracer: Option<u32>) -> ProcessActivity {
        let member = MemberActivity {
            pid: 7,
            tracer,
            cpu_time: Duration::ZERO,
            run_delay: ms(starved),
        };
        ProcessActivity {
            at: epoch(),
            members: vec![member],
        }
    }

    impl Harness {
        fn new(source: LivenessSource) -> Self {
            let start = epoch();
            let monitor = LivenessMonitor::new(1, source, CONFIG, RECONNECT_TIMEOUT, start);
            Self { monitor, start }
        }

        fn at(&self, millis: u64) -> Instant {
            self.start + ms(millis)
        }

        /// A check on time.
        fn check(&mut self, now: Instant, last_read: Option<Instant>) -> CheckResult {
            self.monitor.check(now, last_read, Duration::ZERO)
        }

        /// Checks at each deadline from `from` until `until`; inspections find `activity_at(ms)`.
        fn run(
            &mut self,
            from: u64,
            until: u64,
            activity_at: impl Fn(u64) -> ProcessActivity,
        ) -> Vec<(u64, InspectionResult)> {
            let mut now = self.at(from);
            let mut results = Vec::new();
            while now <= self.at(until) {
                let at = u64::try_from((now - self.start).as_millis()).expect("short");
                if let CheckResult::Inspect { .. } = self.check(now, None) {
                    match self.monitor.on_inspected(activity_at(at), now, None) {
                        InspectionResult::None => {}
                        result @ (InspectionResult::Hung { .. } | InspectionResult::Exited) => {
                            results.push((at, result));
                            break;
                        }
                        result => results.push((at, result)),
                    }
                }
                let deadline = self.monitor.deadline(now).expect("no inspection");
                now = deadline.max(now + ms(1));
            }
            results
        }
    }

    #[test]
    fn silence_is_hung_and_its_length_is_reported() {
        let mut harness = Harness::new(LivenessSource::Heartbeats);
        let (now, lag) = (harness.at(100), Some(ms(3)));
        harness.monitor.beat(now, lag);
        let results = harness.run(100, 5_000, |_| activity(0, None));
        let [(900, InspectionResult::Hung { reason, .. })] = results.as_slice() else {
            panic!("{results:?}")
        };
        assert_eq!(
            reason,
            "unresponsive: no heartbeat for 800 ms (limit 800 ms)"
        );
    }

    #[test]
    fn silence_counts_anew_once_the_debugger_detaches() {
        let mut harness = Harness::new(LivenessSource::Heartbeats);
        let tracer = |at| (at < 60_000).then_some(99);
        let results = harness.run(0, 70_000, |at| activity(0, tracer(at)));
        assert!(
            matches!(results[0], (_, InspectionResult::Traced(99))),
            "{results:?}"
        );
        assert!(matches!(
            results[1],
            (60_000..61_100, InspectionResult::Untraced)
        ));
        assert!(matches!(
            results[2],
            (60_800..61_900, InspectionResult::Hung { .. })
        ));
    }

    #[test]
    fn a_process_without_a_cpu_is_found_hung_later() {
        let mut harness = Harness::new(LivenessSource::Heartbeats);
        // Two fifths of a CPU.
        let results = harness.run(0, 20_000, |at| activity(at * 3 / 5, None));
        let (at, last) = results.last().expect("found");
        assert!((1_500..2_500).contains(at), "{results:?}");
        assert!(
            matches!(last, InspectionResult::Hung { reason, .. } if reason.contains("without CPU"))
        );
    }

    #[test]
    fn a_stream_that_does_not_come_back_is_hung_after_the_reconnect_timeout() {
        let mut harness = Harness::new(LivenessSource::Heartbeats);
        let lost = harness.at(1_000);
        harness.monitor.on_stream_lost(lost);
        let results = harness.run(1_000, 60_000, |_| activity(0, None));
        let [(16_000, InspectionResult::Hung { reason, .. })] = results.as_slice() else {
            panic!("{results:?}")
        };
        assert!(reason.contains("ended 15.0 s ago"), "{reason}");
        assert_eq!(
            harness.monitor.disconnected_for(harness.at(3_000)),
            Some(ms(2_000))
        );
    }

    #[test]
    fn the_reconnect_timeout_is_extended_by_suspended_time() {
        let mut harness = Harness::new(LivenessSource::Heartbeats);
        let (lost, resumed) = (harness.at(0), harness.at(600_000));
        harness.monitor.on_stream_lost(lost);
        assert_eq!(harness.run(0, 14_999, |_| activity(0, None)), []);
        let suspended = ms(585_000);
        assert_eq!(
            harness.monitor.check(resumed, None, suspended),
            CheckResult::None
        );
        assert_eq!(
            harness.monitor.deadline(resumed),
            Some(resumed + RECONNECT_TIMEOUT)
        );
        let results = harness.run(615_000, 700_000, |_| activity(0, None));
        assert!(matches!(
            results[..],
            [(615_000, InspectionResult::Hung { .. })]
        ));
    }

    #[test]
    fn traffic_counts_where_there_are_no_heartbeats() {
        let mut harness = Harness::new(LivenessSource::Traffic);
        let idle = activity(0, None);
        for at in (200..4_000).step_by(200) {
            let now = harness.at(at);
            assert_eq!(harness.check(now, Some(now)), CheckResult::None);
        }
        let last = harness.at(3_800);
        let mut results = Vec::new();
        for at in [4_000, 4_200, 4_400, 4_600] {
            let now = harness.at(at);
            if let CheckResult::Inspect { .. } = harness.check(now, Some(last)) {
                let result = harness.monitor.on_inspected(idle.clone(), now, Some(last));
                results.push(result);
            }
        }
        let Some(InspectionResult::Hung { reason, .. }) = results.last() else {
            panic!("{results:?}")
        };
        assert!(reason.contains("no data received for 800 ms"), "{reason}");
    }

    #[test]
    fn a_beat_during_the_inspection_counts() {
        let mut harness = Harness::new(LivenessSource::Heartbeats);
        harness.run(0, 799, |_| activity(0, None));
        let now = harness.at(800);
        assert_eq!(
            harness.check(now, None),
            CheckResult::Inspect { late: None }
        );
        assert_eq!(
            harness.monitor.deadline(now),
            None,
            "one inspection at a time"
        );
        harness.monitor.beat(harness.start + ms(801), None);
        let result = harness
            .monitor
            .on_inspected(activity(0, None), harness.start + ms(802), None);
        assert_eq!(result, InspectionResult::None);
    }

    #[test]
    fn lateness_is_reported_once_per_period() {
        let mut harness = Harness::new(LivenessSource::Heartbeats);
        let mut reports = 0;
        for round in 0..20 {
            let base = round * 600;
            for at in [200, 400] {
                let now = harness.at(base + at);
                if let CheckResult::Inspect { late } = harness.check(now, None) {
                    reports += usize::from(late.is_some());
                    harness.monitor.on_inspected(activity(0, None), now, None);
                }
            }
            let now = harness.at(base + 599);
            harness.monitor.beat(now, None);
        }
        assert_eq!(reports, 1, "late for twelve seconds is one lateness");
    }
}
