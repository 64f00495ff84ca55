//! The flags of the stub: each is a misbehavior or a setting.

use std::collections::VecDeque;
use std::time::Duration;

const HELP: &str = "\
stub-domain [FLAGS]: a domain of the protocol that misbehaves. Times are like 200ms or 2s.
  @FILE                 reads more flags from a file, at each start
start and registration
  --register-after T    T after the start                --never-register
  --name NAME           under another name               --token X | --no-token
  --streams N           N streams, all of which register --capability X (several)
  --no-heartbeat        without that capability          --drain  with that one
health
  --stop-heartbeats-after T   (since registered)         --heartbeat-status WORD
  --hang-at T | --hang-ready T   blocks its only thread, for --hang-for T or endlessly
  --no-read             registers, then reads nothing from its stream; --window BYTES
  --drop-stream-every T [--reconnect-after T]   drops its connection, and reconnects (after 1s)
exit
  --exit-at T (since the start) | --exit-after-ready T (since registered) [--exit N | --signal N]
                        SIGUSR1 exits in the same way at once
  --ignore-term         only records SIGTERM             --slow-stop T  takes T to stop
  --stop-exit N         exit code after SIGTERM (0)
resources
  --rss SIZE [--rss-after T]    allocates memory, such as 200MiB
  --spawn-grandchild    a child that ignores SIGTERM     --child-rss SIZE  and allocates memory
  --spawn-daemon        a process of its own session: forked twice, empty environment
  --flood BYTES         writes as much to stdout per second, in lines of 100 bytes
output, from a thread of its own
  --lines N [--line-length L]   N lines `PID NUMBER`, as fast as they are read
  --both-streams        odd numbers to stdout, even ones to stderr, each with one write
  --write FILE          first the content of a file      --long-line SIZE  last an unterminated line
  --wait-for-gate       only when the test has created the gate file
  --exit-when-written   exits afterwards, as --exit or --signal says
  --tick T              in addition, `tick MICROSECONDS` every T
requests (besides echoing): process_exit_request {code}, process_signal_request {signal},
  process_hang_request {ms}
activity log: spawned, overlap, registered, rejected CODE, disconnected, stopping, ignored, draining,
  writing, written;
  of its children: grandchild, daemon, ignored";

/// The role of a process of this program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Domain,
    /// Sleeps and ignores SIGTERM.
    Child,
    /// The first of two forks: starts a child in a session of its own, and exits.
    DoubleFork,
}

/// How it exits.
#[derive(Clone, Copy)]
pub(crate) enum ExitMode {
    Exit(i32),
    Signal(i32),
}

/// All flags.
#[derive(Clone)]
pub(crate) struct Flags {
    pub(crate) role: Role,
    pub(crate) activity_log: Option<String>,
    pub(crate) event: String,
    pub(crate) register_after: Duration,
    pub(crate) never_register: bool,
    pub(crate) name: Option<String>,
    /// `None`: the token of the environment; empty: no token.
    pub(crate) token: Option<String>,
    pub(crate) streams: usize,
    pub(crate) capabilities: Vec<String>,
    pub(crate) heartbeat: bool,
    pub(crate) stop_heartbeats_after: Option<Duration>,
    pub(crate) heartbeat_status: String,
    pub(crate) hang_at: Option<Duration>,
    pub(crate) hang_ready: Option<Duration>,
    pub(crate) hang_for: Duration,
    pub(crate) no_read: bool,
    pub(crate) window: Option<u32>,
    pub(crate) drop_stream_every: Option<Duration>,
    pub(crate) reconnect_after: Option<Duration>,
    pub(crate) exit_at: Option<Duration>,
    pub(crate) exit_after_ready: Option<Duration>,
    pub(crate) exit_mode: ExitMode,
    pub(crate) ignore_term: bool,
    pub(crate) slow_stop: Duration,
    pub(crate) stop_exit: i32,
    pub(crate) rss: usize,
    pub(crate) rss_after: Duration,
    pub(crate) grandchild: bool,
    pub(crate) child_rss: usize,
    pub(crate) daemon: bool,
    pub(crate) flood: usize,
    pub(crate) lines: u64,
    pub(crate) line_length: usize,
    pub(crate) both_streams: bool,
    pub(crate) write: Option<String>,
    pub(crate) long_line: usize,
    pub(crate) wait_for_gate: bool,
    pub(crate) exit_when_written: bool,
    pub(crate) tick: Option<Duration>,
}

