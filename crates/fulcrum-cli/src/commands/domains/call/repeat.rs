//! Many calls of a domain, and a report about them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::{CallRequest, CallResponse};
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::output::Output;

/// The outcome of a call that succeeded.
const OK: &str = "ok";

/// What came of the calls. Times are in milliseconds.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Report {
    calls: usize,
    concurrency: u32,
    seconds: f64,
    per_second: f64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// How often each outcome came: `ok`, or the code of a failure.
    outcomes: BTreeMap<String, usize>,
    /// The text of a failure, for each kind of them.
    failures: BTreeMap<String, String>,
}

/// A call that has ended.
struct Sample {
    took: Duration,
    outcome: String,
    error: String,
}

/// Makes `times` calls, `concurrency` of them at a time.
///
/// # Errors
/// The instance is gone, or does not know the domain.
pub(super) async fn run(
    client: &ControlClient,
    request: &CallRequest,
    times: u32,
    concurrency: u32,
) -> Result<Report, CliError> {
    let concurrency = concurrency.min(times);
    let begun = Arc::new(AtomicU32::new(0));
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..concurrency {
        let (client, request, begun) = (client.clone(), request.clone(), Arc::clone(&begun));
        callers.spawn(async move {
            let mut samples = Vec::new();
            while begun.fetch_add(1, Ordering::Relaxed) < times {
                let start = Instant::now();
                let response = client.call(request.clone()).await?;
                samples.push(Sample::new(start.elapsed(), response));
            }
            Ok(samples)
        });
    }
    let mut samples = Vec::new();
    while let Some(caller) = callers.join_next().await {
        let caller = caller.map_err(|error| {
            CliError::new(ErrorCode::Internal, format!("internal error: {error}"))
        })?;
        samples.extend(caller.map_err(client::control_error)?);
    }
    Ok(Report::new(samples, concurrency, start.elapsed()))
}

impl Sample {
    fn new(took: Duration, response: CallResponse) -> Self {
        let outcome = if response.success {
            OK.to_owned()
        } else {
            let payload: Value = serde_json::from_str(&response.payload).unwrap_or_default();
            let code = payload.get("code").and_then(Value::as_str);
            code.unwrap_or("failed").to_owned()
        };
        Self {
            took,
            outcome,
            error: response.error,
        }
    }
}

impl Report {
    fn new(mut samples: Vec<Sample>, concurrency: u32, took: Duration) -> Self {
        samples.sort_by_key(|sample| sample.took);
        let (mut outcomes, mut failures) = (BTreeMap::new(), BTreeMap::new());
        for sample in &samples {
            *outcomes.entry(sample.outcome.clone()).or_default() += 1;
            if sample.outcome != OK {
                failures
                    .entry(sample.outcome.clone())
                    .or_insert_with(|| sample.error.clone());
            }
        }
        let quantile = |share: f64| {
            let index = (samples.len() as f64 * share) as usize;
            let sample = samples.get(index).or(samples.last());
            sample.map_or(0.0, |sample| sample.took.as_secs_f64() * 1000.0)
        };
        let seconds = took.as_secs_f64();
        Self {
            calls: samples.len(),
            concurrency,
            seconds,
            per_second: samples.len() as f64 / seconds.max(f64::EPSILON),
            p50_ms: quantile(0.5),
            p90_ms: quantile(0.9),
            p99_ms: quantile(0.99),
            max_ms: quantile(1.0),
            outcomes,
            failures,
        }
    }

    fn failed(&self) -> usize {
        self.calls - self.outcomes.get(OK).copied().unwrap_or_default()
    }

    fn describe(&self) -> String {
        let mut text = format!(
            "{} calls, {} at a time, in {:.2} s: {:.0} a second\n\
             response time: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms\n",
            self.calls,
            self.concurrency,
            self.seconds,
            self.per_second,
            self.p50_ms,
            self.p90_ms,
            self.p99_ms,
            self.max_ms
        );
        for (outcome, count) in &self.outcomes {
            let error = self.failures.get(outcome);
            let error = error.map_or_else(String::new, |error| format!(", such as: {error}"));
            text.push_str(&format!("{count} {outcome}{error}\n"));
        }
        text
    }
}

/// Prints the report.
///
/// # Errors
/// A call that failed.
pub(super) fn print(report: &Report, json: bool, output: &Output) -> Result<(), CliError> {
    match json {
        true => output.json(report)?,
        false => output.data(report.describe().as_bytes())?,
    }
    match report.failed() {
        0 => Ok(()),
        failed => Err(CliError::new(
            ErrorCode::CallsFailed,
            format!("{failed} of {} calls failed", report.calls),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ms: u64, outcome: &str, error: &str) -> Sample {
        Sample {
            took: Duration::from_millis(ms),
            outcome: outcome.to_owned(),
            error: error.to_owned(),
        }
    }

    #[test]
    fn a_report_has_quantiles_and_one_text_for_each_kind_of_failure() {
        let mut samples: Vec<Sample> = (1..=99).rev().map(|ms| sample(ms, OK, "")).collect();
        samples.push(sample(500, "TIMEOUT", "too late"));
        let report = Report::new(samples, 10, Duration::from_secs(2));
        assert_eq!(report.failed(), 1);
        assert_eq!(
            report.describe(),
            "100 calls, 10 at a time, in 2.00 s: 50 a second\n\
             response time: p50 51.0 ms, p90 91.0 ms, p99 500.0 ms, max 500.0 ms\n\
             1 TIMEOUT, such as: too late\n\
             99 ok\n"
        );
    }

    #[test]
    fn the_outcome_of_a_failure_is_its_code() {
        let outcome = |success, payload: &str| {
            let response = CallResponse {
                success,
                payload: payload.to_owned(),
                ..CallResponse::default()
            };
            Sample::new(Duration::ZERO, response).outcome
        };
        assert_eq!(outcome(true, "{}"), "ok");
        assert_eq!(outcome(false, r#"{"code":"OVERLOADED"}"#), "OVERLOADED");
        assert_eq!(outcome(false, r#"{"code":7}"#), "failed");
        assert_eq!(outcome(false, ""), "failed");
    }
}
