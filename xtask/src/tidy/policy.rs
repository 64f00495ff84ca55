//! Who may depend on what, and why: the table of crates as data.
//!
//! A new dependency is a decision; it gets a row here, with its reason. Names are those of
//! the registry (`yaml_serde`, which the code calls `serde_yaml`).

/// What a product crate may depend on directly.
pub(super) struct Crate {
    pub(super) name: &'static str,
    /// Name and reason.
    pub(super) may_use: &'static [(&'static str, &'static str)],
}

/// Crates whose names begin so are siblings: none depends on another.
pub(super) const LIBRARY_PREFIX: &str = "fulcrum-";

/// The siblings' only parent.
pub(super) const PARENT: &str = "fulcrum-cli";

/// Members of the workspace that aren't part of the product. They know none of its crates,
/// but drive the program from outside, as its users do.
pub(super) const OUTSIDERS: [&str; 2] = ["xtask", "fulcrum-e2e"];

/// For tests of any product crate.
pub(super) const FOR_TESTS: [(&str, &str); 3] = [
    ("proptest", "property tests"),
    ("tempfile", "files for a test"),
    ("tokio", "paused time, and a runtime for a test"),
];

pub(super) const CRATES: [Crate; 7] = [
    Crate {
        name: "fulcrum-config",
        may_use: &[
            ("figment", "layers"),
            ("globset", "runtime.domains"),
            ("schemars", "the schema of the files"),
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
        may_use: &[
            ("libc", "signal dispositions of a child"),
            ("nodejs-semver", "ranges in engines and .nvmrc"),
            ("rustix", "process groups, pidfds, signals"),
            ("serde", "manifests"),
            ("serde_json", "manifests, package.json"),
            ("sha2", "the cache's keys"),
            ("swc_common", "the stripper's positions and errors"),
            ("swc_ecma_ast", "imports of a file"),
            ("swc_ecma_parser", "imports of a file"),
            ("swc_ecma_visit", "imports of a file"),
            ("swc_ts_fast_strip", "types are stripped as Node does it"),
            ("tokio", "the driver"),
            ("tracing", "its own words"),
        ],
    },
    Crate {
        name: "fulcrum-health",
        may_use: &[("sysinfo", "the sampler, in one module")],
    },
    Crate {
        name: "fulcrum-logs",
        may_use: &[
            ("bytes", "lines without copies"),
            ("humantime", "times for people"),
            ("libc", "O_NOFOLLOW"),
            ("lz4_flex", "full files of the store"),
            ("memchr", "line ends"),
            ("regex", "`logs --grep`"),
            ("serde_json", "lines for programs"),
            ("tokio", "pumps and queues"),
            ("unicode-width", "columns"),
        ],
    },
    Crate {
        name: "fulcrum-rpc",
        may_use: &[
            ("bytes", "frames"),
            ("http", "metadata and limits"),
            ("hyper-util", "the Unix socket's connector"),
            ("prost", "messages"),
            ("prost-types", "well-known messages"),
            ("rustix", "lock, peer, socket"),
            ("serde", "payloads"),
            ("serde_json", "payloads"),
            ("sha2", "the runtime folder's name"),
            ("thiserror", "errors"),
            ("tokio", "sockets"),
            ("tokio-stream", "listeners as streams"),
            ("tokio-util", "cancellation"),
            ("tonic", "gRPC"),
            ("tonic-health", "grpc.health.v1"),
            ("tonic-prost", "the codec of generated code"),
            ("tonic-reflection", "server reflection"),
            ("tower", "services"),
            ("tracing", "its own words"),
        ],
    },
    Crate {
        name: "fulcrum-watch",
        may_use: &[
            ("ignore", "the rules of .gitignore"),
            ("notify", "the system's notifications"),
            ("sha2", "is it another content"),
            ("thiserror", "errors"),
            ("tokio", "the queue to the reader"),
        ],
    },
    Crate {
        name: PARENT,
        may_use: &[
            ("clap", "arguments"),
            ("clap_complete", "completions"),
            ("fulcrum-config", "it joins them"),
            ("fulcrum-health", "it joins them"),
            ("fulcrum-logs", "it joins them"),
            ("fulcrum-rpc", "it joins them"),
            ("fulcrum-spawn", "it joins them"),
            ("fulcrum-watch", "it joins them"),
            ("globset", "names of domains with wildcards"),
            ("humantime", "times for people"),
            ("opentelemetry", "forwarded lines"),
            ("opentelemetry-otlp", "forwarded lines"),
            ("opentelemetry_sdk", "forwarded lines"),
            ("regex", "`logs --grep`"),
            ("rustix", "is it a terminal, who am I"),
            ("serde", "output for programs"),
            ("serde_json", "output for programs"),
            ("thiserror", "errors"),
            ("tokio", "the runtime"),
            ("tokio-stream", "answers as they come"),
            ("tokio-util", "cancellation"),
            ("tracing", "its own words"),
            ("tracing-subscriber", "where its own words go"),
            ("unicode-width", "columns"),
            ("yaml_serde", "writing YAML"),
        ],
    },
];
