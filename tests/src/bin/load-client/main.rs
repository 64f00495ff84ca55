//! Calls a domain as fast as it answers, and reports the rate:
//! `load-client ADDRESS DOMAIN TYPE CALLERS SECONDS BYTES`.
//!
//! Each caller waits for the response to its call before it makes the next one, and makes one at least.
//! A response must have
//! the request id of its call. Prints a JSON object: `calls`, `failed`, `mixed`, `seconds`,
//! `per_second`, and `p50`, `p99` and `max` in microseconds.

mod call;

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::call::{Client, Outcome};

/// Callers that share a connection: as many as a connection may have streams open.
const PER_CONNECTION: usize = 250;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, domain, type_, callers, seconds, bytes] = &arguments[..] else {
        eprintln!("usage: load-client ADDRESS DOMAIN TYPE CALLERS SECONDS BYTES");
        return ExitCode::from(2);
    };
    let number = |text: &String| text.parse::<usize>().expect("a number");
    let (callers, bytes) = (number(callers), number(bytes));
    let time = Duration::from_secs_f64(seconds.parse().expect("a number of seconds"));
    let payload = json!({ "text": "x".repeat(bytes) }).to_string();
    let mut clients = Vec::new();
    for _ in 0..callers.div_ceil(PER_CONNECTION) {
        let client = Client::connect(address, domain, type_, &payload).await;
        clients.push(client.expect("the port accepts connections"));
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let client = clients[caller / PER_CONNECTION].clone();
        tasks.spawn(run(client, caller, start + time));
    }
    let (mut times, mut failed, mut mixed) = (Vec::new(), 0, 0);
    while let Some(caller) = tasks.join_next().await {
        for (took, outcome) in caller.expect("a caller does not panic") {
            times.push(took);
            failed += usize::from(outcome == Outcome::Failed);
            mixed += usize::from(outcome == Outcome::Mixed);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    times.sort_unstable();
    let share = |part: f64| {
        let index = (times.len() as f64 * part) as usize;
        times.get(index.min(times.len().saturating_sub(1)))
    };
    let micros = |part: f64| share(part).map_or(0, |time| time.as_micros() as u64);
    let report = json!({
        "calls": times.len(),
        "failed": failed,
        "mixed": mixed,
        "seconds": seconds,
        "per_second": times.len() as f64 / seconds,
        "p50": micros(0.5),
        "p99": micros(0.99),
        "max": micros(1.0),
    });
    println!("{report}");
    ExitCode::SUCCESS
}

/// One caller, until the time is over. It makes one call at least.
async fn run(client: Client, caller: usize, end: Instant) -> Vec<(Duration, Outcome)> {
    let mut calls = Vec::new();
    loop {
        let start = Instant::now();
        let outcome = client.call(&format!("{caller}-{}", calls.len())).await;
        calls.push((start.elapsed(), outcome));
        if Instant::now() >= end {
            return calls;
        }
    }
}
