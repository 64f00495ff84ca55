//! What may depend on what, the layers, the limits and the words: the rules of tidy as data.
//!
//! A new dependency is a decision; it gets a row here, with its reason. Names of dependencies are
//! those of the registry (`yaml_serde`, which the code calls `serde_yaml`).

/// What a product crate may depend on directly.
pub(super) struct Crate {
    pub(super) name: &'static str,
    /// Crates of the workspace.
    pub(super) siblings: &'static [&'static str],
    /// Name and reason.
    pub(super) allowed: &'static [(&'static str, &'static str)],
}

/// Begins the names of the product's crates.
pub(super) const LIBRARY_PREFIX: &str = "fulcrum-";

/// The crates that import none of each other.
const SIBLINGS: &[&str] = &[
    "fulcrum-config",
    "fulcrum-health",
    "fulcrum-logs",
    "fulcrum-rpc",
    "fulcrum-spawn",
    "fulcrum-telemetry",
    "fulcrum-watch",
];

/// The library that joins the siblings.
pub(super) const RUNTIME: &str = "fulcrum-runtime";

/// The program, which nothing imports.
pub(super) const TOP_CRATE: &str = "fulcrum-cli";

/// Members of the workspace that are not part of the product, and the product's crates that they
/// may use. They run the program as its users do.
pub(super) const TOOL_CRATES: [(&str, &[&str]); 3] = [
    // The table of settings, for docs/configuration.md; the levels of `xtask loggers`; the plan of a
    // start, for `xtask typescript`.
    (
        "xtask",
        &["fulcrum-config", "fulcrum-logs", "fulcrum-spawn"],
    ),
    ("fulcrum-e2e", &[]),
    // Runs single paths of the crates, to count what they execute.
    (
        "hot-paths",
        &[
            "fulcrum-logs",
            "fulcrum-rpc",
            "fulcrum-spawn",
            "fulcrum-watch",
        ],
    ),
];

/// For tests and examples of any product crate.
pub(super) const FOR_TESTS: [(&str, &str); 3] = [
    ("proptest", "property tests"),
    ("tempfile", "files for a test"),
    (
        "tokio",
        "paused time, and a runtime for a test or an example",
    ),
];

