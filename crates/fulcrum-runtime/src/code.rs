//! The codes of what the runtime reports about domains, reloads and watched files.

use std::fmt;

/// What a warning or an error in the log is about. Its `Display` is the stable code that is printed with
/// it, such as `FUL0401`; the numbers are never reused, and `docs/errors` has an explanation of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Code {
    /// A domain that was ready is not.
    NotReady = 401,
    /// A domain is started again after a failure.
    Restarting = 402,
    /// A domain failed permanently.
    FailedPermanently = 403,
    /// Processes survived SIGKILL.
    Stuck = 404,
    /// A process ended by itself, without an error.
    Ended = 405,
    /// Fulcrum stops a domain that is not healthy.
    Unhealthy = 406,
    /// A start takes longer than usual.
    LateReady = 407,
    /// Another process answers a probe.
    Stranger = 408,
    /// A limit is not enforced by the kernel.
    LimitNotEnforced = 409,
    /// A process left its domain.
    Untracked = 410,
    /// A hook failed.
    HookFailed = 411,
    /// A scheduled run was left out, or ended the one before.
    RunLeftOut = 412,
    /// Heartbeats are late or missing.
    LateHeartbeat = 413,
    /// Changed settings cannot be read before a start.
    SettingsUnreadable = 414,
    /// Packages are installed, but something is wrong with them.
    InstallWarning = 415,
    /// Not all domains became ready.
    NotAllReady = 416,
    /// It cannot be seen whether a domain has exited.
    UnknownMembers = 417,
    /// A process that Fulcrum did not start has registered.
    Unmanaged = 420,
    /// A registration was rejected.
    RegistrationRejected = 421,
    /// A webhook could not be delivered.
    WebhookFailed = 422,
    /// Lines cannot be exported, since there is no collector.
    NoCollector = 423,
    /// Files cannot be watched.
    CannotWatch = 801,
    /// The file system does not report changes.
    NoNotifications = 802,
    /// New code was not loaded, since it cannot run.
    ReloadRejected = 803,
    /// A reload did not take place or failed.
    NotReloaded = 804,
    /// A domain changes a file at each start.
    ReloadLoop = 805,
    /// A changed configuration is invalid.
    ConfigRejected = 806,
    /// A change needs another instance.
    RestartRequired = 807,
    /// A setting is not supported.
    NotSupported = 810,
    /// A type error.
    TypeError = 808,
    /// Types cannot be checked.
    NoTypeCheck = 809,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FUL{:04}", *self as u16)
    }
}
