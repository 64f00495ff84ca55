//! `dev --ci`: the instance ends as soon as a domain has failed for good.

use std::time::Duration;

use fulcrum_runtime::{
    DomainStatus, Runtime, RuntimeExit, RuntimeHandle, ShutdownSignal, ShutdownStage,
};

use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::output::{CiReporter, FailedDomain};

/// How many of its last lines are printed of the domain.
const LAST_LINES: usize = 20;

/// A failure that has ended the instance.
pub(super) struct Failure {
    reporter: CiReporter,
    domain: FailedDomain,
}

impl Failure {
    /// Prints it. Returns the error of the command.
    pub(super) fn report(self) -> CliError {
        let Self { reporter, domain } = self;
        reporter.report(&domain);
        let text = format!("{} {}: {}", domain.name, domain.phase, domain.reason);
        CliError::new(ErrorCode::DomainFailed, text)
    }
}

/// Runs an instance until a shutdown is requested; with a reporter, or until a domain has failed.
pub(super) async fn run(
    runtime: Runtime,
    wait: Option<Duration>,
    reporter: Option<CiReporter>,
    shutdown: &ShutdownSignal,
) -> (RuntimeExit, Option<Failure>) {
    let Some(reporter) = reporter else {
        return (runtime.run(wait).await, None);
    };
    let (exit, domain) = run_until_failure(runtime, wait, shutdown).await;
    (exit, domain.map(|domain| Failure { reporter, domain }))
}

async fn run_until_failure(
    runtime: Runtime,
    wait: Option<Duration>,
    shutdown: &ShutdownSignal,
) -> (RuntimeExit, Option<FailedDomain>) {
    let handle = runtime.handle();
    let running = runtime.run(wait);
    tokio::pin!(running);
    let failed = tokio::select! {
        // If both are complete, the failure is why.
        biased;
        failed = handle.first_failure() => failed,
        exit = &mut running => {
            let failed = handle.failures().into_iter().next();
            return (exit, failed.map(|failed| describe(&handle, failed)));
        }
    };
    // Before the stop adds lines of its own.
    let failed = failed.map(|failed| describe(&handle, failed));
    shutdown.request(ShutdownStage::Stopping);
    (running.await, failed)
}

fn describe(handle: &RuntimeHandle, failed: DomainStatus) -> FailedDomain {
    FailedDomain {
        lines: handle.last_lines(&failed.name, LAST_LINES),
        name: failed.name,
        phase: failed.phase.to_string(),
        reason: failed.reason,
    }
}
