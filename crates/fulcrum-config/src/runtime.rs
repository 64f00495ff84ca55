//! The settings of the app as a whole: `runtime:` in its `fulcrum.yml`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of the app as a whole. `runtime.defaults` is merged into each domain's
/// [`Process`](crate::Process) and not repeated here.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeSettings {
    /// Where domains are looked for: globs and paths relative to the app root.
    pub domains: Vec<String>,
    /// The port that domains register at.
    pub grpc: GrpcSettings,
    /// What is done with what domains say.
    pub logs: LogSettings,
    /// What applies to watching in every domain.
    pub watch: AppWatchSettings,
    /// How many booted spare processes there may be altogether: `off` is 0; none when left to the
    /// mode.
    pub standby: Option<u32>,
    /// Domains that are restarted together, by the group's name.
    pub groups: BTreeMap<String, SupervisionGroup>,
}

/// `runtime.grpc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcSettings {
    /// The address to listen at.
    pub listen: ListenAddress,
    /// Who may register.
    pub registration: RegistrationMode,
    /// Certificates to serve with.
    pub tls: Option<TlsSettings>,
}

/// A loopback address to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// An IP address without brackets, or `localhost`.
    pub host: String,
    /// The port; 0 lets the system choose.
    pub port: u16,
    /// Set by the user, in any layer: then a port that is taken is an error, not a reason to
    /// take another.
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

/// Whether a domain may register without the token that Fulcrum gave to its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationMode {
    /// It may; the default of [`Mode::Dev`](crate::Mode::Dev).
    Open,
    /// It may not; the default of [`Mode::Serve`](crate::Mode::Serve).
    Token,
}

/// `runtime.grpc.tls`: paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authority that clients' certificates must come from, PEM.
    pub client_ca: Option<PathBuf>,
}

/// `runtime.logs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `trace`, `debug`, `info`, `warn` or `error`: what domains are told in `FULCRUM_LOG_LEVEL`.
    pub level: String,
    /// How lines are printed.
    pub format: LogFormat,
    /// How much of them is kept on disk; none where nothing is.
    pub store: Option<LogStoreSettings>,
    /// Where lines are sent besides; nowhere by default.
    pub forward: Option<OtlpExportSettings>,
}

/// `runtime.logs.store`: what is kept of what was said, and in which pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogStoreSettings {
    /// Bytes after which a new file is begun.
    pub file_size: u64,
    /// Files of one domain.
    pub files: usize,
    /// How old the newest line of a file may become.
    pub max_age: Duration,
    /// Bytes on disk, all domains together.
    pub total_size: u64,
    /// Whether full files are compressed.
    pub compress: bool,
}

/// `runtime.logs.forward`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpExportSettings {
    /// A receiver of OTLP over gRPC without TLS: `http://HOST:PORT`, nothing behind the port.
    pub otlp: String,
    /// What each request carries besides: names in small letters and values in printable ASCII.
    /// The values may be secret.
    pub headers: BTreeMap<String, String>,
    /// `trace` … `fatal`: only lines at least this serious, which leaves out those of unknown
    /// level. All lines where it isn't set.
    pub level: Option<String>,
}

/// How log lines are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal; elsewhere what suits the mode.
    Auto,
    /// Text with the domain's name in front.
    Text,
    /// One JSON object a line.
    Json,
}

/// `runtime.watch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppWatchSettings {
    /// Whether domains are restarted when their files change; none when left to the mode and the
    /// command line.
    pub enabled: Option<bool>,
    /// Look at files this often instead of being told by the system.
    pub poll: Option<Duration>,
    /// Globs, relative to the app root, that are never watched.
    pub ignore: Vec<String>,
}

/// One of `runtime.groups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisionGroup {
    /// Who is restarted with whom.
    pub strategy: RestartStrategy,
    /// The members, in their order.
    pub domains: Vec<String>,
}

/// Who is restarted when a member of a group fails; the words are OTP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartStrategy {
    /// The member that failed.
    OneForOne,
    /// It and those after it.
    RestForOne,
    /// All of them.
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
    /// Those before a member, which must be ready before it is started. None where each member
    /// stands for itself, and none for strangers.
    pub fn predecessors(&self, member: &str) -> &[String] {
        let place = self.domains.iter().position(|name| name == member);
        match self.strategy {
            RestartStrategy::OneForOne => &[],
            RestartStrategy::RestForOne | RestartStrategy::OneForAll => {
                &self.domains[..place.unwrap_or(0)]
            }
        }
    }
}
