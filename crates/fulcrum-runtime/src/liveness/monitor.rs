//! One life as it is watched: pure, time is an argument.

use std::time::{Duration, Instant};

use fulcrum_health::{HeartbeatConfig, HeartbeatMonitor, HeartbeatStatus};
use fulcrum_spawn::process::GroupSnapshot;
use fulcrum_spawn::supervisor::suspend_extension;

use crate::format::format_duration;

/// A lateness is told again only after this many intervals without one.
const QUIET: u32 = 20;

/// How often a process that is held by a debugger is looked at.
const HELD: Duration = Duration::from_secs(1);

/// By what a domain is known to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LivenessSource {
    /// The heartbeats it sends.
    Heartbeats,
    /// Whatever comes over its connection: answers to pings at least.
    Traffic,
}

/// A registered life.
#[derive(Debug)]
pub(crate) struct LivenessMonitor {
    pub(crate) generation: u64,
    sign: LivenessSource,
    config: HeartbeatConfig,
    monitor: HeartbeatMonitor,
    registered: Instant,
    /// Its stream has ended, and it may come back.
    away: Option<StreamLost>,
    redial: Duration,
    /// How its processes were when it began to be late.
    baseline: Option<GroupSnapshot>,
    /// How they were when it was last forgiven.
    forgiven_at: Option<GroupSnapshot>,
    /// A look at its processes is under way.
    looking: bool,
    traced: bool,
    last_late: Option<Instant>,
    excluded_time: Duration,
}

#[derive(Debug)]
struct StreamLost {
    since: Instant,
    due: Instant,
    reprieved: bool,
}

/// What a check asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CheckResult {
    Nothing,
    /// Look at its processes, and tell by [`Watch::looked`].
    Look {
        /// It is late, which is to be told; in words.
        late: Option<String>,
    },
}

/// What follows from a look.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InspectionResult {
    Nothing,
    /// This process traces it: silence doesn't count from now on.
    Traced(u32),
    /// No longer.
    Untraced,
    /// It couldn't speak up for that long, since it had no CPU to run on.
    CpuStarved(Duration),
    /// It hangs; why, and how it was when it began to be late.
    Hung(String, GroupSnapshot),
    /// Nothing of it is there any more: its end is told elsewhere.
    Exited,
}

impl LivenessMonitor {
    pub(crate) fn new(
        generation: u64,
        sign: LivenessSource,
        config: HeartbeatConfig,
        redial: Duration,
        now: Instant,
    ) -> Self {
        Self {
            generation,
            sign,
            config,
            monitor: HeartbeatMonitor::new(config, now),
            registered: now,
            away: None,
            redial,
            baseline: None,
            forgiven_at: None,
            looking: false,
            traced: false,
            last_late: None,
            excluded_time: Duration::ZERO,
        }
    }

    /// A heartbeat has come.
    pub(crate) fn beat(&mut self, now: Instant, lag: Option<Duration>) {
        if self.sign == LivenessSource::Heartbeats {
            self.monitor.beat(now, lag);
        }
    }

