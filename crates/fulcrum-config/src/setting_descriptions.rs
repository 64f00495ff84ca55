//! What each setting means, in Markdown: the texts of the reference.

/// Path and meaning of each setting; a test compares it with the schema.
pub(crate) const DESCRIPTIONS: &[(&str, &str)] = &[
    (
        "runtime.domains",
        "Directories that are domains: globs and paths, relative to the app's directory.",
    ),
    ("runtime.grpc", "The interface at which domains register."),
    (
        "runtime.grpc.listen",
        "Loopback address to listen on; port 0 lets the system choose one. In `dev`, another port is used if the default one is in use; an address that is set is used as it is.",
    ),
    (
        "runtime.grpc.registration",
        "`token`: only processes with a token of this instance may register. `open`: others may, too. The default is `open` in `dev` and `token` in `serve`.",
    ),
    (
        "runtime.grpc.call_timeout",
        "Maximum time for the response to a call whose caller sets no deadline. A caller's own deadline (`grpc-timeout`) takes precedence.",
    ),
    (
        "runtime.grpc.call_queue",
        "Maximum size of the calls that wait in memory for one domain, because it is busy, starting or restarting. Beyond it, callers are held back by flow control until there is room or their deadline passes; beyond 10,000 calls, a call fails with `OVERLOADED`.",
    ),
    (
        "runtime.grpc.max_message",
        "Maximum size of a message, from 64 KiB to 64 MiB. A larger one fails only its own call. Domains whose client lacks the capability `large_messages` receive at most 4 MiB.",
    ),
    (
        "runtime.grpc.web_origins",
        "Origins of pages that may call domains from a browser, such as `https://example.com:8443`. `loopback` stands for pages of this machine, at any port of `localhost` or of a loopback address.",
    ),
    (
        "runtime.grpc.tls",
        "Certificates to serve with. Not supported in this version: setting it is an error.",
    ),
    (
        "runtime.grpc.tls.cert",
        "PEM file with the certificate chain.",
    ),
    ("runtime.grpc.tls.key", "PEM file with the private key."),
    (
        "runtime.grpc.tls.client_ca",
        "PEM file with the authority of client certificates; with it, clients must present one.",
    ),
    (
        "runtime.http",
        "The interface for other programs: metrics and health endpoints (docs/observability.md).",
    ),
    (
        "runtime.http.listen",
        "Loopback address of `/metrics`, `/livez` and `/readyz`; port 0 lets the system choose one. The default is `127.0.0.1:50080` in `dev`, where another port is used if that one is in use, and `off` in `serve`.",
    ),
    (
        "runtime.defaults",
        "Settings for every domain: all keys of `process`, which a domain's file overrides.",
    ),
    ("runtime.logs", "Log output, storage and export."),
    (
        "runtime.logs.level",
        "Value of `FULCRUM_LOG_LEVEL` in the environment of domains.",
    ),
    (
        "runtime.logs.format",
        "Format of log lines on standard output. `auto` is text on a terminal and depends on the mode elsewhere.",
    ),
    (
        "runtime.logs.store",
        "Log files in `.fulcrum/logs` of the app's directory.",
    ),
    ("runtime.logs.store.enabled", "Store log lines on disk."),
    (
        "runtime.logs.store.file_size",
        "Size at which a new file is started.",
    ),
    (
        "runtime.logs.store.files",
        "Maximum number of files for each domain.",
    ),
    (
        "runtime.logs.store.max_age",
        "Maximum age of a file's newest line; older files are removed.",
    ),
    (
        "runtime.logs.store.total_size",
        "Maximum size of all files of all domains.",
    ),
    ("runtime.logs.store.compress", "Compress full files."),
    ("runtime.logs.forward", "Export of log lines over OTLP."),
    (
        "runtime.logs.forward.otlp",
        "OTLP receiver: gRPC, with TLS for `https`.",
    ),
    (
        "runtime.logs.forward.collector",
        "Export to the collector of `runtime.telemetry.export`, or of the environment (`OTEL_EXPORTER_OTLP_…`), instead of a receiver of its own.",
    ),
    (
        "runtime.logs.forward.headers",
        "Headers of each request, such as credentials. Values are not printed.",
    ),
    (
        "runtime.logs.forward.level",
        "Lowest level to export; lines without a known level are left out then. Without it, all lines are exported.",
    ),
    (
        "runtime.notify",
        "Webhooks that are told what went wrong. `on` is a list of `failed`, `hung`, `memory` and `crash_loop`; all by default. `format` is `json`, the default, or `slack`. With a `secret`, bodies are signed (docs/observability.md).",
    ),
    (
        "runtime.telemetry",
        "Traces of calls and starts, and the telemetry of domains (docs/tracing.md).",
    ),
    (
        "runtime.telemetry.receive",
        "Receive OTLP from domains on a loopback port, and keep it in memory for `fulcrum traces` and `fulcrum metrics`. The default is `true` in `dev` and `false` in `serve`.",
    ),
    (
        "runtime.telemetry.memory",
        "Memory for what is received; the oldest spans make room.",
    ),
    (
        "runtime.telemetry.store",
        "With `disk`, what is in memory is also in `.fulcrum/telemetry.redb`, within the same size, and the next instance begins with it.",
    ),
    (
        "runtime.telemetry.sampling",
        "Part of the traces that begin here and are recorded. Other traces are recorded if their caller records them. The default is `OTEL_TRACES_SAMPLER` of the environment, else 1.",
    ),
    (
        "runtime.telemetry.export",
        "A collector that gets everything. The default is what the environment says (`OTEL_EXPORTER_OTLP_…`), else none.",
    ),
    (
        "runtime.telemetry.export.otlp",
        "Its address, without `/v1/…`.",
    ),
    (
        "runtime.telemetry.export.protocol",
        "The default is `grpc` for port 4317, else `http/protobuf`.",
    ),
    (
        "runtime.telemetry.export.headers",
        "Headers of each request, such as credentials. Values are not printed.",
    ),
    ("runtime.telemetry.export.compression", "Compression of it."),
    (
        "runtime.telemetry.export.certificate",
        "PEM file with the authorities to trust instead of those of this machine.",
    ),
    (
        "runtime.watch",
        "Reload on changed files. The default is `true` in `dev` and `false` in `serve`.",
    ),
    (
        "runtime.watch.enabled",
        "Watch files and reload the domains that they belong to.",
    ),
    (
        "runtime.watch.poll",
        "Interval at which files are polled instead of using notifications of the system.",
    ),
    (
        "runtime.watch.ignore",
        "Globs, relative to the app's directory, that are never watched.",
    ),
    (
        "runtime.standby",
        "Maximum number of standby processes of the instance: booted processes that take over at a restart. The default is 1 in `dev` and `off` in `serve`.",
    ),
    (
        "runtime.env_override",
        "Whether variables of `process.env_file` replace those of the environment that Fulcrum was started with. `process.env` always does.",
    ),
    (
        "runtime.typecheck",
        "Check types in `dev` with the app's own `tsc` in the background; errors are log lines of the domains, and no start waits for them.",
    ),
    (
        "runtime.cache_size",
        "Maximum size of the cache of compiled TypeScript, which all apps of a user share. When an instance starts, files that were not used for longest are removed until the rest fits.",
    ),
    (
        "runtime.terminal",
        "What `dev` does on a terminal besides printing lines.",
    ),
    (
        "runtime.terminal.keys",
        "Take single keys: `r` restarts, `/` searches, `?` lists them all.",
    ),
    (
        "runtime.terminal.title",
        "Show the state of the app in the window's title.",
    ),
    (
        "runtime.terminal.notify",
        "How the failure of a domain is told while the terminal has no focus: `bell`, or a notification by the sequence OSC 9 or OSC 777. A terminal that does not report its focus always tells.",
    ),
    (
        "runtime.groups",
        "Supervision groups: domains that are restarted together.",
    ),
    (
        "runtime.groups.NAME.strategy",
        "Which members are restarted when one fails: that one, it and those after it, or all.",
    ),
    (
        "runtime.groups.NAME.domains",
        "Members, in their order of start.",
    ),
    (
        "process.entry",
        "File that Node runs, relative to the domain's directory. Detected by default.",
    ),
    (
        "process.command",
        "Program and arguments to run instead of Node with the entry point.",
    ),
    (
        "process.runtime",
        "Program that runs the entry point. The default is `node`.",
    ),
    (
        "process.node",
        "Executable of Node, or of `process.runtime`: an absolute path, or a name to look up in `PATH`.",
    ),
    (
        "process.node_args",
        "Arguments of Node itself, or of `process.runtime`.",
    ),
    ("process.args", "Arguments of the program."),
    (
        "process.cwd",
        "Working directory. The default is the domain's directory.",
    ),
    (
        "process.env",
        "Environment variables. `${NAME}` and its forms are expanded. They override those of `env_file`.",
    ),
    (
        "process.env_file",
        "Files of environment variables; later ones override earlier ones. They are read again at each start, as npm's `dotenv` reads them. One that is `{path: …, required: false}` may be missing.",
    ),
    (
        "process.depends_on",
        "Domains that must fulfill a condition before this one is started: `ready` by default, \
         `completed` for a job. Compose's words are understood.",
    ),
    (
        "process.kind",
        "A `service` runs until it is stopped. A `job` runs until it is done, once per start of the \
         instance. A domain with `restart: never` whose dependents wait for `completed` is a job.",
    ),
    (
        "process.restart",
        "When and how often the process is restarted.",
    ),
    (
        "process.restart.policy",
        "Restart after every exit, after failures only, or never.",
    ),
    (
        "process.restart.success_exit_codes",
        "Exit codes that are not failures.",
    ),
    ("process.restart.backoff", "Delays between restarts."),
    ("process.restart.backoff.initial", "First delay."),
    (
        "process.restart.backoff.max",
        "Longest delay; at least `initial`.",
    ),
    (
        "process.restart.backoff.factor",
        "Factor from one delay to the next.",
    ),
    ("process.restart.backoff.jitter", "Random share of a delay."),
    (
        "process.restart.stable_after",
        "Running time after which earlier failures are forgotten.",
    ),
    (
        "process.restart.budget",
        "Maximum number of restarts within `window`; more are a crash loop, and the domain fails.",
    ),
    (
        "process.restart.window",
        "Time over which restarts are counted.",
    ),
    (
        "process.start_timeout",
        "Maximum time from spawn to registration or readiness.",
    ),
    (
        "process.timeout",
        "Maximum time of a run of a job; without one, a run may take any time.",
    ),
    (
        "process.schedule",
        "When a job runs by itself; it does not run at the start of the instance then. A domain with \
         a schedule is a job.",
    ),
    (
        "process.schedule.cron",
        "`MINUTE HOUR DAY MONTH WEEKDAY`, optionally with a field for seconds before them.",
    ),
    (
        "process.schedule.timezone",
        "Time zone of the expression; that of the system by default.",
    ),
    (
        "process.schedule.overlap",
        "What happens when a run is due while the one before still runs: `skip` it (default), `queue` \
         it, or `kill` the one before: it is stopped, and the new one starts.",
    ),
    (
        "process.schedule.jitter",
        "Each run is delayed by a random time up to this; 0 by default.",
    ),
    (
        "process.schedule.missed",
        "What happens with runs that were due while the machine slept or Fulcrum was suspended: \
         `skip` them (default), or `run` once.",
    ),
    (
        "process.hooks",
        "Commands that run at moments of the process's life, with its environment and directory.",
    ),
    (
        "process.hooks.before_start",
        "Command before each start. If it fails, so does the start.",
    ),
    (
        "process.hooks.after_ready",
        "Command when the process has become ready.",
    ),
    (
        "process.hooks.on_failure",
        "Command when the process has failed, with `FULCRUM_EXIT_CODE` and `FULCRUM_REASON`.",
    ),
    (
        "process.hooks.after_exit",
        "Command when the process and its tree are gone, with `FULCRUM_EXIT_CODE` and \
         `FULCRUM_REASON`.",
    ),
    (
        "process.hooks.timeout",
        "Maximum time of each hook. One that takes longer is killed and has failed.",
    ),
    (
        "process.ready",
        "Readiness: when the domain accepts requests. `started` is the default with \
         `process.command`.",
    ),
    (
        "process.alive",
        "Liveness: a process whose probe fails is restarted.",
    ),
    ("process.heartbeat", "Heartbeats of clients that send them."),
    ("process.heartbeat.interval", "Interval of heartbeats."),
    (
        "process.heartbeat.misses",
        "Number of missed heartbeats after which the process is unresponsive and restarted.",
    ),
    ("process.stop", "How the process is stopped."),
    ("process.stop.signal", "Signal that requests a stop."),
    ("process.stop.grace", "Time from that signal to SIGKILL."),
    (
        "process.stop.to",
        "Who gets that signal first: `leader` (the rest of its tree follows when it has exited, or after half of the grace) or `tree` (all processes at once).",
    ),
    ("process.limits", "Resource limits."),
    (
        "process.limits.memory",
        "Memory that ending the process tree would free: shared pages count once, mapped files do not. A domain that exceeds it is restarted.",
    ),
    ("process.limits.cpu", "Processors; `0.5` is half of one."),
    (
        "process.replicas",
        "Number of processes. Not supported in this version: more than 1 is ignored, with a warning.",
    ),
    (
        "process.port",
        "Port in the variable `PORT` of the process, and in `FULCRUM_PORT_NAME` of the others; `auto` chooses a free one, which stays the same as long as the instance runs.",
    ),
    ("process.watch", "Files whose changes reload the domain."),
    (
        "process.watch.paths",
        "Watched globs and paths, relative to the domain's directory. What is named here is always code.",
    ),
    (
        "process.watch.ignore",
        "Globs, relative to the domain's directory, that are not watched.",
    ),
    (
        "process.install",
        "Install missing packages before a start.",
    ),
    (
        "process.autostart",
        "Start the domain with the instance. With `false` it is started by `domains start`, by \
         `--only`, or because a domain that is started depends on it.",
    ),
    (
        "process.tty",
        "Make standard output and standard error a pseudo-terminal, for a program that writes in \
         blocks or without colors to a pipe. Both are one stream, `stdout`.",
    ),
    (
        "process.user",
        "System user of the process. Not supported in this version: it is rejected.",
    ),
];
