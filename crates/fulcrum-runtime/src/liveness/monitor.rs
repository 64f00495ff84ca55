//! One life as it is watched: pure, time is an argument.

use std::time::{Duration, Instant};

use fulcrum_health::{Health, HeartbeatConfig, HeartbeatMonitor};
use fulcrum_spawn::process::Look;
use fulcrum_spawn::supervisor::reprieve;

use crate::format::elapsed;

/// A lateness is told again only after this many intervals without one.
const QUIET: u32 = 20;

/// How often a process that is held by a debugger is looked at.
const HELD: Duration = Duration::from_secs(1);

/// By what a domain is known to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The heartbeats it sends.
    Beats,
    /// Whatever comes over its connection: answers to pings at least.
    Traffic,
}

/// A registered life.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) generation: u64,
    sign: Sign,
    config: HeartbeatConfig,
    monitor: HeartbeatMonitor,
    registered: Instant,
    /// Its stream has ended, and it may come back.
    away: Option<Away>,
    redial: Duration,
    /// How its processes were when it began to be late.
    baseline: Option<Look>,
    /// How they were when it was last forgiven.
    forgiven_at: Option<Look>,
    /// A look at its processes is under way.
    looking: bool,
    held: bool,
    last_late: Option<Instant>,
    forgiven: Duration,
}

#[derive(Debug)]
struct Away {
    since: Instant,
    due: Instant,
    reprieved: bool,
}

/// What a check asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    Nothing,
    /// Look at its processes, and tell by [`Watch::looked`].
    Look {
        /// It is late, which is to be told; in words.
        late: Option<String>,
    },
}

/// What follows from a look.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    Nothing,
    /// This process traces it: silence doesn't count from now on.
    Held(u32),
    /// No longer.
    Freed,
    /// It couldn't speak up for that long, since it had no CPU to run on.
    Starved(Duration),
    /// It hangs; why, and how it was when it began to be late.
    Hung(String, Look),
    /// Nothing of it is there any more: its end is told elsewhere.
    Gone,
}