    /// Its stream has ended.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.away.get_or_insert(StreamLost {
            since: now,
            due: now + self.redial,
            reprieved: false,
        });
    }

    /// For how long its stream has been gone, if it has.
    pub(crate) fn away(&self, now: Instant) -> Option<Duration> {
        let away = self.away.as_ref()?;
        Some(now.saturating_duration_since(away.since))
    }

    /// When to check next; `None` while something else comes first.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        if self.looking {
            return None;
        }
        if self.traced {
            return Some(now + HELD);
        }
        match &self.away {
            // How it is now is compared with how it will be.
            Some(away) if self.baseline.is_none() => Some(away.since),
            Some(away) => Some(away.due),
            None => {
                let due = self.monitor.deadline(now);
                let fresh = self.monitor.silence(now) < self.config.interval / 4;
                // As the next beat is due is too early to ask for it.
                let patience = if fresh {
                    self.config.interval / 4
                } else {
                    Duration::ZERO
                };
                Some(due + patience)
            }
        }
    }

    /// Its time has come. `heard` is when something last came over its connection.
    pub(crate) fn check(&mut self, now: Instant, heard: Option<Instant>) -> CheckResult {
        self.on_traffic(heard);
        if self.looking {
            return CheckResult::Nothing;
        }
        if self.traced {
            return self.look(None);
        }
        if let Some(away) = &mut self.away {
            if self.baseline.is_none() {
                return self.look(None);
            }
            if now < away.due {
                return CheckResult::Nothing;
            }
            if !away.reprieved
                && let Some(more) = suspend_extension(away.due, now, self.redial)
            {
                away.due = now + more;
                away.reprieved = true;
                return CheckResult::Nothing;
            }
            return self.look(None);
        }
        match self.monitor.check(now) {
            HeartbeatStatus::Healthy => {
                self.reset();
                CheckResult::Nothing
            }
            HeartbeatStatus::Late { missed } => {
                let late = self.late(missed, now);
                if late.is_some() || self.baseline.is_none() {
                    return self.look(late);
                }
                CheckResult::Nothing
            }
            HeartbeatStatus::Hung { .. } => self.look(None),
        }
    }

    /// Its processes have been looked at.
    pub(crate) fn on_inspected(
        &mut self,
        look: GroupSnapshot,
        now: Instant,
        heard: Option<Instant>,
    ) -> InspectionResult {
        self.looking = false;
        self.on_traffic(heard);
        if look.members.is_empty() {
            return InspectionResult::Exited;
        }
        match (look.tracer(), self.traced) {
            (Some(_), true) => return InspectionResult::Nothing,
            (Some(tracer), false) => {
                self.traced = true;
                self.monitor.suspend();
                return InspectionResult::Traced(tracer);
            }
            (None, true) => {
                self.traced = false;
                self.start_over(now);
                return InspectionResult::Untraced;
            }
            (None, false) => {}
        }
        let baseline = self.baseline.get_or_insert_with(|| look.clone()).clone();
        if let Some(away) = &self.away {
            if now < away.due {
                return InspectionResult::Nothing;
            }
            let since = now.saturating_duration_since(away.since);
            let why = format!(
                "hung: its stream ended {} ago and it has not registered again",
                format_duration(since)
            );
            return InspectionResult::Hung(why, baseline);
        }
        // Something may have come while the look was taken.
        if self.monitor.silence(now) < self.monitor.limit() {
            return InspectionResult::Nothing;
        }
        let starved = look.run_delay_since(self.forgiven_at.as_ref().unwrap_or(&baseline));
        if starved >= self.config.interval / 10 {
            self.forgiven_at = Some(look);
            self.monitor.exclude_time(starved);
            self.excluded_time += starved;
            return InspectionResult::CpuStarved(starved);
        }
        InspectionResult::Hung(self.why(now), baseline)
    }

    /// Silence begins to count only now.
    pub(crate) fn start_over(&mut self, now: Instant) {
        self.reset();
        self.monitor.resume(now);
        if let Some(away) = &mut self.away {
            away.due = now + self.redial;
        }
    }

    /// The silence is over, and what is known of it of no use.
    fn reset(&mut self) {
        self.baseline = None;
        self.forgiven_at = None;
        self.excluded_time = Duration::ZERO;
    }

    fn on_traffic(&mut self, heard: Option<Instant>) {
        if let (LivenessSource::Traffic, Some(heard)) = (self.sign, heard)
            && self.last_heard().is_none_or(|last| heard > last)
        {
            self.monitor.beat(heard, None);
        }
    }

    fn last_heard(&self) -> Option<Instant> {
        self.monitor.last_beat()
    }

    fn look(&mut self, late: Option<String>) -> CheckResult {
        self.looking = true;
        CheckResult::Look { late }
    }

    /// What to tell of a lateness, once in a while and not before half of what is tolerated is
    /// used up.
    fn late(&mut self, missed: u32, now: Instant) -> Option<String> {
        if missed < self.config.misses.div_ceil(2).max(1) {
            return None;
        }
        let again = self.config.interval.saturating_mul(QUIET);
        let last = self.last_late.replace(now);
        let told = last.is_some_and(|last| now.saturating_duration_since(last) < again);
        let silent = format_duration(self.silence(now));
        (!told).then(|| match self.sign {
            LivenessSource::Heartbeats => format!(
                "no heartbeat for {silent}, where one is due every {}",
                format_duration(self.config.interval)
            ),
            LivenessSource::Traffic => {
                format!("nothing heard for {silent}, not even the answer to a ping")
            }
        })
    }

    fn silence(&self, now: Instant) -> Duration {
        let since = self.last_heard().unwrap_or(self.registered);
        now.saturating_duration_since(since)
    }

    fn why(&self, now: Instant) -> String {
        let silent = format_duration(self.silence(now));
        let starved = if self.excluded_time.is_zero() {
            String::new()
        } else {
            format!(
                ", {} of it without a CPU",
                format_duration(self.excluded_time)
            )
        };
        match self.sign {
            LivenessSource::Heartbeats => format!(
                "hung: no heartbeat for {silent} ({} × ({} + 1)){starved}",
                format_duration(self.config.interval),
                self.config.misses
            ),
            LivenessSource::Traffic => format!(
                "hung: nothing heard for {silent}, not even the answer to a keep-alive \
                 ping{starved}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use fulcrum_spawn::process::ProcessSnapshot;

    use super::*;

    const CONFIG: HeartbeatConfig = HeartbeatConfig {
        interval: ms(200),
        misses: 3,
    };
    const REDIAL: Duration = ms(15_000);

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    struct Scene {
        watch: LivenessMonitor,
        start: Instant,
    }

    /// A process that has been without a CPU for `starved` ms, traced by `tracer`.
    fn look(starved: u64, tracer: Option<u32>) -> GroupSnapshot {
        let seen = ProcessSnapshot {
            pid: 7,
            started: 1,
            state: 'R',
            tracer,
            cpu_time: Duration::ZERO,
            run_delay: ms(starved),
        };
        GroupSnapshot {
            at: tokio::time::Instant::now().into_std(),
            members: vec![seen],
        }
    }

    impl Scene {
        fn new(sign: LivenessSource) -> Self {
            let start = tokio::time::Instant::now().into_std();
            let watch = LivenessMonitor::new(1, sign, CONFIG, REDIAL, start);
            Self { watch, start }
        }

        fn at(&self, millis: u64) -> Instant {
            self.start + ms(millis)
        }

        /// Checks at each deadline from `from` until `until`, with looks that find `found(ms)`.
        fn run(
            &mut self,
            from: u64,
            until: u64,
            found: impl Fn(u64) -> GroupSnapshot,
        ) -> Vec<(u64, InspectionResult)> {
            let mut now = self.at(from);
            let mut findings = Vec::new();
            while now <= self.at(until) {
                let at = u64::try_from((now - self.start).as_millis()).expect("short");
                if let CheckResult::Look { .. } = self.watch.check(now, None) {
                    match self.watch.on_inspected(found(at), now, None) {
                        InspectionResult::Nothing => {}
                        finding @ (InspectionResult::Hung(..) | InspectionResult::Exited) => {
                            findings.push((at, finding));
                            break;
                        }
                        finding => findings.push((at, finding)),
                    }
                }
                let deadline = self.watch.deadline(now).expect("nothing is under way");
                now = deadline.max(now + ms(1));
            }
            findings
        }
    }

    #[test]
    fn silence_is_hung_and_says_for_how_long() {
        let mut scene = Scene::new(LivenessSource::Heartbeats);
        let (now, lag) = (scene.at(100), Some(ms(3)));
        scene.watch.beat(now, lag);
        let findings = scene.run(100, 5_000, |_| look(0, None));
        let [(900, InspectionResult::Hung(why, _))] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(why, "hung: no heartbeat for 800 ms (200 ms × (3 + 1))");
    }

    #[test]
    fn what_held_a_debugger_is_judged_anew_when_it_is_let_go() {
        let mut scene = Scene::new(LivenessSource::Heartbeats);
        let tracer = |at| (at < 60_000).then_some(99);
        let findings = scene.run(0, 70_000, |at| look(0, tracer(at)));
        assert!(
            matches!(findings[0], (_, InspectionResult::Traced(99))),
            "{findings:?}"
        );
        assert!(matches!(
            findings[1],
            (60_000..61_100, InspectionResult::Untraced)
        ));
        assert!(matches!(
            findings[2],
            (60_800..61_900, InspectionResult::Hung(..))
        ));
    }

    #[test]
    fn one_without_a_cpu_is_found_later_but_found() {
        let mut scene = Scene::new(LivenessSource::Heartbeats);
        // Two fifths of a CPU.
        let findings = scene.run(0, 20_000, |at| look(at * 3 / 5, None));
        let (at, last) = findings.last().expect("found");
        assert!((1_500..2_500).contains(at), "{findings:?}");
        assert!(matches!(last, InspectionResult::Hung(why, _) if why.contains("without a CPU")));
    }

    #[test]
    fn a_stream_that_does_not_come_back_is_hung_after_the_redial_time() {
        let mut scene = Scene::new(LivenessSource::Heartbeats);
        let lost = scene.at(1_000);
        scene.watch.lost(lost);
        let findings = scene.run(1_000, 60_000, |_| look(0, None));
        let [(16_000, InspectionResult::Hung(why, _))] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert!(why.contains("ended 15.0 s ago"), "{why}");
        assert_eq!(scene.watch.away(scene.at(3_000)), Some(ms(2_000)));
    }

    #[test]
    fn the_redial_time_is_given_again_when_fulcrum_did_not_run() {
        let mut scene = Scene::new(LivenessSource::Heartbeats);
        let (lost, back) = (scene.at(0), scene.at(600_000));
        scene.watch.lost(lost);
        assert_eq!(scene.run(0, 14_999, |_| look(0, None)), []);
        assert_eq!(scene.watch.check(back, None), CheckResult::Nothing);
        assert_eq!(scene.watch.deadline(back), Some(back + REDIAL));
        let findings = scene.run(615_000, 700_000, |_| look(0, None));
        assert!(matches!(
            findings[..],
            [(615_000, InspectionResult::Hung(..))]
        ));
    }

    #[test]
    fn whatever_comes_over_the_connection_is_a_sign_where_there_are_no_beats() {
        let mut scene = Scene::new(LivenessSource::Traffic);
        let quiet = look(0, None);
        for at in (200..4_000).step_by(200) {
            let now = scene.at(at);
            assert_eq!(scene.watch.check(now, Some(now)), CheckResult::Nothing);
        }
        let last = scene.at(3_800);
        let (now, mut findings) = (scene.at(4_600), Vec::new());
        for at in [4_000, 4_200, 4_400, 4_600] {
            if let CheckResult::Look { .. } = scene.watch.check(scene.at(at), Some(last)) {
                findings.push(
                    scene
                        .watch
                        .on_inspected(quiet.clone(), scene.at(at), Some(last)),
                );
            }
        }
        let Some(InspectionResult::Hung(why, _)) = findings.last() else {
            panic!("{findings:?} by {now:?}")
        };
        assert!(why.contains("nothing heard for 800 ms"), "{why}");
    }

    #[test]
    fn a_beat_that_comes_while_the_processes_are_looked_at_saves_it() {
        let mut scene = Scene::new(LivenessSource::Heartbeats);
        scene.run(0, 799, |_| look(0, None));
        let now = scene.at(800);
        assert_eq!(
            scene.watch.check(now, None),
            CheckResult::Look { late: None }
        );
        assert_eq!(scene.watch.deadline(now), None, "one look at a time");
        scene.watch.beat(scene.start + ms(801), None);
        let finding = scene
            .watch
            .on_inspected(look(0, None), scene.start + ms(802), None);
        assert_eq!(finding, InspectionResult::Nothing);
    }

    #[test]
    fn lateness_is_told_once_in_a_while() {
        let mut scene = Scene::new(LivenessSource::Heartbeats);
        let mut told = 0;
        for round in 0..20 {
            let base = round * 600;
            for at in [200, 400] {
                let now = scene.at(base + at);
                if let CheckResult::Look { late } = scene.watch.check(now, None) {
                    told += usize::from(late.is_some());
                    scene.watch.on_inspected(look(0, None), now, None);
                }
            }
            let now = scene.at(base + 599);
            scene.watch.beat(now, None);
        }
        assert_eq!(told, 1, "late for twelve seconds on end is one lateness");
    }
}
