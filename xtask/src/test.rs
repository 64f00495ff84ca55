//! `cargo xtask test`: everything that CI runs, in order, up to the first failure.

use crate::command::CommandRunner;
use crate::steps::{self, Outcome, Step};
use crate::{bench, codegen, crates, deny, dist, docs, e2e, examples, interop, sdk, tidy};

const STEPS: &[Step] = &[
    Step {
        name: "formatting",
        run: || cargo("fmt --all --check"),
    },
    Step {
        name: "lints",
        run: || cargo("clippy --workspace --all-targets --locked -- -D warnings"),
    },
    Step {
        name: "generated code",
        run: || codegen::run(true).map(Outcome::from),
    },
    Step {
        name: "structure and names",
        run: || tidy::run(false).map(Outcome::from),
    },
    Step {
        name: "licenses and bans",
        run: || deny::run().map(Outcome::from),
    },
    Step {
        name: "Rust tests",
        run: || cargo("test --workspace --locked"),
    },
    Step {
        name: "examples",
        run: examples::run,
    },
    Step {
        name: "generated pages",
        run: || docs::run(true).map(Outcome::from),
    },
    Step {
        name: "instructions of hot paths",
        run: || bench::count_instructions(false),
    },
    Step {
        name: "API documentation",
        run: api_documentation,
    },
    Step {
        name: "crates",
        run: || crates::run().map(Outcome::from),
    },
    Step {
        name: "SDK build",
        run: || sdk::run(true).map(Outcome::from),
    },
    Step {
        name: "SDK tests",
        run: || sdk::test().map(Outcome::from),
    },
    Step {
        name: "sample app",
        run: || e2e::run().map(Outcome::from),
    },
    Step {
        name: "installed by package managers",
        run: || dist::run(&DEBUG_PACKAGES).map(Outcome::from),
    },
    Step {
        name: "env files as npm's dotenv reads them",
        run: || interop::check_env_files().map(Outcome::from),
    },
    Step {
        name: "JSON Schemas as ajv reads them",
        run: || interop::check_schemas().map(Outcome::from),
    },
    Step {
        name: "third-party programs",
        run: interop::run,
    },
];

/// What the suite packs and installs: the program that its other steps have built.
const DEBUG_PACKAGES: dist::Options = dist::Options {
    debug: true,
    out: None,
    check: true,
};

/// Runs every step until one fails.
///
/// # Errors
/// The name of the failed step.
pub(crate) fn run() -> anyhow::Result<()> {
    steps::run(STEPS)
}

fn cargo(line: &str) -> anyhow::Result<Outcome> {
    CommandRunner::cargo()
        .args(line.split(' '))
        .run_checked()
        .map(Outcome::from)
}

/// The documentation of the workspace builds without warnings.
fn api_documentation() -> anyhow::Result<Outcome> {
    CommandRunner::cargo()
        .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run_checked()
        .map(Outcome::from)
}
