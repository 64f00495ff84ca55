//! The settings of the app as a whole: `runtime:` in its `fulcrum.yml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of the app as a whole. `runtime.defaults` is merged into each domain's
/// [`ProcessSettings`](crate::ProcessSettings) and not repeated here.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeSettings {
    /// Where domains are searched: globs and paths relative to the app root.
    pub domains: Vec<String>,
    /// The server at which domains register.
    pub grpc: GrpcSettings,
    /// Metrics and health endpoints.
    pub http: HttpSettings,
    /// Printing, storing and exporting of log lines.
    pub logs: LogSettings,
    /// Traces, and the telemetry of domains.
    pub telemetry: TelemetrySettings,
    /// Who is notified of what went wrong.
    pub notify: Vec<WebhookSettings>,
    /// File watching.
    pub watch: AppWatchSettings,
    /// The largest number of standby processes of the app: `off` is 0; none leaves it to the mode.
    pub standby: Option<u32>,
    /// Whether variables of `env_file` replace those of the environment that Fulcrum was started with.
    pub env_override: bool,
    /// Whether the app's own TypeScript compiler checks types in the background, in `dev`.
    pub typecheck: bool,
    /// The size of the cache of compiled TypeScript, in bytes. All apps of a user share it.
    pub cache_size: u64,
    /// What an instance in the foreground of a terminal does besides printing lines.
    pub terminal: TerminalSettings,
    /// Domains that are restarted together, by the group's name.
    pub groups: BTreeMap<String, SupervisionGroup>,
}

/// `runtime.terminal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSettings {
    /// Whether `dev` has keys.
    pub keys: bool,
    /// Whether the window's title shows the state.
    pub title: bool,
    /// How the failure of a domain is told while the terminal has no focus.
    pub notify: FailureNotice,
}

/// How the failure of a domain is told while the terminal has no focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailureNotice {
    /// Not at all.
    #[default]
    Off,
    /// By the terminal's bell.
    Bell,
    /// By the sequence OSC 9.
    Osc9,
    /// By the sequence OSC 777.
    Osc777,
}

impl FailureNotice {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Bell => "bell",
            Self::Osc9 => "osc9",
            Self::Osc777 => "osc777",
        }
    }
}

/// `runtime.grpc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcSettings {
    /// The address to listen on.
    pub listen: ListenAddress,
    /// Which processes may register.
    pub registration: RegistrationMode,
    /// The time in which a domain must respond to a caller without a deadline of its own.
    pub call_timeout: Duration,
    /// The size of the calls that may wait for one domain, in bytes.
    pub call_queue: u64,
    /// The size of a message, in bytes.
    pub max_message: u64,
    /// The origins of pages that may call domains from a browser: [`WebOrigins`].
    pub web_origins: WebOrigins,
    /// Certificates of the server.
    pub tls: Option<TlsSettings>,
}

/// `runtime.http`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// The address to listen on; none if it is `off`.
    pub listen: Option<ListenAddress>,
}

/// One of `runtime.notify`.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The URL of HTTP or HTTPS. Its path may be a secret.
    pub url: String,
    /// What it is notified of.
    pub on: BTreeSet<NotifyEvent>,
    /// The form of the body.
    pub format: WebhookFormat,
    /// The key of the signature; without it, bodies are not signed.
    pub secret: Option<String>,
}

impl fmt::Debug for WebhookSettings {
    /// Without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSettings")
            .field("on", &self.on)
            .field("format", &self.format)
            .field("signed", &self.secret.is_some())
            .finish_non_exhaustive()
    }
}

/// What a webhook is notified of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotifyEvent {
    /// A domain failed permanently, other than by a crash loop.
    Failed,
    /// A domain did not respond, and is restarted.
    Hung,
    /// A domain exceeded its memory limit, and is restarted.
    Memory,
    /// A domain was restarted too often, and failed permanently.
    CrashLoop,
}

impl NotifyEvent {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Hung, Self::Memory, Self::CrashLoop];

    /// The word in the configuration and in notifications.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Hung => "hung",
            Self::Memory => "memory",
            Self::CrashLoop => "crash_loop",
        }
    }
}

/// The form of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookFormat {
    /// A JSON object with a field for each fact.
    Json,
    /// The form of Slack's incoming webhooks, which others accept, too.
    Slack,
}

/// The word for the pages of this machine in `runtime.grpc.web_origins`.
pub(crate) const WEB_LOOPBACK: &str = "loopback";

/// The origins of pages that may call domains from a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebOrigins {
    /// Whether pages of this machine may: those of `localhost` and of loopback addresses.
    pub loopback: bool,
    /// Other origins, as browsers write them, such as `https://example.com:8443`.
    pub others: Vec<String>,
}

