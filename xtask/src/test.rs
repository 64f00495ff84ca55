//! `cargo xtask test`: everything that CI runs, in order, up to the first failure.

use crate::command::CommandRunner;
use crate::steps::{self, Outcome, Step};
use crate::{codegen, deny, e2e, interop, sdk, tidy};

const STEPS: &[Step] = &[
    Step {
        name: "format",
        run: || cargo("fmt --all --check"),
    },
    Step {
        name: "clippy",
        run: || cargo("clippy --workspace --all-targets --locked -- -D warnings"),
    },
    Step {
        name: "codegen",
        run: || codegen::run(true).map(Outcome::from),
    },
    Step {
        name: "tidy",
        run: || tidy::run(false).map(Outcome::from),
    },
    Step {
        name: "deny",
        run: || deny::run().map(Outcome::from),
    },
    Step {
        name: "Rust tests",
        run: || cargo("test --workspace --locked"),
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
        name: "e2e",
        run: || e2e::run().map(Outcome::from),
    },
    Step {
        name: "interop",
        run: interop::run,
    },
];

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