pub(super) const CRATES: &[Crate] = &[
    Crate {
        name: "fulcrum-config",
        siblings: &[],
        allowed: &[
            ("croner", "cron expressions of schedules"),
            ("figment", "layers"),
            ("globset", "runtime.domains"),
            ("jiff", "time zones of schedules"),
            ("regex", "env files, by the pattern of npm's dotenv"),
            ("serde", "typed sections"),
            ("serde-saphyr", "the strict parse, with places"),
            ("serde_json", "values of `config show`"),
            ("strsim", "the nearest known name"),
            ("thiserror", "errors"),
            ("yaml_serde", "writing YAML"),
        ],
    },
    Crate {
        name: "fulcrum-spawn",
        siblings: &[],
        allowed: &[
            ("futures-util", "feature inspect: the WebSocket as a stream"),
            ("globset", "workspace patterns"),
            (
                "json-strip-comments",
                "tsconfig.json, which may have comments",
            ),
            ("libc", "signal dispositions of a child"),
            ("nodejs-semver", "ranges in engines and .nvmrc"),
            (
                "oxc_resolver",
                "imports are resolved as Node does it, with TypeScript's extensions",
            ),
            ("rustc-hash", "sets of names, as swc has them"),
            ("rustix", "process groups, pidfds, signals"),
            ("serde", "manifests"),
            ("serde_json", "manifests, package.json"),
            ("sha2", "the cache's keys"),
            ("swc_atoms", "names in a syntax tree"),
            ("swc_common", "positions and errors in a file"),
            ("swc_ecma_ast", "the syntax tree of a file"),
            ("swc_ecma_codegen", "code of a transformed file"),
            ("swc_ecma_parser", "the parser of TypeScript and JavaScript"),
            (
                "swc_ecma_transforms_base",
                "scopes, names and helpers of transformed code",
            ),
            (
                "swc_ecma_transforms_module",
                "imports and exports in a CommonJS file",
            ),
            ("swc_ecma_transforms_proposal", "decorators and using"),
            ("swc_ecma_transforms_react", "JSX"),
            (
                "swc_ecma_transforms_typescript",
                "enums, namespaces and other code of TypeScript",
            ),
            ("swc_ecma_utils", "parts of syntax trees"),
            ("swc_ecma_visit", "the walk through a syntax tree"),
            ("swc_ts_fast_strip", "types are stripped as Node does it"),
            ("tempfile", "atomic writes"),
            ("tokio", "the driver"),
            (
                "tokio-tungstenite",
                "feature inspect: the client of Node's inspector",
            ),
            ("toml", "the Node version in mise.toml"),
            ("tracing", "log lines without a domain"),
        ],
    },
    Crate {
        name: "fulcrum-health",
        siblings: &[],
        allowed: &[
            ("hyper", "feature checks: the client of HTTP probes"),
            ("hyper-util", "feature checks: the client of HTTP probes"),
            ("sysinfo", "the sampler, in one module"),
            ("tokio", "feature checks: connections and time limits"),
        ],
    },
    Crate {
        name: "fulcrum-logs",
        siblings: &[],
        allowed: &[
            ("bytes", "lines without copies"),
            ("humantime", "times for people"),
            ("jiff", "local times of `logs --since`"),
            ("libc", "O_NOFOLLOW"),
            ("lz4_flex", "full files of the store"),
            ("memchr", "line ends"),
            ("opentelemetry-proto", "feature otlp: the messages of OTLP"),
            ("prost", "feature otlp: the messages of OTLP"),
            ("regex", "`logs --grep`"),
            ("serde", "lines for programs"),
            ("serde_json", "lines for programs"),
            ("tokio", "pumps and queues"),
            ("tokio-util", "feature otlp: cancellation"),
            ("tracing", "feature tracing: events of libraries"),
            ("tracing-subscriber", "feature tracing: events of libraries"),
            ("unicode-width", "columns"),
        ],
    },
    Crate {
        name: "fulcrum-rpc",
        siblings: &[],
        allowed: &[
            ("bytes", "frames"),
            ("flate2", "compressed messages of domains"),
            ("http", "metadata and limits"),
            ("http-body", "bodies of requests"),
            ("http-body-util", "bodies of responses to web callers"),
            ("hyper-util", "the Unix socket's connector"),
            ("prost", "messages"),
            ("prost-types", "well-known messages"),
            ("rustix", "lock, peer, socket"),
            ("serde", "payloads"),
            ("serde_json", "payloads"),
            ("sha2", "the runtime directory's name"),
            ("thiserror", "errors"),
            ("tokio", "sockets"),
            ("tokio-stream", "listeners as streams"),
            ("tokio-util", "cancellation"),
            ("tonic", "gRPC"),
            ("tonic-prost", "the codec of generated code"),
            ("tonic-reflection", "server reflection"),
            ("tonic-web", "calls by gRPC-Web"),
            ("tower", "services"),
            ("tracing", "log lines without a domain"),
            ("zstd", "compressed messages of domains"),
        ],
    },
    Crate {
        name: "fulcrum-tui",
        siblings: &["fulcrum-logs", "fulcrum-rpc"],
        allowed: &[
            (
                "ratatui",
                "cells, styles, and the difference between two frames",
            ),
            ("rustix", "modes of the terminal, the window's size"),
            ("serde_json", "JSON lines on several rows"),
            ("tokio", "the driver"),
            ("unicode-width", "columns"),
        ],
    },
    Crate {
        name: "fulcrum-scaffold",
        siblings: &[],
        allowed: &[("serde_json", "tests of files that are JSON")],
    },
    Crate {
        name: "fulcrum-telemetry",
        siblings: &[],
        allowed: &[
            (
                "axum",
                "the router of the HTTP listener, which tonic has anyway",
            ),
            ("base64", "signatures of notifications"),
            ("fastrand", "ids of traces"),
            ("flate2", "compressed requests of OTLP"),
            ("hmac", "signatures of notifications"),
            ("http-body", "answers of a collector, frame by frame"),
            ("hyper", "connections with time limits"),
            ("hyper-util", "the router as a service of hyper"),
            ("opentelemetry-proto", "the messages of OTLP"),
            ("prometheus-client", "metrics in OpenMetrics"),
            ("prost", "the messages of OTLP"),
            ("redb", "telemetry on disk: a file that survives a kill"),
            (
                "rustls-native-certs",
                "the certificates that the system trusts",
            ),
            ("serde", "bodies of health endpoints"),
            ("serde_json", "bodies of health endpoints"),
            ("sha2", "signatures of notifications"),
            ("thiserror", "errors"),
            ("tokio", "the listener"),
            ("tokio-rustls", "notifications and collectors over TLS"),
            ("tokio-stream", "a listener as a stream"),
            ("tokio-util", "cancellation"),
            ("tonic", "OTLP over gRPC"),
            ("tracing", "log lines without a domain"),
        ],
    },
    Crate {
        name: "fulcrum-watch",
        siblings: &[],
        allowed: &[
            ("ignore", "the rules of .gitignore"),
            ("notify", "the system's notifications"),
            ("rustix", "the type of a file system, in one module"),
            ("sha2", "is it another content"),
            ("thiserror", "errors"),
            ("tokio", "the queue to the reader"),
        ],
    },
    Crate {
        name: "fulcrum-doctor",
        siblings: &[
            "fulcrum-config",
            "fulcrum-logs",
            "fulcrum-rpc",
            "fulcrum-spawn",
            "fulcrum-watch",
        ],
        allowed: &[
            ("rustix", "limits, file systems, credentials"),
            ("serde", "reports for programs"),
            ("serde_json", "versions in package.json"),
        ],
    },
    Crate {
        name: RUNTIME,
        siblings: SIBLINGS,
        allowed: &[
            ("globset", "watched patterns"),
            ("humantime", "time limits in messages"),
            ("rustix", "credentials of this process, file times"),
            ("serde", "payloads of the control API"),
            ("serde_json", "effective settings and environments"),
            ("thiserror", "errors"),
            ("tokio", "tasks, channels, time"),
            ("tokio-stream", "answers of the control API as streams"),
            ("tokio-util", "cancellation"),
            ("tracing", "log lines without a domain"),
        ],
    },
    Crate {
        name: TOP_CRATE,
        siblings: &[
            "fulcrum-config",
            "fulcrum-doctor",
            "fulcrum-health",
            "fulcrum-logs",
            "fulcrum-rpc",
            "fulcrum-runtime",
            "fulcrum-scaffold",
            "fulcrum-spawn",
            "fulcrum-telemetry",
            "fulcrum-tui",
            "fulcrum-watch",
        ],
        allowed: &[
            (
                "annotate-snippets",
                "lines of files with carets below them, as rustc prints them",
            ),
            ("clap", "arguments"),
            ("clap_complete", "completions"),
            ("clap_mangen", "man pages"),
            ("humantime", "times for people"),
            ("indicatif", "the sign on a terminal that a command waits"),
            ("regex", "`logs --grep`"),
            ("rustix", "is it a terminal, who am I"),
            ("serde", "output for programs"),
            ("serde_json", "output for programs"),
            ("thiserror", "errors"),
            ("tokio", "the runtime"),
            ("tokio-stream", "answers as they come"),
            ("tokio-util", "cancellation"),
            ("tracing", "log lines without a domain"),
            (
                "tracing-subscriber",
                "feature of the layer that carries tracing events to the hub",
            ),
            ("unicode-width", "columns"),
            ("yaml_serde", "writing YAML"),
        ],
    },
];