/// A loopback address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// An IP address without brackets, or `localhost`.
    pub host: String,
    /// The port; 0 means a free port.
    pub port: u16,
    /// Whether it is set in any layer but the defaults. Then a port in use is an error; otherwise a
    /// free port is used instead.
    pub explicit: bool,
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Whether a domain may register without the token of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Registration without a token is allowed; the default of [`Mode::Dev`](crate::Mode::Dev).
    Open,
    /// A token is required; the default of [`Mode::Serve`](crate::Mode::Serve).
    Token,
}

/// `runtime.grpc.tls`: paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authority of clients' certificates, PEM.
    pub client_ca: Option<PathBuf>,
}

/// `runtime.logs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `trace`, `debug`, `info`, `warn` or `error`: the variable `FULCRUM_LOG_LEVEL` of domains.
    pub level: String,
    /// The format of printed lines.
    pub format: LogFormat,
    /// The log store on disk; none if it is disabled.
    pub store: Option<LogStoreSettings>,
    /// The export of lines over OTLP; none by default.
    pub forward: Option<OtlpExportSettings>,
}

/// `runtime.logs.store`: the size and retention of the log store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogStoreSettings {
    /// The size of a file, in bytes, after which a new one is started.
    pub file_size: u64,
    /// The number of files of one domain.
    pub files: usize,
    /// The age of a file's newest line after which the file is removed.
    pub max_age: Duration,
    /// The size on disk of all domains together, in bytes.
    pub total_size: u64,
    /// Whether full files are compressed.
    pub compress: bool,
}

/// `runtime.logs.forward`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpExportSettings {
    /// The endpoint of OTLP over gRPC: `http(s)://HOST:PORT`, without a path. None is the collector of
    /// telemetry.
    pub otlp: Option<String>,
    /// The headers of each request: names in lower case, values in printable ASCII. Values may be
    /// secrets.
    pub headers: BTreeMap<String, String>,
    /// The minimum level of exported lines, `trace` to `fatal`, which excludes lines of unknown
    /// level. All lines are exported if it is not set.
    pub level: Option<String>,
}

/// `runtime.telemetry`.
#[derive(Clone, Debug, PartialEq)]
pub struct TelemetrySettings {
    /// Whether telemetry of domains is received and kept.
    pub receive: bool,
    /// The memory for what is kept, in bytes.
    pub memory: u64,
    /// The part of traces that is recorded; none leaves it to the environment.
    pub sampling: Option<f64>,
    /// The collector; none leaves it to the environment.
    pub export: Option<CollectorSettings>,
}

/// `runtime.telemetry.export`.
#[derive(Clone, PartialEq, Eq)]
pub struct CollectorSettings {
    /// The address: `http(s)://HOST:PORT`, perhaps with a path.
    pub otlp: String,
    /// `grpc` or `http/protobuf`; none is by the port.
    pub protocol: Option<String>,
    /// The headers of each request: names in lower case. Values may be secrets.
    pub headers: BTreeMap<String, String>,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// A file with the authorities to trust, PEM; an absolute path.
    pub certificate: Option<PathBuf>,
}

impl fmt::Debug for CollectorSettings {
    /// Without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorSettings")
            .field("otlp", &self.otlp)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// The format of printed log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal; otherwise it depends on the mode.
    Auto,
    /// Text with the domain's name as a prefix.
    Text,
    /// One JSON object per line.
    Json,
}

/// `runtime.watch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppWatchSettings {
    /// Whether domains are restarted when their files change; none leaves it to the mode and the
    /// command line.
    pub enabled: Option<bool>,
    /// The interval of polling, instead of the system's notifications.
    pub poll: Option<Duration>,
    /// Globs, relative to the app root, that are never watched.
    pub ignore: Vec<String>,
}

/// One of `runtime.groups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisionGroup {
    /// Which members are restarted together.
    pub strategy: RestartStrategy,
    /// The members, in their order.
    pub domains: Vec<String>,
}

/// Which members are restarted when a member of a group fails; the terms are those of Erlang/OTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartStrategy {
    /// Only the failed member.
    OneForOne,
    /// The failed member and those after it.
    RestForOne,
    /// All members.
    OneForAll,
}

impl fmt::Display for RestartStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneForOne => "one_for_one",
            Self::RestForOne => "rest_for_one",
            Self::OneForAll => "one_for_all",
        })
    }
}

impl SupervisionGroup {
    /// The members before a member, which must be ready before it is started. Empty if members are
    /// independent, and for other domains.
    pub fn predecessors(&self, member: &str) -> &[String] {
        let position = self.domains.iter().position(|name| name == member);
        match self.strategy {
            RestartStrategy::OneForOne => &[],
            RestartStrategy::RestForOne | RestartStrategy::OneForAll => {
                &self.domains[..position.unwrap_or(0)]
            }
        }
    }
}
