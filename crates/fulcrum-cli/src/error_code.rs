//! The codes of the command's own errors, and their exit codes.

use std::fmt;

use crate::exit_code::Code;

/// Why a command failed. Its `Display` is the stable code that is printed with it, such as `FUL0501`;
/// the numbers are never reused, and `docs/errors` has an explanation of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum ErrorCode {
    /// The configuration has errors, which were printed.
    InvalidConfiguration = 100,
    /// The configuration of another tool could not be evaluated.
    ImportFailed = 185,
    /// A file to be written exists already.
    FileExists = 186,
    /// A handler cannot be inserted into the code of a domain.
    CannotInsert = 187,
    /// A new app or domain has a name that is not possible.
    BadName = 188,
    /// Node cannot be run for `fulcrum node`.
    NodeFailed = 189,
    /// The app has no running instance.
    NotRunning = 501,
    /// The app has a running instance already.
    AlreadyRunning = 502,
    /// The instance speaks another version of the control protocol.
    VersionMismatch = 503,
    /// The instance belongs to another user.
    OtherUser = 504,
    /// The instance exists and does not respond.
    Unresponsive = 505,
    /// The connection to the instance failed.
    ConnectionFailed = 506,
    /// The connection ended before the outcome of a request was known.
    ConnectionLost = 507,
    /// The directory with lock and socket cannot be used.
    RuntimeDirectory = 508,
    /// A process of an instance without its lock is alive.
    StaleInstance = 509,
    /// The address where domains register cannot be used.
    PortUnavailable = 510,
    /// A process survived SIGKILL.
    SurvivedKill = 511,
    /// Another instance was started meanwhile.
    StartedMeanwhile = 512,
    /// A new background instance did not answer in time.
    NotAnswering = 513,
    /// A new background instance exited.
    InstanceExited = 514,
    /// A shutdown took longer than the time limit.
    StillStopping = 515,
    /// No instance came to be within the time limit.
    NoInstanceInTime = 516,
    /// A background instance could not be started.
    CannotStart = 517,
    /// The address of metrics and health endpoints cannot be used.
    HttpPortUnavailable = 518,
    /// `dev` took another port than the default one.
    PortMoved = 528,
    /// The cache is not in its usual place.
    CacheMoved = 519,
    /// A request failed, for the reason in its text.
    RequestFailed = 520,
    /// No domain has that name.
    UnknownDomain = 521,
    /// A pattern matches several domains where one is meant.
    SeveralDomains = 522,
    /// A request that the instance rejects.
    InvalidRequest = 523,
    /// Domains did not come to be as requested within the time limit.
    NotInTime = 524,
    /// A domain failed permanently.
    DomainFailed = 525,
    /// A program of `run` or `test` could not be run, or has failed.
    ProgramFailed = 530,
    /// Processes are killed, as was asked for.
    ForcedShutdown = 526,
    /// A server of the instance ended.
    ServerFailed = 527,
    /// Telemetry is not collected or not exported as it was meant.
    TelemetryProblem = 529,
    /// A call was answered with a failure.
    CallFailed = 601,
    /// Some of many calls failed.
    CallsFailed = 602,
    /// The payload of a call is not JSON or cannot be read.
    BadPayload = 603,
    /// The message types of a domain are not known.
    UnknownTypes = 604,
    /// An expression has thrown.
    ExpressionFailed = 605,
    /// The log store cannot be read.
    StoreUnreadable = 701,
    /// Lines cannot be stored.
    StoreUnwritable = 703,
    /// A time range that can contain nothing.
    EmptyTimeRange = 702,
    /// The command line is invalid.
    Usage = 901,
    /// The working directory cannot be used.
    WorkingDirectory = 902,
    /// The output cannot be written.
    OutputFailed = 903,
    /// The system gives too few threads, files or signal handlers.
    SystemLimits = 904,
    /// `fulcrum explain` knows no such code.
    UnknownCode = 905,
    /// A file cannot be read or written.
    FileFailed = 906,
    /// What needs a terminal has none.
    NoTerminal = 907,
    /// `fulcrum doctor` has found something that does not work.
    ChecksFailed = 920,
    /// A defect of Fulcrum.
    Internal = 999,
}

impl ErrorCode {
    /// The exit code of a command that fails with it.
    pub(crate) fn exit(self) -> Code {
        match self {
            Self::InvalidConfiguration | Self::ImportFailed => Code::ConfigInvalid,
            Self::NotRunning => Code::NotRunning,
            Self::VersionMismatch => Code::VersionMismatch,
            Self::UnknownDomain => Code::UnknownDomain,
            Self::NotAnswering | Self::StillStopping | Self::NoInstanceInTime | Self::NotInTime => {
                Code::TimedOut
            }
            Self::DomainFailed => Code::DomainFailed,
            Self::Usage
            | Self::SeveralDomains
            | Self::InvalidRequest
            | Self::BadPayload
            | Self::EmptyTimeRange
            | Self::BadName => Code::Usage,
            Self::Internal => Code::Internal,
            _ => Code::Failed,
        }
    }

    /// The code of a failure whose text has none, by the exit code that the instance sent.
    pub(crate) fn of_exit(code: Code) -> Self {
        match code {
            Code::NotRunning => Self::NotRunning,
            Code::UnknownDomain => Self::UnknownDomain,
            Code::ConfigInvalid => Self::InvalidConfiguration,
            Code::VersionMismatch => Self::VersionMismatch,
            Code::DomainFailed => Self::DomainFailed,
            Code::TimedOut => Self::NotInTime,
            Code::Usage => Self::InvalidRequest,
            Code::Internal => Self::Internal,
            Code::Done | Code::Failed | Code::Interrupted => Self::RequestFailed,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FUL{:04}", *self as u16)
    }
}