/// Paths and macros that a crate's code must not use, tests aside.
pub(super) struct ForbiddenPaths {
    pub(super) name: &'static str,
    pub(super) paths: &'static [&'static str],
    pub(super) macros: &'static [&'static str],
    pub(super) hint: &'static str,
}

/// More of these, as texts, are in the table of `crates/README.md`.
pub(super) const FORBIDDEN_PATHS: &[ForbiddenPaths] = &[ForbiddenPaths {
    name: RUNTIME,
    paths: &[
        "clap",
        "clap_complete",
        "std::io::stdout",
        "tokio::io::stdout",
        "std::process::exit",
        "std::process::abort",
        "tokio::signal",
    ],
    macros: &["print", "println"],
    hint: "a library has no arguments, prints nothing and neither exits nor handles signals: \
           leave it to fulcrum-cli, and pass a value or a handle",
}];

/// Layers of the top-level modules, by crate: each imports only modules of layers before its own.
pub(super) const LAYERS: &[(&str, &[&[&str]])] = &[(
    RUNTIME,
    &[
        &["clock", "code", "format", "error", "options", "state"],
        &["traces"],
        &["events", "log_lines", "outcome"],
        &["shutdown"],
        &["exit"],
        &["process", "resources", "readiness", "liveness"],
        &["restart", "command"],
        &["standby", "hooks"],
        &["registration", "launch"],
        &["transitions", "reload", "schedule"],
        &["watch", "control"],
        &[
            "history",
            "notify",
            "parts",
            "startup",
            "telemetry",
            "typecheck",
        ],
        &["handle"],
        &["runtime"],
    ],
)];