impl Watch {
    pub(crate) fn new(
        generation: u64,
        sign: Sign,
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
            held: false,
            last_late: None,
            forgiven: Duration::ZERO,
        }
    }

    /// A heartbeat has come.
    pub(crate) fn beat(&mut self, now: Instant, lag: Option<Duration>) {
        if self.sign == Sign::Beats {
            self.monitor.beat(now, lag);
        }
    }

    /// Its stream has ended.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.away.get_or_insert(Away {
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
        if self.held {
            return Some(now + HELD);
        }
        match &self.away {
            // How it is now is compared with how it will be.
            Some(away) if self.baseline.is_none() => Some(away.since),
            Some(away) => Some(away.due),
            None => {
                let due = self.monitor.deadline(now);
                let fresh = self.monitor.silent(now) < self.config.interval / 4;
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
    pub(crate) fn check(&mut self, now: Instant, heard: Option<Instant>) -> Ask {
        self.hear(heard);
        if self.looking {
            return Ask::Nothing;
        }
        if self.held {
            return self.look(None);
        }
        if let Some(away) = &mut self.away {
            if self.baseline.is_none() {
                return self.look(None);
            }
            if now < away.due {
                return Ask::Nothing;
            }
            if !away.reprieved
                && let Some(more) = reprieve(away.due, now, self.redial)
            {
                away.due = now + more;
                away.reprieved = true;
                return Ask::Nothing;
            }
            return self.look(None);
        }
        match self.monitor.check(now) {
            Health::Healthy => {
                self.well();
                Ask::Nothing
            }
            Health::Late { missed } => {
                let late = self.late(missed, now);
                if late.is_some() || self.baseline.is_none() {
                    return self.look(late);
                }
                Ask::Nothing
            }
            Health::Hung { .. } => self.look(None),
        }
    }

    /// Its processes have been looked at.
    pub(crate) fn looked(&mut self, look: Look, now: Instant, heard: Option<Instant>) -> Finding {
        self.looking = false;
        self.hear(heard);
        if look.members.is_empty() {
            return Finding::Gone;
        }
        match (look.tracer(), self.held) {
            (Some(_), true) => return Finding::Nothing,
            (Some(tracer), false) => {
                self.held = true;
                self.monitor.suspend();
                return Finding::Held(tracer);
            }
            (None, true) => {
                self.held = false;
                self.start_over(now);
                return Finding::Freed;
            }
            (None, false) => {}
        }
        let baseline = self.baseline.get_or_insert_with(|| look.clone()).clone();
        if let Some(away) = &self.away {
            if now < away.due {
                return Finding::Nothing;
            }
            let since = now.saturating_duration_since(away.since);
            let why = format!(
                "hung: its stream ended {} ago and it has not registered again",
                elapsed(since)
            );
            return Finding::Hung(why, baseline);
        }
        // Something may have come while the look was taken.
        if self.monitor.silent(now) < self.monitor.limit() {
            return Finding::Nothing;
        }
        let starved = look.starved_since(self.forgiven_at.as_ref().unwrap_or(&baseline));
        if starved >= self.config.interval / 10 {
            self.forgiven_at = Some(look);
            self.monitor.forgive(starved);
            self.forgiven += starved;
            return Finding::Starved(starved);
        }
        Finding::Hung(self.why(now), baseline)
    }

    /// Silence begins to count only now.
    pub(crate) fn start_over(&mut self, now: Instant) {
        self.well();
        self.monitor.resume(now);
        if let Some(away) = &mut self.away {
            away.due = now + self.redial;
        }
    }

    /// The silence is over, and what is known of it of no use.
    fn well(&mut self) {
        self.baseline = None;
        self.forgiven_at = None;
        self.forgiven = Duration::ZERO;
    }

    fn hear(&mut self, heard: Option<Instant>) {
        if let (Sign::Traffic, Some(heard)) = (self.sign, heard)
            && self.last_heard().is_none_or(|last| heard > last)
        {
            self.monitor.beat(heard, None);
        }
    }

    fn last_heard(&self) -> Option<Instant> {
        self.monitor.last_beat()
    }

    fn look(&mut self, late: Option<String>) -> Ask {
        self.looking = true;
        Ask::Look { late }
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
        let silent = elapsed(self.silence(now));
        (!told).then(|| match self.sign {
            Sign::Beats => format!(
                "no heartbeat for {silent}, where one is due every {}",
                elapsed(self.config.interval)
            ),
            Sign::Traffic => format!("nothing heard for {silent}, not even the answer to a ping"),
        })
    }

    fn silence(&self, now: Instant) -> Duration {
        let since = self.last_heard().unwrap_or(self.registered);
        now.saturating_duration_since(since)
    }

    fn why(&self, now: Instant) -> String {
        let silent = elapsed(self.silence(now));
        let starved = if self.forgiven.is_zero() {
            String::new()
        } else {
            format!(", {} of it without a CPU", elapsed(self.forgiven))
        };
        match self.sign {
            Sign::Beats => format!(
                "hung: no heartbeat for {silent} ({} × ({} + 1)){starved}",
                elapsed(self.config.interval),
                self.config.misses
            ),
            Sign::Traffic => format!(
                "hung: nothing heard for {silent}, not even the answer to a keep-alive \
                 ping{starved}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use fulcrum_spawn::process::Seen;

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
        watch: Watch,
        start: Instant,
    }

    /// A process that has been without a CPU for `starved` ms, traced by `tracer`.
    fn look(starved: u64, tracer: Option<u32>) -> Look {
        let seen = Seen {
            pid: 7,
            started: 1,
            state: 'R',
            tracer,
            busy: Duration::ZERO,
            starved: ms(starved),
        };
        Look {
            at: tokio::time::Instant::now().into_std(),
            members: vec![seen],
        }
    }

    impl Scene {
        fn new(sign: Sign) -> Self {
            let start = tokio::time::Instant::now().into_std();
            let watch = Watch::new(1, sign, CONFIG, REDIAL, start);
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
            found: impl Fn(u64) -> Look,
        ) -> Vec<(u64, Finding)> {
            let mut now = self.at(from);
            let mut findings = Vec::new();
            while now <= self.at(until) {
                let at = u64::try_from((now - self.start).as_millis()).expect("short");
                if let Ask::Look { .. } = self.watch.check(now, None) {
                    match self.watch.looked(found(at), now, None) {
                        Finding::Nothing => {}
                        finding @ (Finding::Hung(..) | Finding::Gone) => {
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
        let mut scene = Scene::new(Sign::Beats);
        let (now, lag) = (scene.at(100), Some(ms(3)));
        scene.watch.beat(now, lag);
        let findings = scene.run(100, 5_000, |_| look(0, None));
        let [(900, Finding::Hung(why, _))] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(why, "hung: no heartbeat for 800 ms (200 ms × (3 + 1))");
    }

    #[test]
    fn what_held_a_debugger_is_judged_anew_when_it_is_let_go() {
        let mut scene = Scene::new(Sign::Beats);
        let tracer = |at| (at < 60_000).then_some(99);
        let findings = scene.run(0, 70_000, |at| look(0, tracer(at)));
        assert!(
            matches!(findings[0], (_, Finding::Held(99))),
            "{findings:?}"
        );
        assert!(matches!(findings[1], (60_000..61_100, Finding::Freed)));
        assert!(matches!(findings[2], (60_800..61_900, Finding::Hung(..))));
    }

    #[test]
    fn one_without_a_cpu_is_found_later_but_found() {
        let mut scene = Scene::new(Sign::Beats);
        // Two fifths of a CPU.
        let findings = scene.run(0, 20_000, |at| look(at * 3 / 5, None));
        let (at, last) = findings.last().expect("found");
        assert!((1_500..2_500).contains(at), "{findings:?}");
        assert!(matches!(last, Finding::Hung(why, _) if why.contains("without a CPU")));
    }

    #[test]
    fn a_stream_that_does_not_come_back_is_hung_after_the_redial_time() {
        let mut scene = Scene::new(Sign::Beats);
        let lost = scene.at(1_000);
        scene.watch.lost(lost);
        let findings = scene.run(1_000, 60_000, |_| look(0, None));
        let [(16_000, Finding::Hung(why, _))] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert!(why.contains("ended 15.0 s ago"), "{why}");
        assert_eq!(scene.watch.away(scene.at(3_000)), Some(ms(2_000)));
    }

    #[test]
    fn the_redial_time_is_given_again_when_fulcrum_did_not_run() {
        let mut scene = Scene::new(Sign::Beats);
        let (lost, back) = (scene.at(0), scene.at(600_000));
        scene.watch.lost(lost);
        assert_eq!(scene.run(0, 14_999, |_| look(0, None)), []);
        assert_eq!(scene.watch.check(back, None), Ask::Nothing);
        assert_eq!(scene.watch.deadline(back), Some(back + REDIAL));
        let findings = scene.run(615_000, 700_000, |_| look(0, None));
        assert!(matches!(findings[..], [(615_000, Finding::Hung(..))]));
    }

    #[test]
    fn whatever_comes_over_the_connection_is_a_sign_where_there_are_no_beats() {
        let mut scene = Scene::new(Sign::Traffic);
        let quiet = look(0, None);
        for at in (200..4_000).step_by(200) {
            let now = scene.at(at);
            assert_eq!(scene.watch.check(now, Some(now)), Ask::Nothing);
        }
        let last = scene.at(3_800);
        let (now, mut findings) = (scene.at(4_600), Vec::new());
        for at in [4_000, 4_200, 4_400, 4_600] {
            if let Ask::Look { .. } = scene.watch.check(scene.at(at), Some(last)) {
                findings.push(scene.watch.looked(quiet.clone(), scene.at(at), Some(last)));
            }
        }
        let Some(Finding::Hung(why, _)) = findings.last() else {
            panic!("{findings:?} by {now:?}")
        };
        assert!(why.contains("nothing heard for 800 ms"), "{why}");
    }

    #[test]
    fn a_beat_that_comes_while_the_processes_are_looked_at_saves_it() {
        let mut scene = Scene::new(Sign::Beats);
        scene.run(0, 799, |_| look(0, None));
        let now = scene.at(800);
        assert_eq!(scene.watch.check(now, None), Ask::Look { late: None });
        assert_eq!(scene.watch.deadline(now), None, "one look at a time");
        scene.watch.beat(scene.start + ms(801), None);
        let finding = scene
            .watch
            .looked(look(0, None), scene.start + ms(802), None);
        assert_eq!(finding, Finding::Nothing);
    }

    #[test]
    fn lateness_is_told_once_in_a_while() {
        let mut scene = Scene::new(Sign::Beats);
        let mut told = 0;
        for round in 0..20 {
            let base = round * 600;
            for at in [200, 400] {
                let now = scene.at(base + at);
                if let Ask::Look { late } = scene.watch.check(now, None) {
                    told += usize::from(late.is_some());
                    scene.watch.looked(look(0, None), now, None);
                }
            }
            let now = scene.at(base + 599);
            scene.watch.beat(now, None);
        }
        assert_eq!(told, 1, "late for twelve seconds on end is one lateness");
    }
}
