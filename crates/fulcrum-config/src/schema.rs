//! The table of all settings with their kinds.

/// One key of a section.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// The kind of a key's value.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A map with these keys.
    Section(&'static [Key]),
    /// A map with these keys, or the value of the named key alone.
    Shorthand(&'static str, &'static [Key]),
    /// A map of arbitrary names to sections.
    MapOf(&'static [Key]),
    /// A map of environment variables to texts.
    EnvMap,
    /// A map of headers to texts.
    HeaderMap,
    /// A list of domains, or a map of domains to conditions.
    Dependencies,
    /// A single setting.
    Value(Type),
}

/// The type of a single setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Type {
    /// A text that is not empty.
    String,
    /// `true` or `false`.
    Bool,
    /// A duration; `zero` allows a duration of 0.
    Duration { zero: bool },
    /// A number of bytes, more than 0.
    Size,
    /// A whole number in a range.
    Integer { min: i64, max: i64 },
    /// A number in a range.
    Float { min: f64, max: f64 },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A signal that stops a process.
    Signal,
    /// A list of texts. `one` allows a single text, `some` rejects an empty list.
    StringList { one: bool, some: bool },
    /// A path or a list of paths, each alone or `{path, required}`.
    EnvFiles,
    /// A list of exit codes.
    ExitCodes,
    /// A probe; `log` allows a check of log lines.
    Probe { log: bool },
    /// `HOST:PORT` to listen on.
    Listen,
    /// `off`, or `HOST:PORT` to listen on.
    OptionalListen,
    /// A list of webhooks.
    Webhooks,
    /// `http://HOST:PORT` to export log lines to.
    OtlpEndpoint,
    /// `http(s)://HOST:PORT` of an OTLP collector, perhaps with a path.
    OtlpTarget,
    /// `auto` or a port.
    Port,
    /// `off` or a number.
    Standby,
    /// A cron expression.
    Cron,
    /// The name of a time zone.
    TimeZone,
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

const fn value(name: &'static str, kind: Type) -> Key {
    key(name, Kind::Value(kind))
}

const TEXTS: Type = Type::StringList {
    one: false,
    some: false,
};
const GLOBS: Type = Type::StringList {
    one: true,
    some: false,
};
const POSITIVE: Type = Type::Duration { zero: false };
const ANY_TIME: Type = Type::Duration { zero: true };
const COUNT: Type = Type::Integer {
    min: 1,
    max: 1_000_000,
};
const COUNT_OF_FILES: Type = Type::Integer {
    min: 2,
    max: 100_000,
};

/// `runtime:` in the app's file.
pub(crate) static RUNTIME: &[Key] = &[
    value(
        "domains",
        Type::StringList {
            one: true,
            some: true,
        },
    ),
    key("grpc", Kind::Section(GRPC)),
    key("http", Kind::Shorthand("listen", HTTP)),
    key("defaults", Kind::Section(PROCESS)),
    key("logs", Kind::Section(LOGS)),
    value("notify", Type::Webhooks),
    key("telemetry", Kind::Shorthand("receive", TELEMETRY)),
    key("watch", Kind::Shorthand("enabled", WATCH_ALL)),
    value("standby", Type::Standby),
    value("env_override", Type::Bool),
    value("typecheck", Type::Bool),
    value("cache_size", Type::Size),
    key("terminal", Kind::Section(TERMINAL)),
    key("groups", Kind::MapOf(GROUP)),
];

/// `runtime.terminal`.
static TERMINAL: &[Key] = &[
    value("keys", Type::Bool),
    value("title", Type::Bool),
    value("notify", Type::OneOf(&["off", "bell", "osc9", "osc777"])),
];

/// `process:` in a domain's file, and `runtime.defaults` in the app's.
pub(crate) static PROCESS: &[Key] = &[
    value("entry", Type::String),
    value(
        "command",
        Type::StringList {
            one: false,
            some: true,
        },
    ),
    value("runtime", Type::OneOf(&["node", "bun", "deno"])),
    value("kind", Type::OneOf(&["service", "job"])),
    value("node", Type::String),
    value("node_args", TEXTS),
    value("args", TEXTS),
    value("cwd", Type::String),
    key("env", Kind::EnvMap),
    value("env_file", Type::EnvFiles),
    key("depends_on", Kind::Dependencies),
    key("restart", Kind::Shorthand("policy", RESTART)),
    value("start_timeout", POSITIVE),
    value("timeout", POSITIVE),
    key("schedule", Kind::Shorthand("cron", SCHEDULE)),
    key("hooks", Kind::Section(HOOKS)),
    value("ready", Type::Probe { log: true }),
    value("alive", Type::Probe { log: false }),
    key("heartbeat", Kind::Section(HEARTBEAT)),
    key("stop", Kind::Section(STOP)),
    key("limits", Kind::Section(LIMITS)),
    value("replicas", Type::Integer { min: 1, max: 1_000 }),
    value("port", Type::Port),
    key("watch", Kind::Section(WATCH)),
    value("install", Type::Bool),
    value("autostart", Type::Bool),
    value("tty", Type::Bool),
    value("user", Type::String),
];

static GRPC: &[Key] = &[
    value("listen", Type::Listen),
    value("registration", Type::OneOf(&["token", "open"])),
    value("call_timeout", POSITIVE),
    value("call_queue", Type::Size),
    value("max_message", Type::Size),
    value("web_origins", GLOBS),
    key("tls", Kind::Section(TLS)),
];

static HTTP: &[Key] = &[value("listen", Type::OptionalListen)];

static TELEMETRY: &[Key] = &[
    value("receive", Type::Bool),
    value("memory", Type::Size),
    value("sampling", Type::Float { min: 0.0, max: 1.0 }),
    key("export", Kind::Section(EXPORT)),
];

static EXPORT: &[Key] = &[
    value("otlp", Type::OtlpTarget),
    value("protocol", Type::OneOf(&["grpc", "http/protobuf"])),
    key("headers", Kind::HeaderMap),
    value("compression", Type::OneOf(&["none", "gzip"])),
    value("certificate", Type::String),
];

static TLS: &[Key] = &[
    value("cert", Type::String),
    value("key", Type::String),
    value("client_ca", Type::String),
];

static LOGS: &[Key] = &[
    value(
        "level",
        Type::OneOf(&["trace", "debug", "info", "warn", "error"]),
    ),
    value("format", Type::OneOf(&["auto", "text", "json"])),
    key("store", Kind::Shorthand("enabled", STORE)),
    key("forward", Kind::Section(FORWARD)),
];

static STORE: &[Key] = &[
    value("enabled", Type::Bool),
    value("file_size", Type::Size),
    value("files", COUNT_OF_FILES),
    value("max_age", POSITIVE),
    value("total_size", Type::Size),
    value("compress", Type::Bool),
];

static FORWARD: &[Key] = &[
    value("otlp", Type::OtlpEndpoint),
    value("collector", Type::Bool),
    key("headers", Kind::HeaderMap),
    value(
        "level",
        Type::OneOf(&["trace", "debug", "info", "warn", "error", "fatal"]),
    ),
];

static WATCH_ALL: &[Key] = &[
    value("enabled", Type::Bool),
    value("poll", POSITIVE),
    value("ignore", GLOBS),
];

static GROUP: &[Key] = &[
    value(
        "strategy",
        Type::OneOf(&["one_for_one", "rest_for_one", "one_for_all"]),
    ),
    value(
        "domains",
        Type::StringList {
            one: false,
            some: true,
        },
    ),
];

static RESTART: &[Key] = &[
    value("policy", Type::OneOf(&["always", "on-failure", "never"])),
    value("success_exit_codes", Type::ExitCodes),
    key("backoff", Kind::Section(BACKOFF)),
    value("stable_after", ANY_TIME),
    value("budget", COUNT),
    value("window", POSITIVE),
];

static BACKOFF: &[Key] = &[
    value("initial", POSITIVE),
    value("max", POSITIVE),
    value(
        "factor",
        Type::Float {
            min: 1.0,
            max: 100.0,
        },
    ),
    value("jitter", Type::Float { min: 0.0, max: 1.0 }),
];

static SCHEDULE: &[Key] = &[
    value("cron", Type::Cron),
    value("timezone", Type::TimeZone),
    value("overlap", Type::OneOf(&["skip", "queue", "kill"])),
    value("jitter", ANY_TIME),
    value("missed", Type::OneOf(&["skip", "run"])),
];

const COMMAND: Type = Type::StringList {
    one: false,
    some: true,
};

static HOOKS: &[Key] = &[
    value("before_start", COMMAND),
    value("after_ready", COMMAND),
    value("on_failure", COMMAND),
    value("after_exit", COMMAND),
    value("timeout", POSITIVE),
];

static HEARTBEAT: &[Key] = &[value("interval", POSITIVE), value("misses", COUNT)];

static STOP: &[Key] = &[
    value("signal", Type::Signal),
    value("grace", ANY_TIME),
    value("to", Type::OneOf(&["leader", "tree"])),
];

static LIMITS: &[Key] = &[
    value("memory", Type::Size),
    value(
        "cpu",
        Type::Float {
            min: 0.01,
            max: 4_096.0,
        },
    ),
];

static WATCH: &[Key] = &[value("paths", GLOBS), value("ignore", GLOBS)];

/// The key of a dependency that is a map.
pub(crate) static DEPENDENCY: &[Key] = &[value(
    "condition",
    Type::OneOf(&[
        "ready",
        "started",
        "completed",
        "exited",
        "service_healthy",
        "service_started",
        "service_completed_successfully",
    ]),
)];

/// The names of a section's keys.
pub(crate) fn names(keys: &'static [Key]) -> impl Iterator<Item = &'static str> {
    keys.iter().map(|key| key.name)
}

/// The path, relative to `keys`, of a key of that name in a nested section.
pub(crate) fn find_nested_key(keys: &'static [Key], name: &str) -> Option<String> {
    keys.iter().find_map(|key| match key.kind {
        Kind::Section(below) | Kind::Shorthand(_, below) => below
            .iter()
            .find(|inner| inner.name == name)
            .map(|inner| format!("{}.{}", key.name, inner.name))
            .or_else(|| find_nested_key(below, name).map(|rest| format!("{}.{rest}", key.name))),
        Kind::MapOf(_) | Kind::EnvMap | Kind::HeaderMap | Kind::Dependencies | Kind::Value(_) => {
            None
        }
    })
}