/// An enum of error codes: a variant for each, with its number.
pub(super) struct CodeTable {
    pub(super) file: &'static str,
    /// The hundreds of its numbers.
    pub(super) areas: &'static [u16],
}

/// The tables of error codes. Each code has a page in `docs/errors`.
pub(super) const CODE_TABLES: &[CodeTable] = &[
    CodeTable {
        file: "crates/fulcrum-config/src/code.rs",
        areas: &[1],
    },
    CodeTable {
        file: "crates/fulcrum-spawn/src/code.rs",
        areas: &[2],
    },
    CodeTable {
        file: "crates/fulcrum-health/src/code.rs",
        areas: &[3],
    },
    CodeTable {
        file: "crates/fulcrum-runtime/src/code.rs",
        areas: &[4, 8],
    },
    CodeTable {
        file: "crates/fulcrum-rpc/src/code.rs",
        areas: &[6],
    },
    CodeTable {
        file: "crates/fulcrum-cli/src/error_code.rs",
        areas: &[1, 5, 6, 7, 9],
    },
];

/// Lines of a Rust file, those under `#[cfg(test)]` aside.
pub(super) const MAX_FILE_LINES: usize = 500;

/// The median of those lines stays below this.
pub(super) const MEDIAN_FILE_LINES: usize = 160;

/// Functions stay below this, counted from `fn` to the closing brace; tests aside.
pub(super) const MIN_OVERLONG_FUNCTION: usize = 80;

/// Files without those limits: a part of the path, from a `/` on, and the reason.
pub(super) const UNLIMITED_FILES: &[(&str, &str)] = &[
    ("/generated/", "written by `cargo xtask codegen`"),
    ("/tests/", "tests are read one at a time"),
    ("/tests.rs", "tests are read one at a time"),
];

/// The most lines of Rust below a directory, in-file tests included.
pub(super) struct SizeLimit {
    pub(super) directory: &'static str,
    pub(super) lines: usize,
    pub(super) hint: &'static str,
}

pub(super) const SIZE_LIMITS: &[SizeLimit] = &[
    SizeLimit {
        directory: "crates/fulcrum-cli/src",
        lines: 14_250,
        hint: "what is no argument, command, output or wiring goes to fulcrum-runtime or below",
    },
    SizeLimit {
        directory: "crates/fulcrum-cli/src/wiring",
        lines: 1_100,
        hint: "the wiring opens and joins parts; what they do goes to fulcrum-runtime or below",
    },
];

/// Where names and texts have none of the [`REPLACED_WORDS`].
pub(super) const NAMED_DIRECTORIES: [&str; 4] = ["crates/", "xtask/", "tests/", "sdk/node/src/"];

/// Words for which there are standard terms. Put together here, so that this file has none of them.
pub(super) const REPLACED_WORDS: [&str; 17] = [
    concat!("ho", "use"),
    concat!("de", "sk"),
    concat!("obit", "uary"),
    concat!("cor", "oner"),
    concat!("narr", "ator"),
    concat!("gatek", "eeper"),
    concat!("repr", "ieve"),
    concat!("insist", "ence"),
    concat!("fare", "well"),
    concat!("left", "overs"),
    concat!("ag", "enda"),
    concat!("kee", "per"),
    concat!("ros", "ter"),
    concat!("gue", "sts"),
    concat!("compl", "aints"),
    concat!("unser", "ved"),
    concat!("vit", "als"),
];

/// Verbs that no function's name begins with.
pub(super) const REPLACED_FUNCTION_NAMES: [&str; 5] = ["tell", "heed", "hear", "told", "said"];