impl Flags {
    fn defaults() -> Self {
        Self {
            role: Role::Domain,
            activity_log: None,
            event: String::new(),
            register_after: Duration::ZERO,
            never_register: false,
            name: None,
            token: None,
            streams: 1,
            capabilities: Vec::new(),
            heartbeat: true,
            stop_heartbeats_after: None,
            heartbeat_status: "ok".to_owned(),
            hang_at: None,
            hang_ready: None,
            hang_for: Duration::MAX,
            no_read: false,
            window: None,
            drop_stream_every: None,
            reconnect_after: None,
            exit_at: None,
            exit_after_ready: None,
            exit_mode: ExitMode::Exit(1),
            ignore_term: false,
            slow_stop: Duration::ZERO,
            stop_exit: 0,
            rss: 0,
            rss_after: Duration::ZERO,
            grandchild: false,
            child_rss: 0,
            daemon: false,
            flood: 0,
            lines: 0,
            line_length: 0,
            both_streams: false,
            write: None,
            long_line: 0,
            wait_for_gate: false,
            exit_when_written: false,
            tick: None,
        }
    }

    /// Reads the flags.
    ///
    /// # Errors
    /// An invalid flag, with the help text for an unknown one.
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut flags = Self::defaults();
        let mut args: VecDeque<String> = args.collect();
        while let Some(flag) = args.pop_front() {
            if let Some(file) = flag.strip_prefix('@') {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| format!("{file} cannot be read: {error}"))?;
                for word in text.split_ascii_whitespace().rev() {
                    args.push_front(word.to_owned());
                }
                continue;
            }
            flags.parse_flag(&flag, &mut args)?;
        }
        Ok(flags)
    }

    fn parse_flag(&mut self, flag: &str, args: &mut VecDeque<String>) -> Result<(), String> {
        let mut text = || {
            args.pop_front()
                .ok_or_else(|| format!("{flag} needs a value"))
        };
        match flag {
            "--register-after" => self.register_after = parse_duration(&text()?)?,
            "--never-register" => self.never_register = true,
            "--name" => self.name = Some(text()?),
            "--token" => self.token = Some(text()?),
            "--no-token" => self.token = Some(String::new()),
            "--streams" => self.streams = parse_number(&text()?)?,
            "--capability" => self.capabilities.push(text()?),
            "--heartbeat" => self.heartbeat = true,
            "--no-heartbeat" => self.heartbeat = false,
            "--drain" => self.capabilities.push("drain".to_owned()),
            "--stop-heartbeats-after" => {
                self.stop_heartbeats_after = Some(parse_duration(&text()?)?)
            }
            "--heartbeat-status" => self.heartbeat_status = text()?,
            "--hang-at" => self.hang_at = Some(parse_duration(&text()?)?),
            "--hang-ready" => self.hang_ready = Some(parse_duration(&text()?)?),
            "--hang-for" => self.hang_for = parse_duration(&text()?)?,
            "--no-read" => self.no_read = true,
            "--window" => self.window = Some(parse_number(&text()?)?),
            "--drop-stream-every" => self.drop_stream_every = Some(parse_duration(&text()?)?),
            "--reconnect-after" => self.reconnect_after = Some(parse_duration(&text()?)?),
            "--exit-at" => self.exit_at = Some(parse_duration(&text()?)?),
            "--exit-after-ready" => self.exit_after_ready = Some(parse_duration(&text()?)?),
            "--exit" => self.exit_mode = ExitMode::Exit(parse_number(&text()?)?),
            "--signal" => self.exit_mode = ExitMode::Signal(parse_number(&text()?)?),
            "--ignore-term" => self.ignore_term = true,
            "--slow-stop" => self.slow_stop = parse_duration(&text()?)?,
            "--stop-exit" => self.stop_exit = parse_number(&text()?)?,
            "--rss" => self.rss = parse_size(&text()?)?,
            "--rss-after" => self.rss_after = parse_duration(&text()?)?,
            "--spawn-grandchild" => self.grandchild = true,
            "--child-rss" => self.child_rss = parse_size(&text()?)?,
            "--spawn-daemon" => self.daemon = true,
            "--flood" => self.flood = parse_size(text()?.trim_end_matches("/s"))?,
            "--lines" => self.lines = parse_number(&text()?)?,
            "--line-length" => self.line_length = parse_number(&text()?)?,
            "--both-streams" => self.both_streams = true,
            "--write" => self.write = Some(text()?),
            "--long-line" => self.long_line = parse_size(&text()?)?,
            "--wait-for-gate" => self.wait_for_gate = true,
            "--exit-when-written" => self.exit_when_written = true,
            "--tick" => self.tick = Some(parse_duration(&text()?)?),
            // Internal: for its own children.
            "--child" => (self.role, self.event) = (Role::Child, text()?),
            "--double-fork" => self.role = Role::DoubleFork,
            "--activity-log" => self.activity_log = Some(text()?),
            _ => return Err(format!("no flag {flag:?}\n{HELP}")),
        }
        Ok(())
    }
}

fn parse_number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number"))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time such as 200ms or 2.5s");
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1.0),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())
}

fn parse_size(text: &str) -> Result<usize, String> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let (number, unit) = units
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))
        .unwrap_or((text, 1));
    let number: usize = number
        .parse()
        .map_err(|_| format!("{text:?} is not a size such as 200MiB"))?;
    Ok(number * unit)
}
